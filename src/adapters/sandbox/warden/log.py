"""What a command prints: the first half of the cap as it comes, then only the last half, so that the end is always kept."""

from collections import deque

TAIL_SAID = 8192  # what goes with the end of a phase; the rest is in the file


class Log:
    def __init__(self, path, cap, whole_lines=False):
        self.file, self.whole_lines = open(path, 'wb'), whole_lines
        self.room, self.keep = cap - cap // 2, cap // 2
        self.late, self.late_bytes, self.dropped = deque(), 0, 0  # of a list the first is taken in the time of all: a recipe that prints empty lines would hold the warden up
        self.first = b''

    def write(self, piece):
        if self.room > 0:
            now, piece = piece[: self.room], piece[self.room:]
            self.file.write(now)
            self.file.flush()
            self.room -= len(now)
            self.first = (self.first + now)[-TAIL_SAID:]
        if piece:
            self.late.append(piece)
            self.late_bytes += len(piece)
            while self.late_bytes - len(self.late[0]) >= self.keep:
                gone = self.late.popleft()
                self.late_bytes -= len(gone)
                self.dropped += len(gone)

    def close(self):
        late = b''.join(self.late)
        self.dropped += max(0, len(late) - self.keep)
        late = late[-self.keep:] if self.keep else b''
        if self.dropped and self.whole_lines:
            kept = late.partition(b'\n')[2]
            self.dropped, late = self.dropped + len(late) - len(kept), kept
        if self.dropped:
            self.file.write(b'\n... %d bytes left out ...\n' % self.dropped)
        self.file.write(late)
        self.file.close()
        self.tail = (self.first + late)[-TAIL_SAID:]

    def readable_tail(self):
        return readable(self.tail)


def readable(raw):
    """Text without the control characters that could move a terminal's cursor."""
    return ''.join(c if c in '\n\t' or c.isprintable() else '\ufffd' for c in bytes(raw).decode('utf-8', 'replace').replace('\r\n', '\n').replace('\r', '\n'))
