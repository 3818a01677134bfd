"""One tree of processes: what it used, freezing it, killing all of it.

Three ways behind one shape: control groups v1 (a directory a controller), v2 (one directory), or, where none can be written, the
process tree itself. `limits` says which of memory and processes are held by the kernel for the whole tree.
"""
import os
import signal
import time


def _write(path, text):
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(handle, str(text).encode())
    finally:
        os.close(handle)


def _read(path):
    with open(path, 'rb', buffering=0) as file:
        return file.read(65536).decode('ascii', 'replace')


def _fields(path):
    return {line.split()[0]: int(line.split()[1]) for line in _read(path).splitlines() if len(line.split()) == 2}


def _mounts():
    """Where control groups are mounted: {'cgroup2': root, 'memory': root, …}."""
    found = {}
    for line in _read('/proc/self/mounts').splitlines():
        _, root, kind, options, *_ = line.split()
        if kind == 'cgroup2':
            found.setdefault('cgroup2', root)
        elif kind == 'cgroup':
            for option in options.split(','):
                found.setdefault(option, root)
    return found


def _own():
    """The groups this process is in, by controller; '' is v2."""
    groups = {}
    for line in _read('/proc/self/cgroup').splitlines():
        _, controllers, path = line.split(':', 2)
        for name in controllers.split(','):
            groups[name] = path
    return groups


def _below(root, path):
    """Our own group under a mount when it is visible there, else the mount: a child must not escape its parent's limits."""
    inside = root + path if path not in ('/', '') else root
    return inside if os.path.isdir(inside) else root


class V1:
    NEEDED = ('memory', 'pids', 'cpuacct', 'freezer')
    describes = 'control groups v1'
    limits = frozenset(('memory', 'processes'))

    def __init__(self, name, parents):
        self.at = {controller: os.path.join(parents[controller], 'brigade', name) for controller in self.NEEDED}
        for path in set(self.at.values()):
            _make(path)

    @classmethod
    def parents(cls):
        mounts, own = _mounts(), _own()
        if not all(controller in mounts for controller in cls.NEEDED):
            return None
        return {controller: _below(mounts[controller], own.get(controller, '/')) for controller in cls.NEEDED}

    @property
    def paths(self):
        return sorted(set(self.at.values()))

    def limit(self, memory, processes):
        _write(self.at['memory'] + '/memory.limit_in_bytes', memory)
        swap = self.at['memory'] + '/memory.memsw.limit_in_bytes'
        if os.path.exists(swap):
            _write(swap, memory)
        _write(self.at['pids'] + '/pids.max', processes)

    def enter(self):
        for path in self.paths:
            _write(path + '/cgroup.procs', 0)

    def cpu_seconds(self):
        return int(_read(self.at['cpuacct'] + '/cpuacct.usage')) / 1e9

    def freeze(self):
        _write(self.at['freezer'] + '/freezer.state', 'FROZEN')

    def frozen(self):
        return _read(self.at['freezer'] + '/freezer.state').strip() == 'FROZEN'

    def thaw(self):
        _write(self.at['freezer'] + '/freezer.state', 'THAWED')

    def oom_kills(self):
        return _fields(self.at['memory'] + '/memory.oom_control').get('oom_kill', 0)

    def pids(self):
        return [int(pid) for path in self.paths for pid in _read(path + '/cgroup.procs').split()]

    def kill(self):
        self.thaw()  # a frozen v1 task does not die of SIGKILL until it is thawed
        for pid in self.pids():
            _kill(pid, signal.SIGKILL)

    def remove(self):
        for path in self.paths:
            _remove(path)


class V2:
    describes = 'control groups v2'

    def __init__(self, name, parents):
        self.at = os.path.join(parents['cgroup2'], 'brigade', name)
        _make(self.at)
        available = set(_read(self.at + '/cgroup.controllers').split())
        self.limits = frozenset(noun for noun, controller in (('memory', 'memory'), ('processes', 'pids')) if controller in available)

    @classmethod
    def parents(cls):
        mounts, own = _mounts(), _own()
        if 'cgroup2' not in mounts:
            return None
        parent = _below(mounts['cgroup2'], own.get('', '/'))
        home = os.path.join(parent, 'brigade')
        os.makedirs(home, exist_ok=True)
        for group in (parent, home):
            for controller in ('memory', 'pids', 'cpu'):
                try:
                    _write(group + '/cgroup.subtree_control', '+' + controller)
                except OSError:
                    pass  # a group with processes of its own cannot pass controllers on; time, freezing and killing work without
        return {'cgroup2': parent}

    @property
    def paths(self):
        return [self.at]

    def limit(self, memory, processes):
        if 'memory' in self.limits:
            _write(self.at + '/memory.max', memory)
            if os.path.exists(self.at + '/memory.swap.max'):
                _write(self.at + '/memory.swap.max', 0)
        if 'processes' in self.limits:
            _write(self.at + '/pids.max', processes)

    def enter(self):
        _write(self.at + '/cgroup.procs', 0)

    def cpu_seconds(self):
        return _fields(self.at + '/cpu.stat')['usage_usec'] / 1e6

    def freeze(self):
        _write(self.at + '/cgroup.freeze', 1)

    def frozen(self):
        return _fields(self.at + '/cgroup.events').get('frozen') == 1

    def thaw(self):
        _write(self.at + '/cgroup.freeze', 0)

    def oom_kills(self):
        path = self.at + '/memory.events'
        return _fields(path).get('oom_kill', 0) if os.path.exists(path) else 0

    def pids(self):
        return [int(pid) for pid in _read(self.at + '/cgroup.procs').split()]

    def kill(self):
        self.thaw()
        try:
            _write(self.at + '/cgroup.kill', 1)
        except OSError:
            for pid in self.pids():
                _kill(pid, signal.SIGKILL)

    def remove(self):
        _remove(self.at)


