"""Control groups v1: a directory a controller."""
import os
import signal

from cgroupfs import below, fields, make, mounts, own, read, remove, send, write


class V1:
    NEEDED = ('memory', 'pids', 'cpuacct', 'freezer')
    describes = 'control groups v1'
    limits = frozenset(('memory', 'processes'))

    def __init__(self, name, parents):
        self.at = {controller: os.path.join(parents[controller], 'brigade', name) for controller in self.NEEDED}
        for path in set(self.at.values()):
            make(path)

    @classmethod
    def parents(cls):
        mounted, inside = mounts(), own()
        if not all(controller in mounted for controller in cls.NEEDED):
            return None
        return {controller: below(mounted[controller], inside.get(controller, '/')) for controller in cls.NEEDED}

    @property
    def paths(self):
        return sorted(set(self.at.values()))

    def limit(self, memory, processes):
        write(self.at['memory'] + '/memory.limit_in_bytes', memory)
        swap = self.at['memory'] + '/memory.memsw.limit_in_bytes'
        if os.path.exists(swap):
            write(swap, memory)
        write(self.at['pids'] + '/pids.max', processes)

    def enter(self):
        for path in self.paths:
            write(path + '/cgroup.procs', 0)

    def cpu_seconds(self):
        return int(read(self.at['cpuacct'] + '/cpuacct.usage')) / 1e9

    def freeze(self):
        write(self.at['freezer'] + '/freezer.state', 'FROZEN')

    def frozen(self):
        return read(self.at['freezer'] + '/freezer.state').strip() == 'FROZEN'

    def thaw(self):
        write(self.at['freezer'] + '/freezer.state', 'THAWED')

    def oom_kills(self):
        return fields(self.at['memory'] + '/memory.oom_control').get('oom_kill', 0)

    def pids(self):
        return [int(pid) for path in self.paths for pid in read(path + '/cgroup.procs').split()]

    def kill(self):
        self.thaw()  # a frozen v1 task does not die of SIGKILL until it is thawed
        for pid in self.pids():
            send(pid, signal.SIGKILL)

    def remove(self):
        for path in self.paths:
            remove(path)
