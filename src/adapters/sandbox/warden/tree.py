"""No control groups: the process tree itself, as /proc shows it."""
import os
import signal

from cgroupfs import read, send


class Tree:
    """Without control groups: every descendant of one process, found in /proc, stopped and continued one by one."""
    describes = 'no control groups: the process tree is walked, and limits are per process'
    limits = frozenset()
    paths = ()

    def __init__(self, name=None, parents=None):
        self.root = None
        self.spent, self.own = 0.0, {}
        self.tick = os.sysconf('SC_CLK_TCK')

    @classmethod
    def parents(cls):
        return {}

    def limit(self, memory, processes):
        pass

    def enter(self):
        pass

    def _members(self):
        """{pid: (state, CPU ticks with reaped children, own CPU ticks, when it began)} of the root and all below it."""
        parents, rows = {}, {}
        for entry in os.listdir('/proc'):
            if not entry.isdigit():
                continue
            try:
                fields = read(f'/proc/{entry}/stat').rsplit(')', 1)[1].split()
            except OSError:
                continue
            pid = int(entry)
            parents.setdefault(int(fields[1]), []).append(pid)
            rows[pid] = (fields[0], sum(int(field) for field in fields[11:15]), sum(int(field) for field in fields[11:13]), fields[19])
        found, queue = {}, [self.root]
        while queue:
            pid = queue.pop()
            if pid in rows and pid not in found:
                found[pid] = rows[pid]
                queue.extend(parents.get(pid, ()))
        return found

    def cpu_seconds(self):
        members = self._members()
        self.own.update({(pid, began): own for pid, (_, _, own, began) in members.items()})
        reaped, seen = sum(ticks for _, ticks, _, _ in members.values()), sum(self.own.values())
        self.spent = max(self.spent, reaped / self.tick, seen / self.tick)  # a child whose parent ignores its death takes its ticks with it: what was seen of it stays
        return self.spent

    def freeze(self):
        for pid in self.pids():
            send(pid, signal.SIGSTOP)

    def frozen(self):
        running = [pid for pid, (state, *_) in self._members().items() if state not in 'TtZX']
        for pid in running:
            send(pid, signal.SIGSTOP)  # born since
        return not running

    def thaw(self):
        for pid in self.pids():
            send(pid, signal.SIGCONT)

    def oom_kills(self):
        return 0

    def pids(self):
        return [pid for pid, (state, *_) in self._members().items() if state not in 'ZX'] if self.root else []

    def kill(self):
        """The root last: it gathers what its children leave behind."""
        members = self.pids()
        for pid in members:
            if pid != self.root or len(members) == 1:
                send(pid, signal.SIGKILL)

    def remove(self):
        pass
