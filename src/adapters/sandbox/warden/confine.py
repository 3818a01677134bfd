"""A sandbox of plain namespaces, for a machine without bubblewrap: own processes, mounts, network, host name and shared memory.

Runs in the child of `launch.start`, as root or as the root of the warden's user namespace. Three processes: one outside that carries the
exit status, the first of the new process namespace, which reaps and whose death the kernel makes the death of all, and the command.
"""
import ctypes
import fcntl
import os
import signal
import socket
import struct

import seccomp
import staging

libc = ctypes.CDLL(None, use_errno=True)
NEWUTS, NEWIPC, NEWPID, NEWNET, NEWNS = 0x04000000, 0x08000000, 0x20000000, 0x40000000, 0x00020000
PDEATHSIG, NO_NEW_PRIVS, BOUNDING_DROP = 1, 38, 24
PIVOT_ROOT = {'x86_64': 155, 'aarch64': 41}
SET_FLAGS, UP_AND_RUNNING = 0x8914, 0x41
DEVICES = ('null', 'zero', 'full', 'random', 'urandom')


def run(argv, env, view, walls):
    """Never returns. `walls`: what is bound, which devices may be opened, and as whom the command runs."""
    staging._check(libc.unshare(NEWNS | NEWPID | NEWNET | NEWIPC | NEWUTS), 'unshare')
    first = os.fork()
    if first != 0:
        os.closerange(0, 4096)
        os._exit(_status(os.waitpid(first, 0)[1]))
    libc.prctl(PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.setsid()
    _loopback()
    _root(view, walls)
    libc.sethostname(b'brigade', 7)
    command = os.fork()
    if command == 0:
        try:
            os.chdir('/work')
            _give_up(walls['user'], walls['groups'])
            code = seccomp.program(walls['routes'])
            if code is not None:
                seccomp.install(libc, code)
            os.execve(argv[0], argv, env)
        except BaseException as error:  # noqa: BLE001 whatever it was, this is the only way out of the child
            os.write(2, f'the sandbox could not start the command: {error!r}\n'.encode())
        os._exit(127)
    os.closerange(0, 4096)  # an end of file must be seen when the command is gone
    _give_up(None)
    while True:
        pid, status = os.wait()
        if pid == command:
            os._exit(_status(status))


def _status(status):
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _loopback():
    """A new network has one interface, and it is down; processes of one command speak over it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack('16sh22x', b'lo', UP_AND_RUNNING))


def _root(view, walls):
    """Builds the file system the command sees and leaves the old one."""
    mount, size = staging.mount, walls['size']
    mount('none', '/', None, staging.RECURSIVE | 1 << 18)
    new = view['top'] + '/root'
    os.mkdir(new, 0o755)
    mount('root', new, 'tmpfs', staging.NO_SUID | staging.NO_DEV, 'mode=0755,size=1m')
    _bind('/usr', new + '/usr')
    for name, target in walls['links']:
        if target is None:
            _bind('/' + name, f'{new}/{name}')
        else:
            os.symlink(target, f'{new}/{name}')
    for name in ('proc', 'dev', 'tmp', 'data', 'mounts', 'work'):
        os.mkdir(f'{new}/{name}', 0o755)
    mount('proc', new + '/proc', 'proc', staging.NO_SUID | staging.NO_DEV | 8)
    os.mkdir(new + '/dev/shm')
    for device in DEVICES:
        _bind(f'/dev/{device}', f'{new}/dev/{device}', read_only=False)
    for name, place in (('fd', '/proc/self/fd'), ('stdin', '/proc/self/fd/0'), ('stdout', '/proc/self/fd/1'), ('stderr', '/proc/self/fd/2')):
        os.symlink(place, f'{new}/dev/{name}')
    for place in ('/dev/shm', '/tmp'):
        mount('scratch', new + place, 'tmpfs', staging.NO_SUID | staging.NO_DEV, f'size={size},mode=1777')
    mount(view['work'], new + '/work', None, staging.BIND)
    for source, place in walls['binds']:
        _bind(source, new + place)
    for path in walls['devices']:
        _bind(path, new + path, read_only=False)
    os.chdir(new)
    number = PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError('pivot_root is not known on this machine')
    staging._check(libc.syscall(number, b'.', b'.'), 'pivot_root')
    staging.unmount('.')
    os.chdir('/')
    mount('none', '/', None, staging.REMOUNT | staging.BIND | staging.READ_ONLY | staging.NO_SUID | staging.NO_DEV)


def _bind(source, target, read_only=True):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    elif not os.path.lexists(target):
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    staging.mount(source, target, None, staging.BIND | staging.RECURSIVE)
    if read_only:
        flags = os.statvfs(target).f_flag & 8  # a user namespace may not drop it
        staging.mount('none', target, None, staging.REMOUNT | staging.BIND | staging.READ_ONLY | staging.NO_SUID | staging.NO_DEV | flags)


def _give_up(user, groups=()):
    """All capabilities, for good, and the user when there is one to become."""
    for capability in range(64):
        libc.prctl(BOUNDING_DROP, capability, 0, 0, 0)
    if user is not None:
        os.setgroups(groups)
        os.setresgid(user[1], user[1], user[1])
        os.setresuid(user[0], user[0], user[0])
    libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0)
    header = struct.pack('=Ii', 0x20080522, 0)
    libc.capset(header, b'\0' * 24)
    libc.prctl(PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # changing user clears it
