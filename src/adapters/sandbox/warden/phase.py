"""The life of one phase, from its first process to the death of its last.

P1. A phase ends once; what is decided first stands, and everything is dead before it is said.
P2. The clock starts at the first `R` on the control pipe, or, for a command that never says it, at its first instant.
    Before `R` the phase runs trusted code only, held by the start-up limit; afterwards the pipe is closed.
P3. Only the command's time is charged; the auditor has the wall limit, and its lines end no milestone.
P4. The first question to the auditor ends the command: it is dead, and its clock has been read, before the auditor starts.
"""
import os
import socket
import time

import clock
import staging
from auditor import Auditor
from crew import Crew
from log import Log
from scorer import Scorer
from stamps import Stamps
from stopwatch import Stopwatch

STARTUP_SECONDS = 60.0  # importing a deep-learning library on a cold, loaded machine takes tens of seconds
PROGRESS_SECONDS = 0.4
SCORER_GRACE = 2.0  # a command may leave as soon as it has answered the last question
LEAVING_SECONDS = 0.3  # a process closes its files before anybody can see that it has gone


class Phase:
    def __init__(self, slot, job, say):
        self.slot, self.job, self.say = slot, job, say
        self.now = time.monotonic
        self.began = self.heard = self.now()
        self.ending = None
        self.crew = Crew(slot, job)
        self.stopwatch = Stopwatch(job['clock'], self.crew.groups, slot.reference)
        self.scorer, self.scored = None, None
        self.auditor, self.asked, self.audits = None, None, False  # `asked`: the second in which the command's part ended
        self.control, self.printed = None, None
        self.next_progress = self.progress = 0.0
        self.log = Log(job['log'], job['limits']['logBytes'])
        self.stamps = None
        self.scorer_left = None

    # ---- beginning

    def begin(self):
        try:
            self._begin()
        except Exception as error:  # noqa: BLE001 our own fault, said as one
            self.finish({'kind': 'not-started', 'reason': f'{type(error).__name__}: {error}'})

    def _begin(self):
        job, crew = self.job, self.crew
        if job['stamps'] is not None:
            self.stamps = Stamps(job['stamps'], job['limits']['logBytes'], job['milestones'])
        view = crew.view('command', True)
        page = clock.Page(view['clock'])
        self.printed, out_write = crew.pipe()
        null = crew.keep(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        fds = {0: null, 1: out_write, 2: out_write}
        sockets, ends = {}, []
        if job['scorer'] is not None:
            pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
            sockets[3], ends = pair[0].fileno(), list(pair)
            if job['auditor'] is not None:
                self.auditor = Auditor(crew, job['auditor'], fds)
                sockets[4] = self.auditor.asker.fileno()
                ends.append(self.auditor.asker)
        try:
            self.control = crew.keep(os.open(view['control'], os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
            group = crew.found('command')
            self.stopwatch.times(group, page)
            crew.start('command', job['command'], {**fds, **({3: ends[1].fileno()} if ends else {})}, view, group)
            if job['scorer'] is not None:
                self.scorer = Scorer(crew, job['scorer'], sockets, view['top'])
        finally:
            for end in ends:
                end.close()
        if self.auditor is None:
            crew.close(out_write)
        else:
            self.slot.watch(self.auditor.handle, self._asked)
        self.slot.watch(self.printed, lambda: crew.read(self.printed, self._print))
        self.slot.watch(self.control, self._ready)

    # ---- listening

    def _print(self, piece):
        self.log.write(piece)
        if self.stamps is not None:
            self.stamps.write(piece, self.now() - self.began if self.audits else self.part())

    def _ready(self):
        """P2: the first byte counts, and only it."""
        try:
            said = os.read(self.control, 1)
        except BlockingIOError:
            return
        self.slot.unwatch(self.control)
        self.crew.close(self.control)
        self.control = None
        if said == b'R' and not self.stopwatch.started and self.ending is None and self.asked is None and self.crew.command_ended is None:
            self.stopwatch.start(True)

    def part(self):
        """Seconds of the command's part: until the auditor was asked, until it ended by itself, or until now."""
        ended = self.crew.command_ended
        now = self.wall if self.ending is not None else self.now() - self.began
        return min(now if self.asked is None else self.asked, now if ended is None else ended - self.began)

    def _asked(self):
        """P4: the scorer turns to the auditor."""
        self.slot.unwatch(self.auditor.handle)
        if self.ending is None and self.auditor.is_asked():
            self.asked = self.now() - self.began
            self.stopwatch.give_up()

    # ---- deciding

    def tick(self):
        """Looks at everything that time alone can change."""
        self.crew.reap()
        if self.ending is not None:
            self._bury()
            return
        now = self.now()
        if now - self.heard > self.job['silenceMs'] / 1000:
            self.finish({'kind': 'killed', 'why': 'silence'})
        elif self.crew.statuses.get('scorer') is not None:
            self._scorer_ended()
        elif self.stamps is not None and self.stamps.overdue(self.part()):
            self.finish({'kind': 'over-budget', 'by': 'milestone'})
        elif self.asked is not None and not self.audits:
            self._hand_over()
        elif self.crew.command_ended is not None and not self.audits:
            if not self.crew.works('scorer') or now - self.crew.command_ended > SCORER_GRACE:
                self.finish(self.crew.command_end())
        elif now - self.began > self.job['wallSeconds']:
            self.finish({'kind': 'over-budget', 'by': 'wall'})
        elif not self.audits:
            self._watch_clock(now)

    def _hand_over(self):
        """Kills the command, reads its clock for good, and starts the auditor; not before nothing of the command is left."""
        if self.stopwatch.settling:
            if self.stopwatch.stuck:
                self.stopwatch.give_up()
                self._audit()
        elif not self.crew.kill('command'):
            self.crew.hear(self.printed)
            if self.stamps is not None:
                self.stamps.end(self.part(), True)
            if self.job['clock'] == 'calibrated' and self.crew.groups:
                self.stopwatch.settle(self._audit)
            else:
                self._audit()

    def _audit(self):
        self.audits = True
        try:
            self.auditor.start()
        except Exception as error:  # noqa: BLE001 our own fault, said as one
            self.finish({'kind': 'not-started', 'reason': f'the auditor: {type(error).__name__}: {error}'})

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
                self.progress = max(self.progress, seconds)  # a look at the reference may take back a little of what was read before it
                self.say({'event': 'progress', 'seconds': round(self.progress, 4)})

    def _scorer_ended(self):
        status = self.crew.statuses['scorer']
        self.scorer_left = self.scorer_left or self.now()
        self.scored, problem = self.scorer.said()
        failed = os.waitstatus_to_exitcode(status) != 0
        if self.crew.command_ended is not None and self.asked is None:
            self.finish(self.crew.command_end())
        elif (failed or self.scored is None) and self.asked is None and (not self.crew.command_lives() or self.now() - self.scorer_left < LEAVING_SECONDS):
            self.stopwatch.give_up()  # what is wrapped around the command could not end while it is frozen, and nothing would thaw it
            return  # the command went first and took the scorer with it; its own end is a moment away
        elif failed:
            self.scored = None
            self.finish({'kind': 'scorer-failed', 'message': self.scorer.complaint(status)})
        elif self.scored is None:
            self.finish({'kind': 'scorer-failed', 'message': problem})
        else:
            self.finish({'kind': 'exited', 'code': 0})

    # ---- ending

    def finish(self, end):
        if self.ending is not None:
            return  # P1
        self.wall = self.now() - self.began
        self.ending = end
        self.stopwatch.give_up()
        self._bury()

    def _bury(self):
        """Kills until nothing is left, then measures once more and says how it ended."""
        if self.stopwatch.settling:
            if self.stopwatch.stuck:
                self.stopwatch.give_up()  # an answer that comes after all would ask groups that are no more
                self._close()
            return
        if self.crew.kill():
            return
        # A verdict of the clock stands with the reading it was made on.
        judged = self.ending['kind'] == 'not-started' or self.ending.get('by') == 'clock'
        if self.job['clock'] == 'calibrated' and self.crew.groups and not judged and not self.audits:
            self.stopwatch.settle(self._close)
        else:
            self._close()

    def _close(self):
        seconds = self.stopwatch.final(self.part())  # P3
        self.crew.close_all(unread=self.control)
        ended_alone = self.ending['kind'] in ('exited', 'signalled')
        late = 'milestone' if self.stamps is not None and self.stamps.overdue(self.part()) else 'clock' if seconds > self.job['budgetSeconds'] + self.job['toleranceSeconds'] else None
        if ended_alone and late is not None:
            self.ending, self.scored = {'kind': 'over-budget', 'by': late}, None
        self.stopwatch.close()
        self.log.close()
        milestones = {} if self.stamps is None else {'milestones': self.stamps.close(self.part(), self.ending['kind'] == 'exited')}
        if self.crew.views:
            try:
                staging.empty(self.job['scratch'])
                staging.copy_files(self.crew.views[0]['work'], self.job['scratch'], self.job['limits']['scratchBytes'])
            except OSError as error:
                self.ending = {'kind': 'not-started', 'reason': f"what the phase left in scratch could not be copied out: {error}"}
        self.crew.dissolve()
        self.slot.ended({'event': 'end', 'end': {'seconds': round(seconds, 6), 'wallSeconds': round(self.wall, 6), 'scored': self.scored,
                                                 'logTail': self.log.readable_tail(), **milestones, **self.ending}})

    def soon(self):
        """Seconds until `tick` is worth calling again."""
        if self.ending is not None or self.asked is not None and not self.audits:
            return 0.002
        return 0.001 if self.stopwatch.freezing else 0.02
