"""The life of one phase, from its first process to the death of its last.

P1. A phase ends once; what is decided first stands, and everything is dead before it is said.
P2. The clock starts at the first `R` on the control pipe, or, for a command that never says it, at its first instant.
    Before `R` the phase runs trusted code only, held by the start-up limit; afterwards the pipe is closed.
P3. Only the command's time is charged; the auditor has the wall limit.
"""
import json
import os
import signal
import socket
import time

import clock
import launch
import staging
from log import Log, readable
from stamps import Stamps
from stopwatch import Stopwatch

STARTUP_SECONDS = 60.0  # importing a deep-learning library on a cold, loaded machine takes tens of seconds
PROGRESS_SECONDS = 0.4
SCORER_GRACE = 2.0  # a command may leave as soon as it has answered the last question
MOST_SCORED = 1 << 20


class Phase:
    def __init__(self, slot, job, say):
        self.slot, self.job, self.say = slot, job, say
        self.now = time.monotonic
        self.began = self.heard = self.now()
        self.children = {}  # pid: role
        self.statuses = {}
        self.groups, self.views, self.handles = [], [], []
        self.ending = None
        self.stopwatch = Stopwatch(job['clock'], self.groups, slot.reference)
        self.command_ended = None
        self.scored, self.scorer_out, self.scorer_err = None, bytearray(), bytearray()
        self.next_progress = 0.0
        self.log = Log(job['log'], job['limits']['logBytes'])
        self.stamps = Stamps(job['stamps'], job['limits']['logBytes'], job['milestones']) if job['stamps'] is not None else None

    # ---- beginning

    def begin(self):
        try:
            self._begin()
        except Exception as error:  # noqa: BLE001 our own fault, said as one
            self.finish({'kind': 'not-started', 'reason': f'{type(error).__name__}: {error}'})

    def _begin(self):
        job, slot = self.job, self.slot
        self.view = self._view('command', True)
        page = clock.Page(self.view['clock'])
        out_read, out_write = self._pipe()
        null = self._keep(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        fds = {0: null, 1: out_write, 2: out_write}
        pairs = {}
        if job['scorer'] is not None:
            pairs[3] = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
            if job['auditor'] is not None:
                pairs[4] = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.control = self._keep(os.open(self.view['control'], os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
            self.group = self._group('command')
            self.stopwatch.times(self.group, page)
            self._start('command', job['command'], {**fds, **({3: pairs[3][1].fileno()} if 3 in pairs else {})}, self.view, self.group)
            if job['auditor'] is not None and 4 in pairs:
                view = self._view('auditor', False)
                self._start('auditor', job['auditor'], {**fds, 3: pairs[4][1].fileno()}, view, self._group('auditor'))
            if job['scorer'] is not None:
                self._start_scorer(job['scorer'], {number: pair[0].fileno() for number, pair in pairs.items()})
        finally:
            for pair in pairs.values():
                for end in pair:
                    end.close()
        os.close(out_write)
        self.handles.remove(out_write)
        self.slot.watch(out_read, lambda: self._drain(out_read))
        self.slot.watch(self.control, self._ready)

    def _view(self, role, writable):
        view = self.slot.staging.prepare(role, self.job, writable)
        self.views.append(view)
        view['scratchBytes'] = self.job['limits']['scratchBytes']
        view['clock'], view['control'] = f"{view['top']}/clock", f"{view['top']}/control"
        if role != 'command':
            os.close(os.open(view['clock'], os.O_CREAT | os.O_RDWR, 0o644))
        os.mkfifo(view['control'])
        os.chown(view['control'], self.slot.settings['user'][0], self.slot.settings['user'][1]) if self.slot.settings['user'] else None
        os.chmod(view['control'], 0o600)
        return view

    def _group(self, role):
        group = self.slot.new_group(role)
        self.groups.append(group)
        group.limit(self.job['limits']['memoryBytes'], self.job['limits']['processes'])
        return group

    def _start(self, role, command, fds, view, group):
        pid = launch.sandboxed(self.slot.settings, view, self.slot.staging, self.job, command, fds, group)
        if not group.paths:
            group.root = pid
        self._adopt(pid, role)

    def _start_scorer(self, scorer, sockets):
        out_read, out_write = self._pipe()
        err_read, err_write = self._pipe()
        asked = open(f"{self.view['top']}/request", 'w+b')
        asked.write(scorer['request'].encode())
        asked.flush()
        asked.seek(0)
        argv = [self.slot.python if place == 0 and word == 'python' else word for place, word in enumerate(scorer['command'])]
        pid = launch.trusted(argv, self.job['evaluator'], {0: asked.fileno(), 1: out_write, 2: err_write, **sockets})
        asked.close()
        for handle in (out_write, err_write):
            os.close(handle)
            self.handles.remove(handle)
        self._adopt(pid, 'scorer')
        self.slot.watch(out_read, lambda: self._collect(out_read, self.scorer_out))
        self.slot.watch(err_read, lambda: self._collect(err_read, self.scorer_err))

    def _adopt(self, pid, role):
        self.children[pid] = role
        handle = self._keep(os.pidfd_open(pid))
        self.slot.watch(handle, lambda: (self.slot.unwatch(handle), self.reap()))

    def _pipe(self):
        ends = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(ends[0], False)
        return self._keep(ends[0]), self._keep(ends[1])

    def _keep(self, handle):
        self.handles.append(handle)
        return handle

    # ---- listening

    def _drain(self, handle):
        self._read(handle, self._print)

    def _print(self, piece):
        self.log.write(piece)
        if self.stamps is not None:
            ended = self.began + self.wall if self.ending is not None else self.now()
            self.stamps.write(piece, ended - self.began)

    def _collect(self, handle, into):
        self._read(handle, lambda piece: into.extend(piece[: max(0, MOST_SCORED - len(into))]))

    def _read(self, handle, take):
        try:
            piece = os.read(handle, 1 << 20)
        except BlockingIOError:
            return
        if piece:
            take(piece)
        else:
            self.slot.unwatch(handle)

    def _ready(self):
        """P2: the first byte counts, and only it."""
        try:
            said = os.read(self.control, 1)
        except BlockingIOError:
            return
        self.slot.unwatch(self.control)
        os.close(self.control)
        self.handles.remove(self.control)
        if said == b'R' and not self.stopwatch.started and self.ending is None and self.command_ended is None:
            self.stopwatch.start(True)

    def reap(self):
        for pid, role in list(self.children.items()):
            done, status, usage = os.wait4(pid, os.WNOHANG)
            if done == 0:
                continue
            del self.children[pid]
            self.statuses[role] = status
            if role == 'command':
                self.command_ended = self.now()
                if not self.group.paths:
                    self.group.spent = max(self.group.spent, usage.ru_utime + usage.ru_stime)
                    self.group.root = None

    # ---- deciding

    def tick(self):
        """Looks at everything that time alone can change."""
        self.reap()
        if self.ending is not None:
            self._bury()
            return
        now = self.now()
        if now - self.heard > self.job['silenceMs'] / 1000:
            self.finish({'kind': 'killed', 'why': 'silence'})
        elif self.statuses.get('scorer') is not None:
            self._scorer_ended()
        elif self.command_ended is not None:
            if 'scorer' not in self.children.values() or now - self.command_ended > SCORER_GRACE:
                self.finish(self._command_end())
        elif now - self.began > self.job['wallSeconds']:
            self.finish({'kind': 'over-budget', 'by': 'wall'})
        elif self.stamps is not None and self.stamps.overdue(now - self.began):
            self.finish({'kind': 'over-budget', 'by': 'milestone'})
        else:
            self._watch_clock(now)

    def _watch_clock(self, now):
        if not self.stopwatch.started and not self.stopwatch.busy and (self.stopwatch.ready or now - self.began > STARTUP_SECONDS):
            self.stopwatch.start(self.stopwatch.ready)
        else:
            self.stopwatch.go_on(now)
        if self.stopwatch.started and self.ending is None:
            seconds = self.stopwatch.seconds(now)
            if seconds > self.job['budgetSeconds'] + self.job['toleranceSeconds']:
                self.finish({'kind': 'over-budget', 'by': 'clock'})
            elif now >= self.next_progress:
                self.next_progress = now + PROGRESS_SECONDS
                self.say({'event': 'progress', 'seconds': round(seconds, 4)})

    def _scorer_ended(self):
        status = self.statuses['scorer']
        line = bytes(self.scorer_out).strip()
        try:
            said = json.loads(line, parse_constant=lambda word: (_ for _ in ()).throw(ValueError(f'{word} is not JSON')))
            self.scored = said
        except ValueError as error:
            said, problem = None, f'its output is not one JSON value: {error}'
        if self.command_ended is not None:
            self.finish(self._command_end())
        elif (os.waitstatus_to_exitcode(status) != 0 or said is None) and not self._command_lives():
            return  # the command went first and took the scorer with it; its own end is a moment away
        elif os.waitstatus_to_exitcode(status) != 0:
            self.scored = None
            self.finish({'kind': 'scorer-failed', 'message': f'ended with {describe(status)}: {readable(self.scorer_err[-2000:])}'})
        elif said is None:
            self.finish({'kind': 'scorer-failed', 'message': problem})
        else:
            self.finish({'kind': 'exited', 'code': 0})

    def _command_lives(self):
        """Whether the command itself runs, not only what is wrapped around it: it is always process 2 of its namespace."""
        if self.slot.settings['level'] == 'none':
            return True
        for pid in self.group.pids():
            try:
                with open(f'/proc/{pid}/status') as file:
                    status = dict(line.split(':', 1) for line in file)
            except OSError:
                continue
            if status['NSpid'].split()[-1] == '2' and status['State'].split()[0] not in 'ZX':
                return True
        return False

    def _command_end(self):
        code = os.waitstatus_to_exitcode(self.statuses['command'])
        number = -code if code < 0 else code - 128 if 129 <= code <= 192 else None  # bubblewrap says 128 + n for a signal
        if number is None:
            return {'kind': 'exited', 'code': code}
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = f'SIG{number}'
        return {'kind': 'signalled', 'signal': name, 'outOfMemory': number == signal.SIGKILL and self.group.oom_kills() > 0}

    # ---- ending

    def finish(self, end):
        if self.ending is not None:
            return  # P1
        self.ending = end
        self.wall = self.now() - self.began
        self.stopwatch.give_up()
        self._bury()

    def _bury(self):
        """Kills until nothing is left, then measures once more and says how it ended."""
        if self.stopwatch.settling:
            if self.stopwatch.stuck:
                self._close()
            return
        for pid, role in list(self.children.items()):
            if role == 'scorer' or self.group.paths:  # without control groups the first process must outlive what it gathers
                os.kill(pid, signal.SIGKILL)
        alive = False
        for group in self.groups:
            if group.pids():
                group.kill()
                alive = True
        self.reap()
        if alive or self.children:
            return
        # A verdict of the clock stands with the reading it was made on.
        judged = self.ending['kind'] == 'not-started' or self.ending.get('by') == 'clock'
        if self.job['clock'] == 'calibrated' and self.groups and not judged:
            self.stopwatch.settle(self._close)
        else:
            self._close()

    def _close(self):
        seconds = self.stopwatch.final(self.wall)
        ended_alone = self.ending['kind'] in ('exited', 'signalled')
        if ended_alone and seconds > self.job['budgetSeconds'] + self.job['toleranceSeconds']:
            self.ending, self.scored = {'kind': 'over-budget', 'by': 'clock'}, None
        for handle in list(self.slot.watched()):
            if handle in self.handles and handle != getattr(self, 'control', None):
                self._drain_last(handle)
        for handle in self.handles:
            self.slot.unwatch(handle)
            os.close(handle)
        self.handles.clear()
        self.stopwatch.close()
        self.log.close()
        milestones = {} if self.stamps is None else {'milestones': self.stamps.close(self.wall, self.ending['kind'] == 'exited')}
        if self.views:
            try:
                staging.empty(self.job['scratch'])
                staging.copy_files(self.views[0]['work'], self.job['scratch'], self.job['limits']['scratchBytes'])
            except OSError as error:
                self.ending = {'kind': 'not-started', 'reason': f"what the phase left in scratch could not be copied out: {error}"}
        for view in self.views:
            self.slot.staging.discard(view)
        for group in self.groups:
            group.remove()
        self.slot.ended({'event': 'end', 'end': {'seconds': round(seconds, 6), 'wallSeconds': round(self.wall, 6), 'scored': self.scored,
                                                 'logTail': self.log.readable_tail(), **milestones, **self.ending}})

    def _drain_last(self, handle):
        """What was printed just before the end is still in the pipe; nobody is left who could add to it."""
        for _ in range(4):
            if handle not in self.slot.watched():
                return
            try:
                self.slot.watched()[handle]()
            except OSError:
                return

    def soon(self):
        """Seconds until `tick` is worth calling again."""
        if self.ending is not None:
            return 0.002
        return 0.001 if self.stopwatch.freezing else 0.02


def describe(status):
    code = os.waitstatus_to_exitcode(status)
    return f'exit code {code}' if code >= 0 else f'signal {signal.Signals(-code).name}'
