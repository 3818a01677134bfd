"""What outlives a killed warden, and for how long: a process of our own that waits for the warden's end, then sees that nothing is left.

U1. It hears the warden on a socket that only the warden holds open; the end of it is the warden's.
U2. Frozen processes do not die of their parent's death: it thaws and kills what the warden's groups still hold.
U3. It holds the warden's locks until every process that ran under them is dead, however long that takes.
"""
import os
import select
import signal
import socket

import cgroup

LOCKS, NO_LOCKS, PROCESS, NO_PROCESSES = b'L', b'l', b'P', b'p'
AT_ONCE = 100  # handles in one message; the kernel carries some 250, and a large machine has more cores than that
QUICK = 200  # looks every hundredth of a second before it looks twice a second


def begin(kind, parents, name, user):
    """Forks it; returns the warden's end of the socket."""
    warden = os.getpid()
    tells, held = socket.socketpair()
    if os.fork() != 0:
        tells.close()
        return held
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.dup2(tells.detach(), 3)
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        os.closerange(4, 4096)
        locks, processes = _listen(socket.socket(fileno=3))
        looks = 0
        while (_kill_left(kind, parents, f'{name}.{warden}.') or any(_lives(handle) for handle in processes) or (locks and bool(strangers(user, f'{name}.{warden}.')))) and (locks or looks < QUICK):
            looks += 1
            signal.sigtimedwait([], 0.01 if looks < QUICK else 0.5)
        cgroup.leave(parents)
    finally:
        os._exit(0)


def _listen(ear):
    """Hears what there is to hold until the warden has ended (U1)."""
    kept = {LOCKS: [], PROCESS: []}
    while True:
        word, handles, _, _ = socket.recv_fds(ear, 1, AT_ONCE)
        if not word:
            return kept[LOCKS], kept[PROCESS]
        if word in kept:
            kept[word] += handles
        else:
            for handle in kept[word.upper()]:
                os.close(handle)
            kept[word.upper()] = []


def _kill_left(kind, parents, prefix):
    left = False
    for entry in groups(parents, prefix):
        group = kind(entry, parents)
        if group.pids():
            group.kill()
            left = True
        else:
            group.remove()
    return left


def groups(parents, prefix):
    """Names of the groups that begin so, of every controller."""
    found = set()
    for parent in set(parents.values()):
        home = os.path.join(parent, 'brigade')
        found.update(entry for entry in (os.listdir(home) if os.path.isdir(home) else ()) if entry.startswith(prefix))
    return sorted(found)


def _lives(handle):
    """Whether a process, held by its handle, has not ended."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return not poll.poll(0)


def strangers(user, prefix):
    """Processes of a slot's own user that no other warden accounts for; none where the user is not the slot's alone. What is in the groups of another
    is another's: several hosts may share a machine and its users, each with numbers of its own for its processes."""
    if user is None:
        return []
    found = []
    for entry in os.listdir('/proc'):
        try:
            if not entry.isdigit() or os.stat(f'/proc/{entry}').st_uid != user[0]:
                continue
            with open(f'/proc/{entry}/stat') as file:
                if file.read().rsplit(')', 1)[1].split()[0] in 'ZX':
                    continue
            with open(f'/proc/{entry}/cgroup') as file:
                held = file.read()
        except OSError:
            continue
        if '/brigade/' not in held or f'/brigade/{prefix}' in held:
            found.append(int(entry))
    return found
