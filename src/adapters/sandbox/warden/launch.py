"""Starts one sandboxed command, or one trusted child, so that it cannot outlive the warden.

The order matters: enter the control group, set limits and cores, close descriptors, drop to the slot's user, give up new
privileges, and only then become an unprivileged bubblewrap. Run as root without the drop, bubblewrap would leave the recipe as real root.
"""
import ctypes
import fcntl
import os
import resource
import signal
import subprocess
import sys
import tempfile

import accelerators
import confine
import seccomp

libc = ctypes.CDLL(None, use_errno=True)
PDEATHSIG, NO_NEW_PRIVS, SUBREAPER = 1, 38, 36
ONE_THREAD = {name: '1' for name in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'NUMEXPR_NUM_THREADS', 'VECLIB_MAXIMUM_THREADS')}


def environment(job, python, places):
    """What the command sees: what the phase asked for, and what every phase gets. Nothing is inherited."""
    return {
        **job['env'], **accelerators.environment(job, places),
        'PATH': f'{os.path.dirname(python)}:/usr/bin:/bin', 'HOME': places['work'], 'TMPDIR': '/tmp', 'USER': 'recipe', 'LOGNAME': 'recipe',
        'LANG': 'C.UTF-8', 'PYTHONHASHSEED': '0', 'PYTHONDONTWRITEBYTECODE': '1', 'PYTHONUNBUFFERED': '1', **ONE_THREAD,
        'BRIGADE_RECIPE': places['recipe'], 'BRIGADE_EVAL': places['eval'], 'BRIGADE_DATA': places['data'],
        'BRIGADE_MOUNTS': places['mounts'], 'BRIGADE_WORK': places['work'], 'BRIGADE_CLOCK': places['clock'], 'BRIGADE_CONTROL': places['control'],
    }


INSIDE = {'recipe': '/recipe', 'eval': '/eval', 'data': '/data', 'mounts': '/mounts', 'work': '/work', 'clock': '/clock', 'control': '/control', 'caches': '/tmp/caches'}


def binds(view, staging, job):
    """(source, place inside) of everything read-only, and of scratch."""
    shown = [(view['recipe'], '/recipe'), (view['eval'], '/eval'), (view['clock'], '/clock'), (view['control'], '/control')]
    shown += [(place, f'/{kind}/{key}') for kind in ('data', 'mounts') for key, place in view[kind].items()]
    for path in ('/etc/ld.so.cache', '/etc/alternatives', '/etc/localtime'):
        if os.path.exists(path):
            shown.append((path, path))
    if accelerators.leased(job)['count'] > 0:  # processes that share the work find one another by name
        shown += [(place, f'/etc/{name}') for name, place in staging.names.items()]
        shown += [(path, path) for path in accelerators.leased(job)['reads'] if os.path.exists(path)]
    return shown + staging.python


def system_links():
    """On a merged /usr these are links; elsewhere they are folders of their own."""
    for name in ('bin', 'sbin', 'lib', 'lib32', 'lib64'):
        path = '/' + name
        if os.path.islink(path):
            yield name, os.readlink(path)
        elif os.path.isdir(path):
            yield name, None


def bubblewrap_argv(settings, view, staging, job, env, command, filter_fd):
    argv = [settings['bwrap'], '--unshare-all', '--unshare-user', '--die-with-parent', '--new-session', '--cap-drop', 'ALL', '--clearenv',
            '--hostname', 'brigade', *(['--disable-userns'] if settings['disableUserns'] else []), '--ro-bind', '/usr', '/usr']
    for name, target in system_links():
        argv += ['--symlink', target, '/' + name] if target is not None else ['--ro-bind', '/' + name, '/' + name]
    size = str(view['scratchBytes'])
    argv += ['--proc', '/proc', '--dev', '/dev', '--size', size, '--tmpfs', '/dev/shm', '--size', size, '--tmpfs', '/tmp', '--dir', '/data', '--dir', '/mounts']
    argv += ['--bind', view['work'], '/work']
    for source, place in binds(view, staging, job):
        argv += ['--ro-bind', source, place]
    for path in accelerators.leased(job)['files']:
        argv += ['--dev-bind', path, path]
    argv += ['--remount-ro', '/dev', '--remount-ro', '/', '--chdir', '/work']
    for name, value in env.items():
        argv += ['--setenv', name, value]
    if filter_fd is not None:
        argv += ['--seccomp', str(filter_fd)]
    return argv + ['--', *command]


