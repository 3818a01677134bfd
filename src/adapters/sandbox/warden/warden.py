"""The warden of one slot: a trusted process that holds whatever runs there and outlives no one it answers to.

It is spoken to in lines of JSON on standard input and answers in lines of JSON on standard output.

  in   {"op": "open", slot, index, cores, level, bwrap, groups, staging, interpreter}  once, first
       {"op": "run", "job": PhaseJob}    one at a time      {"op": "beat", agoMs}      {"op": "abort"}
       {"op": "occupy", locks, shared, by, silenceMs}   {"op": "leave"}
  out  {"event": "open", "describes", "held": [...]} | {"event": "refused", "reason"}
       {"event": "waits", "why"}  while another process has a lock, then {"event": "occupied"}
       {"event": "left", "unclean"}  null when nothing was left and the locks are free, else why they are still held
       {"event": "progress", "seconds"}  at least twice a second while the clock runs
       {"event": "end", "end": PhaseEnd}

W1. The end of standard input, or the death of the parent, kills everything and ends the warden.
W2. While a phase runs, silence of `silenceMs` kills the phase; any line is a sign of life, and a beat one of `agoMs` ago: a lease that nobody renews keeps nothing alive.
W3. The death of the warden kills everything: sandboxes die with it, and its undertaker thaws and kills what its groups still hold.
W4. A slot is given back only when no process of it is left in its groups or under its user.
W5. Where no group tells its processes from those of another warden's slot of that number, a slot is alone on its user.

WHAT A COMMAND IS TOLD
  BRIGADE_RECIPE, BRIGADE_EVAL, BRIGADE_DATA, BRIGADE_WORK  where things lie: /recipe, /eval, /data, /work in a real sandbox.
  BRIGADE_CONTROL  a named pipe. Trusted code writes the single byte `R` to it when it has imported what it needs and before it imports
                   any recipe code; the clock starts then. Later bytes go nowhere. A command that never writes is timed from its first instant.
  BRIGADE_CLOCK    a file of 96 bytes, rewritten in place (it can be mapped): one line, padded with spaces,
                       <sequence> <unit> <elapsed> <base> <rate> <sequence>
                   Read again until the two sequence numbers agree. Sequence 0 has unit `waiting`: the clock has not started. A harness that
                   has written `R` waits for sequence 1 (a few tens of milliseconds, while the tree is frozen for the first calibration).
                     unit `calibrated`: elapsed = calibrated seconds at the last calibration, base = CPU seconds of the command's
                       tree since the clock started, rate = calibrated seconds per CPU second from then on:
                       now = elapsed + max(0, process_time() - process_time() at R - base) * rate
                     unit `wall`: base = CLOCK_MONOTONIC of the update, rate 1:  now = elapsed + max(0, monotonic() - base)
                   It is a courtesy for `Budget`; overruns are decided by the warden from its own reading.
"""
import ctypes
import json
import os
import selectors
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import cgroup  # noqa: E402
import interpreter  # noqa: E402
import launch  # noqa: E402
import seccomp  # noqa: E402
import staging  # noqa: E402
import undertaker  # noqa: E402
from occupancy import LOOK_SECONDS, Occupancy  # noqa: E402
from phase import Phase  # noqa: E402
from yardstick import Reference  # noqa: E402

FIRST_SLOT_USER = 60000  # above every account a distribution hands out, below the range of containers


