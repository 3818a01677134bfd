"""Calibrated seconds: CPU seconds of a tree, each interval multiplied by how fast this core was during it.

C1. An interval is divided by the mean of what the reference cost at its two ends, on the core it ran on, while the tree was frozen.
    (The mean of the two rates would grow with the noise of the reference, so that a busy machine would charge more.)
C2. What is charged never runs backwards and needs no cooperation of what is timed; a reading between two looks goes by the last rate, and the next look may take a little of it back.
"""
import os

from reference import NOMINAL_SECONDS

WIDTH = 96


class Calibrated:
    unit = 'calibrated'

    def __init__(self, cpu, unit_seconds):
        self.start = self.last = cpu
        self.cost = unit_seconds
        self.seconds = 0.0

    def calibrate(self, cpu, unit_seconds):
        self.seconds += max(0.0, cpu - self.last) * NOMINAL_SECONDS / ((self.cost + unit_seconds) / 2)  # C1
        self.last, self.cost = max(self.last, cpu), unit_seconds

    @property
    def rate(self):
        return NOMINAL_SECONDS / self.cost

    def read(self, cpu):
        return self.seconds + max(0.0, cpu - self.last) * self.rate

    def page(self, _now):
        return self.unit, self.seconds, self.last - self.start, self.rate


class Wall:
    unit = 'wall'

    def __init__(self, now):
        self.start = now

    def read(self, now):
        return now - self.start

    def page(self, now):
        return self.unit, now - self.start, now, 1.0


class Page:
    """The file a sandbox sees as its clock, rewritten in place; the number on both ends tells a reader that it read one version."""

    def __init__(self, path):
        self.handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        os.fchmod(self.handle, 0o644)
        self.sequence = 0
        self._put('waiting', 0.0, 0.0, 0.0)

    def _put(self, unit, seconds, base, rate):
        line = f'{self.sequence} {unit} {seconds:.6f} {base:.6f} {rate:.6f} {self.sequence}'
        os.pwrite(self.handle, line.ljust(WIDTH - 1).encode() + b'\n', 0)

    def write(self, unit, seconds, base, rate):
        self.sequence += 1
        self._put(unit, seconds, base, rate)

    def close(self):
        os.close(self.handle)
