"""The frozen reference of a slot as its warden holds it: a process of its own on the slot's first core, asked one measurement at a time."""
import os
import signal
import sys

import launch


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
