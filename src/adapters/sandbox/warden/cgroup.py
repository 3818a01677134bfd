"""One tree of processes: what it used, freezing it, killing all of it.

Three ways behind one shape: control groups v1 (a directory a controller), v2 (one directory), or, where none can be written, the
process tree itself. `limits` says which of memory and processes are held by the kernel for the whole tree.
"""
import os

from cgroup_v1 import V1
from cgroup_v2 import V2
from tree import Tree


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
