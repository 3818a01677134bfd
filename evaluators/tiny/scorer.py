"""Computes tiny's error outside the sandbox: held-out points from a secret seed, answers over descriptor 3.

Every purpose has points of its own. An answer carries its question's nonce; bytes that answer nothing are tampering.
"""
import json
import math
import os
import random
import socket
import sys

PURPOSES = ('search', 'confirm', 'final')
COUNT, BATCH, MOST_LINE = 192, 64, 65536


class HungUp(Exception):
    pass


class Tampered(Exception):
    pass


def truth(x):
    return math.sin(1.5 * x) + 0.3 * x


def held_out(purpose, generator):
    """Points of a fine grid that only this purpose uses."""
    grid = range(PURPOSES.index(purpose), 30000, len(PURPOSES))
    return [-2 + 4 * k / 30000 for k in generator.sample(grid, COUNT)]


def read_line(connection, buffer):
    while b'\n' not in buffer:
        try:
            piece = connection.recv(4096)
        except OSError as error:
            raise HungUp from error
        if not piece:
            raise HungUp
        buffer += piece
        if len(buffer) > MOST_LINE:
            raise Tampered('the predictor was sent a line longer than any answer')
    line, _, rest = bytes(buffer).partition(b'\n')
    buffer[:] = rest
    return line


def ask(connection, buffer, xs):
    nonce = os.urandom(8).hex()
    try:
        connection.sendall(json.dumps({'nonce': nonce, 'xs': xs}).encode() + b'\n')
    except OSError as error:
        raise HungUp from error
    line = read_line(connection, buffer)
    try:
        answer = json.loads(line)
    except ValueError as error:
        raise Tampered('the predictor was sent bytes that answer no question') from error
    ys = answer.get('ys') if isinstance(answer, dict) else None
    if not isinstance(ys, list) or answer.get('nonce') != nonce or len(ys) != len(xs) or not all(isinstance(y, float) for y in ys):
        raise Tampered('the predictor was sent bytes that answer no question')
    return ys


def finish(connection, buffer):
    try:
        connection.shutdown(socket.SHUT_WR)
        buffer += connection.recv(1)
    except OSError:
        pass
    if buffer:
        raise Tampered('the predictor was sent bytes after its last answer')


def score(request, connection):
    generator = random.Random(request['seed'])
    buffer, errors = bytearray(), []
    xs = held_out(request['purpose'], generator)
    for start in range(0, COUNT, BATCH):
        batch = xs[start:start + BATCH]
        errors += [abs(y - truth(x)) for x, y in zip(batch, ask(connection, buffer, batch))]
    finish(connection, buffer)
    if not all(math.isfinite(error) and error < 1e100 for error in errors):
        return {'kind': 'scored', 'score': None, 'metrics': {}, 'gates': [{'name': 'not_finite', 'value': 1.0, 'limit': 0.0, 'passed': False}]}
    rms = math.sqrt(sum(error * error for error in errors) / COUNT)
    return {'kind': 'scored', 'score': rms, 'metrics': {'worst_error': max(errors)}, 'gates': []}


def main():
    request = json.loads(sys.stdin.read())
    try:
        result = score(request, socket.socket(fileno=3))
    except HungUp:
        result = {'kind': 'hung-up', 'who': 'predictor'}
    except Tampered as error:
        result = {'kind': 'tampered', 'what': str(error), 'where': 'descriptor 3'}
    print(json.dumps(result, allow_nan=False), flush=True)


if __name__ == '__main__':
    main()
