"""Everything a sandbox is shown lies in one small file system that only the warden's own mount namespace has.

S1. The recipe and the evaluator are copied in, so that nothing on disk is reachable through them and who may read them on disk does not matter.
S2. Scratch is a file system of its own with a size and a number of files: a phase cannot fill the disk.
S3. What is copied out afterwards are regular files with one name each, opened without following links, within the size; nothing else.
"""
import ctypes
import os
import shutil
import stat

libc = ctypes.CDLL(None, use_errno=True)
NEWNS, NEWUSER = 0x00020000, 0x10000000
READ_ONLY, NO_SUID, NO_DEV, REMOUNT, BIND, RECURSIVE, SLAVE, DETACH = 1, 2, 4, 32, 4096, 16384, 1 << 19, 2
FILES_PER_SCRATCH = 4096
DEPTH = 12
ENVIRONMENT = '/python'
NAMES = {'hosts': '127.0.0.1 localhost brigade\n::1 localhost brigade\n', 'nsswitch.conf': 'hosts: files\n'}  # a sandbox has no network to ask
TAKEN = ('/recipe', '/eval', '/data', '/mounts', '/work', '/proc', '/dev', '/tmp')  # names of the sandbox's own


def _check(result, what):
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f'{what}: {os.strerror(code)}')


def mount(source, target, kind, flags, options=''):
    _check(libc.mount(source.encode(), target.encode(), kind.encode() if kind else None, ctypes.c_ulong(flags), options.encode()), f'mount {target}')


def unmount(target):
    libc.umount2(target.encode(), DETACH)


def private_namespace():
    """Leaves the host's mounts; without root, through a user namespace in which this user is root."""
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        _check(libc.unshare(NEWNS), 'unshare mount namespace')
    else:
        _check(libc.unshare(NEWNS | NEWUSER), 'unshare user and mount namespace')
        for name, text in (('setgroups', 'deny'), ('uid_map', f'0 {uid} 1'), ('gid_map', f'0 {gid} 1')):
            with open(f'/proc/self/{name}', 'w') as file:
                file.write(text)
    mount('none', '/', None, RECURSIVE | SLAVE)


def interpreter_roots(of):
    """What an interpreter needs outside /usr, as (path, place inside): a virtual environment always lies at /python, everything else
    where it is, for its own files name those places. A project may lie under a name that the sandbox uses itself, such as /work.
    A package installed in place names its project's folder, and that holds held-out data and keys: such a folder is never shown."""
    own = os.path.dirname(os.path.abspath(__file__))
    roots = [(of['prefix'], ENVIRONMENT)] if relocated(of) else []
    for path in sorted({os.path.abspath(path) for path in of['needs']}):
        if os.path.isdir(os.path.join(path, '.brigade')) or path in ('/', '/usr', own) or any(path == root or path.startswith(root + '/') for root in ['/usr', *(root for root, _ in roots)]):
            continue
        roots.append((path, path))
    return roots


def relocated(of):
    if of['prefix'].startswith('/usr/') or of['prefix'] == '/usr':
        return False
    return of['prefix'] != of['base'] or '/' + of['prefix'].split('/')[1] in TAKEN


