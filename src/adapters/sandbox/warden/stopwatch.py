"""The clock of one phase: started once, read at will, and calibrated while everything it times is frozen.

S1. Whatever freezes thaws: a calibration that cannot be finished is given up, and the last rate stands.
S2. A clock that says `ready` began there, not when the tree it was said in was frozen at last; one that never does is charged from its first instant.
"""
import time

import clock

CADENCE_SECONDS = 0.4  # a neighbour's load changes faster than this; each look costs about twelve milliseconds
FREEZE_PATIENCE = 0.2  # a tree that cannot be frozen by then (fork bomb, a task in the kernel) keeps its last rate
REFERENCE_PATIENCE = 3.0  # twice as long for each that was silent before: on a cold or loaded machine one that is begun again imports for longer than this, and would never answer


class Stopwatch:
    def __init__(self, unit, groups, reference):
        self.unit, self.groups, self.reference = unit, groups, reference
        self.now = time.monotonic
        self.began = self.now()
        self.timer, self.page, self.group, self.ready = None, None, None, False
        self.calibration = None  # None | 'freezing' | 'measuring' | 'last'
        self.next = self.since = 0.0

    def times(self, group, page):
        """Names the command's group, whose seconds count, and the page that the sandbox reads."""
        self.group, self.page = group, page
        self.cpu_at_start = self.cpu_at_ready = group.cpu_seconds() if group.paths else 0.0

    @property
    def started(self):
        return self.timer is not None

    @property
    def busy(self):
        return self.calibration is not None

    def start(self, ready):
        self.ready = ready
        if self.unit == 'wall':
            self.timer = clock.Wall(self.now() if ready else self.began)
            self._show(self.now())
        else:
            self.cpu_at_ready = self.group.cpu_seconds()  # S2
            self._calibrate()

    def go_on(self, now):
        if self.calibration is not None:
            self._go_on_calibrating(now)
        elif self.timer is not None and now >= self.next:
            if self.unit == 'wall':
                self._show(now)
            else:
                self._calibrate()

    def seconds(self, now):
        return self.timer.read(now if self.unit == 'wall' else self.group.cpu_seconds())

    def _show(self, now):
        self.page.write(*self.timer.page(now))
        self.next = now + CADENCE_SECONDS

    def _calibrate(self):
        self.calibration, self.since = 'freezing', self.now()
        for group in self.groups.values():
            group.freeze()
        self._go_on_calibrating(self.now())

    def _go_on_calibrating(self, now):
        waited = now - self.since
        if self.calibration == 'freezing':
            late = waited > FREEZE_PATIENCE
            if late and self.timer is not None:
                self.give_up()
            elif late or all(group.frozen() for group in self.groups.values()):  # a clock has to start, frozen or not
                self.cpu_frozen = self.group.cpu_seconds()
                self.calibration = 'measuring'
                self.reference.ask(self._calibrated)
        elif waited > self._patience():
            self.reference.restart()
            self.give_up()

    def _calibrated(self, unit_seconds):
        if self.calibration != 'measuring':
            return
        if self.timer is None:
            self.timer = clock.Calibrated(self.cpu_at_ready if self.ready else self.cpu_at_start, unit_seconds)
        self.timer.calibrate(self.cpu_frozen, unit_seconds)
        self.page.write(*self.timer.page(self.now()))
        self.give_up()

    def give_up(self):
        if self.calibration is None:
            return
        self.calibration = None
        for group in self.groups.values():
            group.thaw()  # S1
        self.next = self.now() + CADENCE_SECONDS

    def settle(self, then):
        """Measures once more after the last process died: only the dead can be timed without freezing."""
        self.calibration, self.since = 'last', self.now()

        def settled(unit_seconds):
            if self.calibration != 'last':
                return
            if self.timer is None:
                self.timer = clock.Calibrated(self.cpu_at_ready if self.ready else self.cpu_at_start, unit_seconds)
            self.timer.calibrate(self.group.cpu_seconds(), unit_seconds)
            self.calibration = None
            then()

        self.reference.ask(settled)

    @property
    def freezing(self):
        return self.calibration == 'freezing'

    @property
    def settling(self):
        return self.calibration == 'last'

    @property
    def stuck(self):
        """Whether the reference has been silent for so long that the end is said without its last word."""
        return self.settling and self.now() - self.since > self._patience()

    def _patience(self):
        return REFERENCE_PATIENCE * 2 ** self.reference.silences

    def final(self, wall):
        """Seconds of a phase that took `wall` seconds; nothing lives any more."""
        if self.unit == 'wall':
            return (self.timer or clock.Wall(self.began)).read(self.began + wall)
        return self.timer.read(self.group.cpu_seconds()) if self.timer is not None else 0.0

    def close(self):
        if self.page is not None:
            self.page.close()