class Tree:
    """Without control groups: every descendant of one process, found in /proc, stopped and continued one by one."""
    describes = 'no control groups: the process tree is walked, and limits are per process'
    limits = frozenset()
    paths = ()

    def __init__(self, name=None, parents=None):
        self.root = None
        self.spent = 0.0
        self.tick = os.sysconf('SC_CLK_TCK')

    @classmethod
    def parents(cls):
        return {}

    def limit(self, memory, processes):
        pass

    def enter(self):
        pass

    def _members(self):
        """{pid: (state, CPU ticks with reaped children)} of the root and all below it."""
        parents, rows = {}, {}
        for entry in os.listdir('/proc'):
            if not entry.isdigit():
                continue
            try:
                fields = _read(f'/proc/{entry}/stat').rsplit(')', 1)[1].split()
            except OSError:
                continue
            pid = int(entry)
            parents.setdefault(int(fields[1]), []).append(pid)
            rows[pid] = (fields[0], sum(int(field) for field in fields[11:15]))
        found, queue = {}, [self.root]
        while queue:
            pid = queue.pop()
            if pid in rows and pid not in found:
                found[pid] = rows[pid]
                queue.extend(parents.get(pid, ()))
        return found

    def cpu_seconds(self):
        now = sum(ticks for _, ticks in self._members().values()) / self.tick
        self.spent = max(self.spent, now)  # a child whose parent ignores its death takes its ticks with it
        return self.spent

    def freeze(self):
        for pid in self.pids():
            _kill(pid, signal.SIGSTOP)

    def frozen(self):
        running = [pid for pid, (state, _) in self._members().items() if state not in 'TtZX']
        for pid in running:
            _kill(pid, signal.SIGSTOP)  # born since
        return not running

    def thaw(self):
        for pid in self.pids():
            _kill(pid, signal.SIGCONT)

    def oom_kills(self):
        return 0

    def pids(self):
        return [pid for pid, (state, _) in self._members().items() if state not in 'ZX'] if self.root else []

    def kill(self):
        """The root last: it gathers what its children leave behind."""
        members = self.pids()
        for pid in members:
            if pid != self.root or len(members) == 1:
                _kill(pid, signal.SIGKILL)

    def remove(self):
        pass


def _kill(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _make(path):
    for _ in range(20):
        try:
            os.makedirs(path, exist_ok=True)
            return
        except FileNotFoundError:
            continue  # another warden has just taken the folder above away
    os.makedirs(path, exist_ok=True)


def _remove(path):
    for _ in range(50):
        try:
            os.rmdir(path)
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.01)  # a dying task is still counted for a moment


def choose(groups):
    """The best kind this machine lets us write, as (class, parents)."""
    for kind in {'best': (V1, V2), 'v1': (V1,), 'v2': (V2,), 'tree': ()}[groups]:
        try:
            parents = kind.parents()
            if parents is None:
                continue
            probe = kind(f'probe-{os.getpid()}', parents)
            try:
                probe.cpu_seconds()
                probe.freeze()
                probe.thaw()
            finally:
                probe.remove()
            return kind, parents
        except (OSError, KeyError, ValueError):
            continue
    return Tree, {}


def leave(parents):
    """Takes our folder away when no other warden uses it."""
    for parent in set(parents.values()):
        try:
            os.rmdir(os.path.join(parent, 'brigade'))
        except OSError:
            pass


def sweep(kind, parents, slot):
    """Removes groups that a killed warden of this slot left behind, with whatever still lives in them."""
    for parent in set(parents.values()):
        home = os.path.join(parent, 'brigade')
        for name in os.listdir(home) if os.path.isdir(home) else ():
            owner = name.split('.')
            if owner[0] != slot or len(owner) < 2 or not owner[1].isdigit() or os.path.exists(f'/proc/{owner[1]}'):
                continue
            group = kind(name, parents)
            group.kill()
            group.remove()
