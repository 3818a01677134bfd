"""The auditor of a phase: a second sandbox, fresh and read-only, that a scorer asks the same questions with less to go on.

A1. It starts only when every process of the command is dead: whoever was shown everything is not there to tell it. Processes that see the same
    files always share something of the kernel's (a futex in a page of one, a lock, a watch), and no list of those is ever whole.
A2. The scorer's first byte on descriptor 4 ends the command. It and what follows wait in the socket until the auditor reads them.
"""
import os
import socket


class Auditor:
    def __init__(self, crew, command, fds):
        self.crew, self.command, self.fds = crew, command, fds
        self.asker, answerer = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)  # the first is the scorer's
        self.handle = crew.keep(answerer.detach())

    def is_asked(self):
        """Whether what made its end readable is a byte that waits; else the scorer has hung up without a question."""
        end = socket.socket(fileno=self.handle)
        try:
            return len(end.recv(1, socket.MSG_PEEK)) > 0
        finally:
            end.detach()

    def start(self):
        view = self.crew.view('auditor', False)
        self.crew.keep(os.open(view['control'], os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))  # it may say that it is ready, though nobody times it
        self.crew.start('auditor', self.command, {**self.fds, 3: self.handle}, view, self.crew.found('auditor'))
        self.crew.close(self.handle)  # else its end would never be seen