def understands_disable_userns(bwrap):
    said = subprocess.run([bwrap, '--help'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return '--disable-userns' in said.stdout


def filter_file(job):
    """The seccomp program in a file that only descriptors can reach; None where there is none for this machine."""
    code = seccomp.program(accelerators.leased(job)['count'] > 0)
    if code is None:
        return None
    file = tempfile.TemporaryFile()
    file.write(code)
    file.flush()
    file.seek(0)
    return file


def start(run, fds, group=None, cores=None, limits=None, user=None, groups=()):
    """Forks and runs `run()` in the child, which must not return; `fds` maps the child's numbers to ours, all others are closed."""
    pid = os.fork()
    if pid != 0:
        return pid
    try:
        _become(run, fds, group, cores, limits, user, groups)
    except BaseException as error:  # noqa: BLE001 whatever it was, this is the only way out of the child
        try:
            os.write(2, f'the sandbox could not start the command: {error!r}\n'.encode())
        finally:
            os._exit(127)


def _become(run, fds, group, cores, limits, user, groups):
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    if group is not None:
        group.enter()
    if cores:
        os.sched_setaffinity(0, set(cores))
    moved = {number: fcntl.fcntl(source, fcntl.F_DUPFD, 100) for number, source in fds.items()}
    for number, source in moved.items():
        os.dup2(source, number, inheritable=True)
    below = 0
    for number in sorted(fds) + [4096]:
        if below < number:  # an empty range from 0 closes everything
            os.closerange(below, number)
        below = number + 1
    if limits is not None:
        _limit(limits)
    if user is not None:
        os.setgroups(groups)
        os.setresgid(user[1], user[1], user[1])
        os.setresuid(user[0], user[0], user[0])
    if limits is not None:
        libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    run()
    os._exit(127)


def _limit(limits):
    def hold(kind, most):
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))

    hold(resource.RLIMIT_CORE, 0)
    hold(resource.RLIMIT_NOFILE, limits['openFiles'])
    hold(resource.RLIMIT_FSIZE, limits['scratchBytes'])
    if limits.get('perProcessMemory'):
        hold(resource.RLIMIT_DATA, limits['perProcessMemory'])
    try:
        with open('/proc/self/oom_score_adj', 'w') as file:
            file.write('1000')
    except OSError:
        pass


def trusted(argv, cwd, fds, cores=None):
    """A child of our own outside any sandbox, with a clean environment; it dies with the warden."""
    env = {'PATH': f'{os.path.dirname(sys.executable)}:/usr/bin:/bin', 'HOME': '/nonexistent', 'LANG': 'C.UTF-8', 'PYTHONHASHSEED': '0',
           'PYTHONDONTWRITEBYTECODE': '1', **ONE_THREAD}

    def run():
        os.chdir(cwd)
        os.execve(argv[0], argv, env)

    return start(run, fds, cores=cores)


def sandboxed(settings, view, staging, job, command, fds, group):
    """The command in a sandbox of the slot's level."""
    python = staging.interpreter
    argv = [python if word == 'python' and place == 0 else word for place, word in enumerate(command)]
    limits = {**job['limits'], 'perProcessMemory': None if 'memory' in group.limits else job['limits']['memoryBytes']}
    if 'processes' not in group.limits and os.path.exists('/usr/bin/prlimit') and settings['level'] != 'none':
        argv = ['/usr/bin/prlimit', f"--nproc={job['limits']['processes']}", '--', *argv]
    cores, user, groups = job.get('cores') or settings['cores'], settings['user'], accelerators.groups(job)
    if settings['level'] == 'bubblewrap':
        with filter_file(job) or open(os.devnull) as program:
            number = 9 if seccomp.program() is not None else None
            env = environment(job, python, INSIDE)
            line = bubblewrap_argv(settings, view, staging, job, env, argv, number)
            with_filter = {**fds, 9: program.fileno()} if number is not None else fds
            return start(lambda: os.execve(line[0], line, {}), with_filter, group, cores, limits, user, groups)
    if settings['level'] == 'namespaces':
        env = environment(job, python, INSIDE)
        walls = {'binds': binds(view, staging, job), 'devices': accelerators.leased(job)['files'], 'links': list(system_links()), 'user': user, 'groups': groups,
                 'size': job['limits']['scratchBytes'], 'routes': accelerators.leased(job)['count'] > 0}
        return start(lambda: confine.run(argv, env, view, walls), fds, group, cores, limits, None)
    places = {key: view[key] for key in ('recipe', 'eval', 'work', 'clock', 'control')} | {kind: f"{view['top']}/{kind}" for kind in ('data', 'mounts', 'caches')}
    env = environment(job, python, places)
    argv = [argv[0], *(outside(word, places) for word in argv[1:])]

    def run():
        os.chdir(view['work'])
        os.execve(argv[0], argv, env)

    return start(lambda: hold(run), fds, group, cores, limits, None)


def hold(run):
    """Level none: a parent that inherits every orphan of the command, and lets none outlive it."""
    libc.prctl(SUBREAPER, 1, 0, 0, 0)
    command = os.fork()
    if command == 0:
        libc.prctl(PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        run()
    os.closerange(0, 4096)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.siginterrupt(signal.SIGTERM, True)
    libc.prctl(PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    warden, status = os.getppid(), 9 << 8
    while os.getppid() == warden:
        pid, how = os.waitpid(-1, os.WNOHANG)
        if pid == command:
            status = os.waitstatus_to_exitcode(how)
            break
        if pid == 0:
            signal.sigtimedwait([signal.SIGCHLD], 0.02)
    while True:
        for child in children():
            os.kill(child, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            os._exit(status if status >= 0 else 128 - status)


def children():
    own = str(os.getpid())
    for entry in os.listdir('/proc'):
        if entry.isdigit():
            try:
                with open(f'/proc/{entry}/stat') as file:
                    if file.read().rsplit(')', 1)[1].split()[1] == own:
                        yield int(entry)
            except OSError:
                continue


def outside(word, places):
    """Level none has no file system of its own: /eval/x becomes the place where it really lies."""
    for key, inside in INSIDE.items():
        if word == inside or word.startswith(inside + '/'):
            return places[key] + word[len(inside):]
    return word