class Staging:
    """The warden's own file system; one per slot, gone with its mount namespace."""

    def __init__(self, root, mounted, uid, gid, interpreter):
        self.root, self.mounted, self.uid, self.gid = root, mounted, uid, gid
        inside = mounted and relocated(interpreter)
        self.interpreter = f"{ENVIRONMENT}/{os.path.relpath(interpreter['executable'], interpreter['prefix'])}" if inside else interpreter['executable']
        os.makedirs(root, mode=0o755, exist_ok=True)
        self.python = []  # (source, place inside)
        if not mounted:
            empty(root)
            return
        mount('brigade', root, 'tmpfs', NO_SUID | NO_DEV, 'mode=0755')
        self.names = {name: f'{root}/{name}' for name in NAMES}
        for name, place in self.names.items():
            with open(place, 'w') as file:
                file.write(NAMES[name])
        os.mkdir(f'{root}/python', 0o755)
        for number, (path, place) in enumerate(interpreter_roots(interpreter)):
            source = f'{root}/python/{number}'
            os.mkdir(source, 0o755)
            mount(path, source, None, BIND | RECURSIVE)
            self.python.append((source, place))

    def prepare(self, name, job, writable):
        """One phase's view: returns the places of its parts."""
        top = f'{self.root}/{name}'
        os.mkdir(top, 0o755)
        view = {'top': top, 'recipe': f'{top}/recipe', 'eval': f'{top}/eval', 'work': f'{top}/work', 'data': {}, 'mounts': {}}
        copy_tree(job['recipe'], view['recipe'])
        copy_tree(job['evaluator'], view['eval'])
        for kind in ('data', 'mounts'):
            os.mkdir(f'{top}/{kind}', 0o755)
            for key, path in job[kind].items():
                view[kind][key] = self._data(f'{top}/{kind}/{key}', path)
        os.mkdir(view['work'], 0o755)
        size = job['limits']['scratchBytes']
        if not self.mounted:
            copy_files(job['scratch'], view['work'], size)
            return view
        mount('scratch', view['work'], 'tmpfs', NO_SUID | NO_DEV, f'size={size},nr_inodes={FILES_PER_SCRATCH},mode=0700')
        copy_files(job['scratch'], view['work'], size, self.uid, self.gid)
        os.chown(view['work'], self.uid, self.gid)
        for _, place in self.python:  # an environment may need what lies under a name of the sandbox's own: its place must be there before that is read-only
            for name in ('recipe', 'eval', 'work'):
                if place.startswith(f'/{name}/'):
                    os.makedirs(view[name] + place[len(name) + 1:], exist_ok=True)
        if not writable:
            mount('scratch', view['work'], None, REMOUNT | READ_ONLY | NO_SUID | NO_DEV)
        return view

    def _data(self, place, path):
        """Data is too large to copy, so it is bound; only what the slot's own user could not read is copied."""
        if not self.mounted:
            os.symlink(os.path.abspath(path), place)
            return place
        if os.getuid() == 0 and self.uid != 0 and not readable_by_others(path):
            copy_tree(path, place) if os.path.isdir(path) else copy_one(path, place)
            return place
        if os.path.isdir(path):
            os.mkdir(place, 0o755)
        else:
            os.close(os.open(place, os.O_CREAT | os.O_WRONLY, 0o644))
        mount(os.path.realpath(path), place, None, BIND | RECURSIVE)
        return place

    def discard(self, view):
        if self.mounted:
            for place in (*view['data'].values(), *view['mounts'].values()):
                unmount(place)
            unmount(view['work'])
        shutil.rmtree(view['top'], ignore_errors=True)

    def leave(self):
        """Takes the folder it covered away again; as root it is one for all wardens and stays."""
        if not self.mounted:
            shutil.rmtree(self.root, ignore_errors=True)
        elif self.uid == 0:
            for source, _ in self.python:
                unmount(source)
            unmount(self.root)
            os.rmdir(self.root)


def readable_by_others(path):
    """Whether any user may read a data set once it is bound: its own modes count, those of the folders above do not."""
    if not os.path.isdir(path):
        return bool(os.stat(path).st_mode & stat.S_IROTH)
    for folder, _, files in os.walk(path):
        if os.stat(folder).st_mode & 0o005 != 0o005:
            return False
        if not all(os.stat(os.path.join(folder, file)).st_mode & stat.S_IROTH for file in files):
            return False
    return True


def copy_one(source, target):
    shutil.copyfile(source, target, follow_symlinks=False)
    os.chmod(target, 0o644)


def copy_tree(source, target):
    """A trusted folder, its regular files only, readable by everybody."""
    os.mkdir(target, 0o755)
    for entry in os.scandir(source):
        if entry.is_dir(follow_symlinks=False):
            copy_tree(entry.path, f'{target}/{entry.name}')
        elif entry.is_file(follow_symlinks=False):
            copy_one(entry.path, f'{target}/{entry.name}')


def copy_files(source, target, budget, uid=None, gid=None, depth=0):
    """Copies what a stranger may have left, by S3; returns what is left of the budget in bytes."""
    for name in sorted(os.listdir(source)):
        here, there = os.path.join(source, name), os.path.join(target, name)
        kind = os.lstat(here).st_mode
        if stat.S_ISDIR(kind) and depth < DEPTH:
            os.mkdir(there, 0o700)
            budget = copy_files(here, there, budget, uid, gid, depth + 1)
        elif stat.S_ISREG(kind):
            size = _copy_regular(here, there, budget)
            if size is None:
                continue
            budget -= size
        else:
            continue
        if uid is not None:
            os.chown(there, uid, gid)
    return budget


def _copy_regular(here, there, budget):
    handle = os.open(here, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_size > budget:  # S3
            return None
        with open(there, 'xb') as out:
            os.fchmod(out.fileno(), 0o600)
            left = found.st_size
            while left > 0:
                piece = os.read(handle, min(left, 1 << 20))
                if not piece:
                    break
                out.write(piece)
                left -= len(piece)
        return found.st_size
    finally:
        os.close(handle)


def empty(folder):
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            os.unlink(entry.path)
