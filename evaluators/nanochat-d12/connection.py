"""One sandboxed command that is asked over a socket: every answer must carry its question's nonce and be of the shape that was asked for."""
import os
import socket
import struct

import numpy as np

QUESTION = struct.Struct('<4sIII16s')  # magic, kind, rows, tokens a row, nonce
ANSWER = struct.Struct('<4sIII16s')  # magic, kind, rows, numbers a row, the question's nonce
LOSSES, DISTRIBUTION = 1, 2


class HungUp(Exception):
    """The sandboxed side closed its end; why is in its log."""


class Tampered(Exception):
    """Bytes came that no honest predictor sends."""


class Predictor:
    def __init__(self, number, who):
        self.socket, self.who = socket.socket(fileno=number), who

    def ask(self, kind, tokens, columns):
        """Numbers of one question: float32, a row for each row of tokens."""
        rows, width = tokens.shape
        nonce = os.urandom(16)
        try:
            self.socket.sendall(QUESTION.pack(b'BNQ1', kind, rows, width, nonce) + np.ascontiguousarray(tokens, dtype='<u2').tobytes())
        except OSError as error:
            raise HungUp(self.who) from error
        magic, said, answered, numbers, returned = ANSWER.unpack(self._read(ANSWER.size))
        if (magic, said, returned) != (b'BNA1', kind, nonce) or answered != max(rows, 1) or (columns is not None and numbers != columns) or not 0 < numbers <= 1 << 20:
            raise Tampered(f'the {self.who} was sent bytes that answer no question')
        return np.frombuffer(self._read(answered * numbers * 4), dtype='<f4').reshape(answered, numbers).astype(np.float64)

    def _read(self, count):
        pieces = bytearray()
        while len(pieces) < count:
            try:
                piece = self.socket.recv(min(count - len(pieces), 1 << 20))
            except OSError as error:
                raise HungUp(self.who) from error
            if not piece:
                raise HungUp(self.who)
            pieces += piece
        return bytes(pieces)

    def finish(self):
        """Nothing may come after the last answer."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
            left = self.socket.recv(1)
        except OSError:
            left = b''
        if left:
            raise Tampered(f'the {self.who} was sent bytes after its last answer')