class Slot:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.phase, self.reference, self.staging, self.occupancy, self.undertaker = None, None, None, None, None
        self.heard_at = time.monotonic()
        self.heard, self.unsaid = b'', b''
        self.python = sys.executable
        self.count = 0
        self.leaving = False
        os.set_blocking(0, False)
        os.set_blocking(1, False)
        self.watch(0, self._listen)

    def watch(self, handle, then):
        self.selector.register(handle, selectors.EVENT_READ, then)

    def unwatch(self, handle):
        if handle in self.selector.get_map():
            self.selector.unregister(handle)

    def watched(self):
        return {key.fd: key.data for key in self.selector.get_map().values()}

    # ---- speaking

    def say(self, message):
        """An end is never dropped; progress is, when nobody reads."""
        if self.unsaid and message['event'] == 'progress':
            return
        self.unsaid += json.dumps(message, separators=(',', ':'), allow_nan=False).encode() + b'\n'
        self._flush()

    def _flush(self):
        try:
            while self.unsaid:
                self.unsaid = self.unsaid[os.write(1, self.unsaid):]
        except BlockingIOError:
            pass
        except OSError:
            self.leaving = True

    def _listen(self):
        try:
            piece = os.read(0, 1 << 16)
        except BlockingIOError:
            return
        if not piece:
            self.leaving = True  # W1
            return
        self.heard_at = time.monotonic()
        if self.phase is not None:
            self.phase.heard = self.heard_at  # W2
        *lines, self.heard = (self.heard + piece).split(b'\n')
        for line in lines:
            self._obey(json.loads(line))

    def _obey(self, order):
        if order['op'] == 'open':
            try:
                self._open(order)
            except Exception as error:  # noqa: BLE001 reported to whoever asked
                self.say({'event': 'refused', 'reason': f'{type(error).__name__}: {error}'})
        elif order['op'] == 'run':
            self.phase = Phase(self, order['job'], self.say)
            if self.occupancy is not None and not self.occupancy.is_held:
                self.phase.finish({'kind': 'not-started', 'reason': 'the slot was given back when nobody was heard of'})
            else:
                self.phase.begin()
        elif order['op'] == 'beat':
            self.heard_at = time.monotonic() - order.get('agoMs', 0) / 1000  # of several that lay waiting the newest counts, and none twice
            if self.phase is not None:
                self.phase.heard = self.heard_at
        elif order['op'] == 'occupy':
            user = self.settings['user']
            alone = [f'user-{user[0]}'] if user and not self.parents else []  # W5
            self.occupancy = Occupancy(self.locks, order | {'locks': order['locks'] + alone})
        elif order['op'] == 'leave':
            self._leave()
        elif order['op'] == 'abort' and self.phase is not None:
            self.phase.finish({'kind': 'killed', 'why': 'aborted'})

    # ---- opening

    def _open(self, order):
        root = os.getuid() == 0
        mounted = order['level'] != 'none'
        user = (FIRST_SLOT_USER + order['index'], FIRST_SLOT_USER + order['index']) if root and mounted else None
        self.kind, self.parents = cgroup.choose(order['groups'])
        self.name = order['slot']
        cgroup.sweep(self.kind, self.parents, self.name)
        python = interpreter.describe(order['interpreter'])
        if mounted:
            staging.private_namespace()
        self.locks = order['locks']
        self.undertaker = undertaker.begin(self.kind, self.parents, self.name, user)
        self.staging = staging.Staging('/run/brigade' if user else order['staging'], mounted, *(user or (0, 0)), python)
        self.settings = {'level': order['level'], 'bwrap': order['bwrap'], 'cores': order['cores'], 'user': user,
                         'disableUserns': bool(order['bwrap']) and launch.understands_disable_userns(order['bwrap'])}
        self.reference = Reference(self)
        probe = self.new_group('probe')
        held = sorted(probe.limits)
        probe.remove()
        self.say({'event': 'open', 'groups': self.kind.describes, 'held': held, 'seccomp': seccomp.program() is not None, 'user': user[0] if user else os.getuid()})

    def new_group(self, role):
        self.count += 1
        return self.kind(f'{self.name}.{os.getpid()}.{role}-{self.count}', self.parents)

    def ended(self, message):
        self.phase = None
        self.tell_undertaker(undertaker.NO_PROCESSES)
        self.say(message)

    def tell_undertaker(self, word, handles=()):
        try:
            for first in range(0, max(1, len(handles)), undertaker.AT_ONCE):
                socket.send_fds(self.undertaker, [word], handles[first:first + undertaker.AT_ONCE])
        except OSError:
            pass  # it was killed; what it would have held dies with the warden all the same

    # ---- being alone here

    def _look_at_locks(self):
        occupancy = self.occupancy
        if not occupancy.is_held and not occupancy.is_lost:
            if occupancy.take():
                self.tell_undertaker(undertaker.LOCKS, occupancy.held)  # before anything can run under them
                cgroup.sweep(self.kind, self.parents, self.name)
                self.say({'event': 'occupied'})
            else:
                why = occupancy.why()
                if why is not None:
                    self.say({'event': 'waits', 'why': why})
        if time.monotonic() - self.heard_at > occupancy.silence and self.phase is None and not occupancy.is_lost:
            self._let_go()
            occupancy.is_lost = True

    def _let_go(self):
        self.occupancy.let_go()
        self.tell_undertaker(undertaker.NO_LOCKS)

    def _leave(self):
        unclean = None if self.occupancy is None or not self.occupancy.is_held else self._left_behind()
        if unclean is None and self.occupancy is not None:
            self._let_go()
            self.occupancy = None
        self.say({'event': 'left', 'unclean': unclean})

    def _left_behind(self):
        """W4: what keeps this slot from being anybody else's; None when nothing does."""
        if self.phase is not None:
            return 'a phase of it still runs'
        for name in undertaker.groups(self.parents, f'{self.name}.{os.getpid()}.'):
            group = self.kind(name, self.parents)
            pids = group.pids()
            if pids:
                group.kill()
                return f'process {pids[0]} still lives in its control group'
            group.remove()
        living = undertaker.strangers(self.settings['user'], f'{self.name}.{os.getpid()}.')
        return f"process {living[0]} runs as its user {self.settings['user'][0]}" if living else None

    def _until_next_look(self):
        if self.occupancy.is_lost:
            return None
        return max(0.001, self.heard_at + self.occupancy.silence - time.monotonic() + 0.001) if self.occupancy.is_held else LOOK_SECONDS

    # ---- living

    def live(self):
        while not (self.leaving and self.phase is None):
            if self.leaving:
                self.phase.finish({'kind': 'killed', 'why': 'silence'})
                if self.phase is None:
                    break
            wait = self.phase.soon() if self.phase is not None else (0.05 if self.unsaid else None if self.occupancy is None else self._until_next_look())
            for key, _ in self.selector.select(wait):
                if key.fd in self.selector.get_map():
                    key.data()
            if self.phase is not None:
                self.phase.tick()
            if self.occupancy is not None:
                self._look_at_locks()
            if self.unsaid:
                self._flush()
        if self.reference is not None:
            self.reference.end()
            self.staging.leave()
            cgroup.leave(self.parents)


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon, which finishes gracefully
    slot = Slot()

    def leave(_number, _frame):
        slot.leaving = True

    signal.signal(signal.SIGTERM, leave)
    wakes, wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    slot.watch(wakes, lambda: os.read(wakes, 64))
    ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)
    slot.live()


if __name__ == '__main__':
    main()
