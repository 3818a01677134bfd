"""What a command prints, line by line, each with the second it arrived by the warden's own clock; and the milestones that such lines end.

T1. A stamp is taken when a line arrives: a recipe can hold a line back, but it cannot make the past shorter.
T2. Milestones come in order. A line counts only for the one that is running, so that a later name printed early ends nothing.
    Nor does one that arrives when the running one has had its time: what is late is named, and nothing after it begins.
T3. What was left out of a long log is left out in whole lines: the rest of one that was cut would begin with whatever the recipe wrote there, a stamp of its own too.
T4. What was still in the pipe when the last process died is stamped with the end, never later.
"""
import re

from log import Log

MOST_LINE = 4096  # of a longer line only this much is kept and looked at


class Stamps:
    def __init__(self, path, cap, milestones):
        self.log = Log(path, cap, whole_lines=True)  # T3
        self.open = bytearray()
        self.waiting = [(one['name'], re.compile(one['until'].encode()) if one['until'] is not None else None, one['seconds']) for one in milestones]
        self.reached, self.since = [], 0.0

    def write(self, piece, seconds):
        *whole, rest = piece.split(b'\n')
        lines = []
        for part in whole:
            self._add(part)
            lines.append(self._line(bytes(self.open), seconds))
            self.open = bytearray()
        self.log.write(b''.join(lines))
        self._add(rest)

    def _add(self, part):
        self.open += part[: MOST_LINE - len(self.open)]

    def _line(self, line, seconds):
        """The line with its stamp."""
        if self.waiting and self.waiting[0][1] is not None and not self.overdue(seconds) and self.waiting[0][1].search(line):  # T2
            self._reach(seconds)
        return b'%.3f\t%s\n' % (seconds, line)

    def _reach(self, seconds):
        name, _, _ = self.waiting.pop(0)
        self.reached.append({'name': name, 'seconds': round(max(0.0, seconds - self.since), 6), 'reached': True})
        self.since = seconds

    def overdue(self, seconds):
        """Whether the milestone that is running has had its time."""
        return bool(self.waiting) and seconds - self.since > self.waiting[0][2]

    def end(self, seconds, ended_well):
        """Ends the milestone that is running, if any: it is not reached unless it was the one that the end ends (T4). What is printed later ends none."""
        if self.open:
            self.log.write(self._line(bytes(self.open), seconds))
            self.open = bytearray()
        if self.waiting:
            name, until, _ = self.waiting[0]
            self.reached.append({'name': name, 'seconds': round(max(0.0, seconds - self.since), 6), 'reached': until is None and ended_well})
            self.waiting = []

    def close(self, seconds, ended_well):
        """All milestones that began, in order."""
        self.end(seconds, ended_well)
        self.log.close()
        return self.reached
