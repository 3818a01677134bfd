"""The warden of one slot: a trusted process that holds whatever runs there and outlives no one it answers to.

It is spoken to in lines of JSON on standard input and answers in lines of JSON on standard output.

  in   {"op": "open", slot, index, cores, level, bwrap, groups, staging, interpreter}  once, first
       {"op": "run", "job": PhaseJob}    one at a time      {"op": "beat"}      {"op": "abort"}
  out  {"event": "open", "describes", "held": [...]} | {"event": "refused", "reason"}
       {"event": "progress", "seconds"}  at least twice a second while the clock runs
       {"event": "end", "end": PhaseEnd}

W1. The end of standard input, or the death of the parent, kills everything and ends the warden.
W2. While a phase runs, silence of `silenceMs` kills the phase; any line is a sign of life.
W3. The death of the warden kills everything: sandboxes die with it, and its undertaker thaws and kills what its groups still hold.

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
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import cgroup  # noqa: E402
import interpreter  # noqa: E402
import launch  # noqa: E402
import seccomp  # noqa: E402
import staging  # noqa: E402
from phase import Phase  # noqa: E402

FIRST_SLOT_USER = 60000  # above every account a distribution hands out, below the range of containers


class Reference:
    """The frozen reference, in a process of its own on the slot's first core."""

    def __init__(self, slot):
        self.slot, self.pid, self.waiting, self.heard = slot, None, None, b''
        self.silences = 0  # how many in a row were replaced without an answer
        self.begin()

    def begin(self):
        asks, self.asks = os.pipe2(os.O_CLOEXEC)
        self.answers, answers = os.pipe2(os.O_CLOEXEC)
        nowhere = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'reference.py')
        self.pid = launch.trusted([sys.executable, '-I', program], '/', {0: asks, 1: answers, 2: nowhere}, self.slot.settings['cores'][:1])
        for handle in (asks, answers, nowhere):
            os.close(handle)
        self.slot.watch(self.answers, self._answered)

    def ask(self, then):
        self.waiting = then
        os.write(self.asks, b'?')

    def _answered(self):
        piece = os.read(self.answers, 4096)
        if not piece:
            self.slot.unwatch(self.answers)
            return
        self.heard += piece
        if self.heard.endswith(b'\n'):
            line, self.heard, then, self.waiting, self.silences = self.heard, b'', self.waiting, None, 0
            if then is not None:
                then(float(line.split()[-1]))

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.slot.unwatch(self.answers)
        os.close(self.asks)
        os.close(self.answers)

    def restart(self):
        self.end()
        self.waiting, self.heard, self.silences = None, b'', self.silences + 1
        self.begin()


class Slot:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.phase, self.reference, self.staging = None, None, None
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
        if self.phase is not None:
            self.phase.heard = self.phase.now()  # W2
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
            self.phase.begin()
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
        self.undertaker = bury_later(self.kind, self.parents, self.name)
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
        self.say(message)

    # ---- living

    def live(self):
        while not (self.leaving and self.phase is None):
            if self.leaving:
                self.phase.finish({'kind': 'killed', 'why': 'silence'})
                if self.phase is None:
                    break
            wait = self.phase.soon() if self.phase is not None else (0.05 if self.unsaid else None)
            for key, _ in self.selector.select(wait):
                if key.fd in self.selector.get_map():
                    key.data()
            if self.phase is not None:
                self.phase.tick()
            if self.unsaid:
                self._flush()
        if self.reference is not None:
            self.reference.end()
            self.staging.leave()
            cgroup.leave(self.parents)


def bury_later(kind, parents, name):
    """Forks the undertaker (W3): it sleeps on a pipe only the warden holds open, and at its end kills what the warden's groups still hold."""
    warden = os.getpid()
    wakes, held = os.pipe2(os.O_CLOEXEC)
    if os.fork() != 0:
        os.close(wakes)
        return held
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.dup2(wakes, 3)
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        os.closerange(4, 4096)
        while os.read(3, 1):
            pass
        for _ in range(200):
            left = False
            for parent in set(parents.values()):
                home = os.path.join(parent, 'brigade')
                for entry in os.listdir(home) if os.path.isdir(home) else ():
                    if entry.startswith(f'{name}.{warden}.'):
                        group = kind(entry, parents)
                        if group.pids():
                            group.kill()
                            left = True
                        else:
                            group.remove()
            if not left:
                cgroup.leave(parents)
                break
            signal.sigtimedwait([], 0.01)
    finally:
        os._exit(0)


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
