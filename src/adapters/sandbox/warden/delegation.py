"""A control group (v2) that whoever made it gave away to be divided, as systemd does with that of a unit with `Delegate=yes`.

D1. Only a group without processes of its own passes controllers on: who is in it moves to a group below, where systemd's `DelegateSubgroup=` would have begun it.
D2. A group that nobody gave us is left as it is: the processes in it may be anybody's.
"""
import os

from cgroupfs import make, read, write

BELOW = 'daemons'


def divisible(group):
    """The group that may be divided: the one we are in, or the one above where we have moved down already; as it is when neither was given to us."""
    for each in (group, os.path.dirname(group)):
        if _is_given(each):
            _move_down(each)
            return each
    return group


def _is_given(group):
    for name in ('user.delegate', 'trusted.delegate'):
        try:
            if os.getxattr(group, name) == b'1':
                return True
        except OSError:
            pass  # not said, or not to us
    return False


def _move_down(group):
    for _ in range(20):  # who is forked meanwhile is moved as well
        pids = read(group + '/cgroup.procs').split()
        if not pids:
            return
        make(f'{group}/{BELOW}')
        for pid in pids:
            try:
                write(f'{group}/{BELOW}/cgroup.procs', pid)
            except OSError:
                pass  # it has ended, or may not be moved: then this group passes nothing on
