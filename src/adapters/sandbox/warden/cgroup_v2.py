"""Control groups v2: one directory."""
import os
import signal

from cgroupfs import below, fields, make, mounts, own, read, remove, send, write
from delegation import divisible


class V2:
    describes = 'control groups v2'
    controllers = ('memory', 'pids', 'cpu')

    def __init__(self, name, parents):
        self.at = os.path.join(parents['cgroup2'], 'brigade', name)
        make(self.at)
        available = set(read(self.at + '/cgroup.controllers').split())
        self.limits = frozenset(noun for noun, controller in (('memory', 'memory'), ('processes', 'pids')) if controller in available)

    @classmethod
    def parents(cls):
        mounted, inside = mounts(), own()
        if 'cgroup2' not in mounted:
            return None
        parent = divisible(below(mounted['cgroup2'], inside.get('', '/')))
        home = os.path.join(parent, 'brigade')
        os.makedirs(home, exist_ok=True)
        for group in (parent, home):
            for controller in cls.controllers:
                try:
                    write(group + '/cgroup.subtree_control', '+' + controller)
                except OSError:
                    pass  # a group with processes of its own cannot pass controllers on; time, freezing and killing work without
        return {'cgroup2': parent}

    @property
    def paths(self):
        return [self.at]

    def limit(self, memory, processes):
        if 'memory' in self.limits:
            write(self.at + '/memory.max', memory)
            if os.path.exists(self.at + '/memory.swap.max'):
                write(self.at + '/memory.swap.max', 0)
        if 'processes' in self.limits:
            write(self.at + '/pids.max', processes)

    def enter(self):
        write(self.at + '/cgroup.procs', 0)

    def cpu_seconds(self):
        return fields(self.at + '/cpu.stat')['usage_usec'] / 1e6

    def freeze(self):
        write(self.at + '/cgroup.freeze', 1)

    def frozen(self):
        return fields(self.at + '/cgroup.events').get('frozen') == 1

    def thaw(self):
        write(self.at + '/cgroup.freeze', 0)

    def oom_kills(self):
        path = self.at + '/memory.events'
        return fields(path).get('oom_kill', 0) if os.path.exists(path) else 0

    def pids(self):
        return [int(pid) for pid in read(self.at + '/cgroup.procs').split()]

    def kill(self):
        self.thaw()
        try:
            write(self.at + '/cgroup.kill', 1)
        except OSError:
            for pid in self.pids():
                send(pid, signal.SIGKILL)

    def remove(self):
        remove(self.at)
