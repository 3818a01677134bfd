"""The files of control groups, and where they are."""
import os
import time


def write(path, text):
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(handle, str(text).encode())
    finally:
        os.close(handle)


def read(path):
    with open(path, 'rb', buffering=0) as file:
        return file.read(65536).decode('ascii', 'replace')


def fields(path):
    return {line.split()[0]: int(line.split()[1]) for line in read(path).splitlines() if len(line.split()) == 2}


def mounts():
    """Where control groups are mounted: {'cgroup2': root, 'memory': root, …}."""
    found = {}
    for line in read('/proc/self/mounts').splitlines():
        _, root, kind, options, *_ = line.split()
        if kind == 'cgroup2':
            found.setdefault('cgroup2', root)
        elif kind == 'cgroup':
            for option in options.split(','):
                found.setdefault(option, root)
    return found


def own():
    """The groups this process is in, by controller; '' is v2."""
    groups = {}
    for line in read('/proc/self/cgroup').splitlines():
        _, controllers, path = line.split(':', 2)
        for name in controllers.split(','):
            groups[name] = path
    return groups


def below(root, path):
    """Our own group under a mount when it is visible there, else the mount: a child must not escape its parent's limits."""
    inside = root + path if path not in ('/', '') else root
    return inside if os.path.isdir(inside) else root


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def make(path):
    for _ in range(20):
        try:
            os.makedirs(path, exist_ok=True)
            return
        except FileNotFoundError:
            continue  # another warden has just taken the folder above away
    os.makedirs(path, exist_ok=True)


def remove(path):
    for _ in range(50):
        try:
            os.rmdir(path)
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.01)  # a dying task is still counted for a moment
