"""Everything that one phase starts and must see gone: processes, their control groups, their views of the disk, the handles to them.

C1. Whatever was started is buried: every process is waited for, every handle closed, every view and group removed.
C2. Only the dead are read to the end of their pipes: nobody is left who could add to them.
"""
import os
import signal
import time

import launch
import undertaker


class Crew:
    def __init__(self, slot, job):
        self.slot, self.job = slot, job
        self.children, self.statuses = {}, {}  # role by process, wait status by role
        self.groups, self.views, self.handles = {}, [], []
        self.group = None  # of the command, whose seconds and processes count
        self.command_ended = None

    def view(self, role, writable):
        view = self.slot.staging.prepare(role, self.job, writable)
        self.views.append(view)
        view['scratchBytes'] = self.job['limits']['scratchBytes']
        view['clock'], view['control'] = f"{view['top']}/clock", f"{view['top']}/control"
        if role != 'command':
            os.close(os.open(view['clock'], os.O_CREAT | os.O_RDWR, 0o644))
        os.mkfifo(view['control'])
        os.chown(view['control'], self.slot.settings['user'][0], self.slot.settings['user'][1]) if self.slot.settings['user'] else None
        os.chmod(view['control'], 0o600)
        return view

    def found(self, role):
        """A control group of its own for a role; the command's is known by name."""
        group = self.slot.new_group(role)
        self.groups[role] = group
        group.limit(self.job['limits']['memoryBytes'], self.job['limits']['processes'])
        if role == 'command':
            self.group = group
        return group

    def start(self, role, command, fds, view, group):
        pid = launch.sandboxed(self.slot.settings, view, self.slot.staging, self.job, command, fds, group)
        if not group.paths:
            group.root = pid
        self.adopt(pid, role)

    def adopt(self, pid, role):
        self.children[pid] = role
        handle = self.keep(os.pidfd_open(pid))
        self.slot.tell_undertaker(undertaker.PROCESS, [handle])
        self.slot.watch(handle, lambda: (self.slot.unwatch(handle), self.reap()))

    def reap(self):
        for pid, role in list(self.children.items()):
            done, status, usage = os.wait4(pid, os.WNOHANG)
            if done == 0:
                continue
            del self.children[pid]
            self.statuses[role] = status
            if role == 'command':
                self.command_ended = time.monotonic()
                if not self.group.paths:
                    self.group.spent = max(self.group.spent, usage.ru_utime + usage.ru_stime)
                    self.group.root = None

    def works(self, role):
        return role in self.children.values()

    def command_lives(self):
        """Whether the command itself runs, not only what is wrapped around it: it is always process 2 of its namespace."""
        if self.slot.settings['level'] == 'none':
            return True
        for pid in self.group.pids():
            try:
                with open(f'/proc/{pid}/status') as file:
                    status = dict(line.split(':', 1) for line in file)
            except OSError:
                continue
            if status['NSpid'].split()[-1] == '2' and status['State'].split()[0] not in 'ZX':
                return True
        return False

    def command_end(self):
        code = os.waitstatus_to_exitcode(self.statuses['command'])
        number = -code if code < 0 else code - 128 if 129 <= code <= 192 else None  # bubblewrap says 128 + n for a signal
        if number is None:
            return {'kind': 'exited', 'code': code}
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = f'SIG{number}'
        return {'kind': 'signalled', 'signal': name, 'outOfMemory': number == signal.SIGKILL and self.group.oom_kills() > 0}

    def kill(self, only=None):
        """Kills whatever lives, or what lives of one role; answers whether anything did."""
        for pid, role in list(self.children.items()):
            if only in (None, role) and (role == 'scorer' or self.group.paths):  # without control groups the first process must outlive what it gathers
                os.kill(pid, signal.SIGKILL)
        alive = False
        for role, group in self.groups.items():
            if only in (None, role) and group.pids():
                group.kill()
                alive = True
        self.reap()
        return alive or any(only in (None, role) for role in self.children.values())

    # ---- handles

    def pipe(self):
        ends = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(ends[0], False)
        return self.keep(ends[0]), self.keep(ends[1])

    def keep(self, handle):
        self.handles.append(handle)
        return handle

    def close(self, handle):
        os.close(handle)
        self.handles.remove(handle)

    def read(self, handle, take):
        try:
            piece = os.read(handle, 1 << 20)
        except BlockingIOError:
            return
        if piece:
            take(piece)
        else:
            self.slot.unwatch(handle)

    def close_all(self, unread=None):
        """Reads what was printed just before the end, from every pipe but `unread`, and closes them."""
        for handle in list(self.slot.watched()):
            if handle in self.handles and handle != unread:
                self.hear(handle)  # C2
        for handle in self.handles:
            self.slot.unwatch(handle)
            os.close(handle)
        self.handles.clear()

    def hear(self, handle):
        """What was printed just before the death of all who could."""
        for _ in range(4):
            if handle not in self.slot.watched():
                return
            try:
                self.slot.watched()[handle]()
            except OSError:
                return

    def dissolve(self):
        for view in self.views:
            self.slot.staging.discard(view)
        for group in self.groups.values():
            group.remove()
