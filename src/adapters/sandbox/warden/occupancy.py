"""One slot of a machine is held by one warden at a time, whatever run and user it works for.

O1. A lock is held as long as anything lives of what ran under it: the undertaker holds it too, and lets go after the last process.
O2. Whoever waits for a lock has the next turn: the holder cannot take it again before. Locks are taken in one order, so that nobody waits in a circle.
O3. A name that is shared is held together with whoever shares it too, and by nobody who must be alone on it.
O4. A holder whose daemon is silent gives them back, when all that ran is dead: a paused daemon must not keep a slot from everybody.
"""
import fcntl
import os
import re
import time

LOOK_SECONDS = 0.02
TELL_SECONDS = 1.0


class Occupancy:
    def __init__(self, folder, order):
        self.silence, self.by = order['silenceMs'] / 1000, order['by']
        ways = {name: fcntl.LOCK_SH for name in order['shared']} | {name: fcntl.LOCK_EX for name in order['locks']}  # O3
        self.ways = ways if folder is not None else {}
        self.names = sorted(self.ways)
        if not all(re.fullmatch(r'[A-Za-z0-9_.-]{1,120}', name) for name in self.names):
            raise ValueError('a lock has a name of letters, digits, _ . and -')
        self.folder, self.held, self.turn = folder, [], None
        self.is_held, self.is_lost, self.told = False, False, -TELL_SECONDS
        if self.names and not os.path.isdir(folder):
            os.makedirs(folder, exist_ok=True)
            os.chmod(folder, 0o1777)

    def take(self):
        """Takes what is free, in order; True once all is ours."""
        while len(self.held) < len(self.names):
            name = self.names[len(self.held)]
            if self.turn is None:
                self.turn = self._locked(name + '.next')
                if self.turn is None:
                    return False
            lock = self._locked(name, self.ways[name])
            if lock is None:
                return False
            self._sign(lock)
            self.held.append(lock)
            os.close(self.turn)  # O2
            self.turn = None
        self.is_held = True
        return True

    def _sign(self, lock):
        """Says whose it is to whoever waits; a memory that others have filled takes no name, and the lock holds without."""
        try:
            os.ftruncate(lock, 0)
            os.pwrite(lock, f'{self.by}, process {os.getpid()}'.encode()[:200], 0)
        except OSError:
            pass

    def _locked(self, name, way=fcntl.LOCK_EX):
        handle = opened(os.path.join(self.folder, name))
        try:
            fcntl.flock(handle, way | fcntl.LOCK_NB)
            return handle
        except BlockingIOError:
            os.close(handle)
            return None

    def why(self):
        """Who holds what this waits for; at most once a second, else None."""
        now = time.monotonic()
        if now - self.told < TELL_SECONDS:
            return None
        self.told = now
        name = self.names[len(self.held)]
        with open(os.path.join(self.folder, name), 'rb') as file:
            holder = ''.join(letter if letter.isprintable() else '?' for letter in file.read(200).decode('utf-8', 'replace'))
        return f'{name} is held by {holder or "another process"}'

    def let_go(self):
        for handle in self.held + ([] if self.turn is None else [self.turn]):
            os.close(handle)
        self.held, self.turn, self.is_held = [], None, False


def opened(path):
    """A lock file that anybody may lock, made if need be; a folder that all may write in lets only its owner create over it."""
    while True:
        try:
            return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            pass
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
            os.fchmod(handle, 0o666)
            return handle
        except FileExistsError:
            continue
