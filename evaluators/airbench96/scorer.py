"""Computes airbench96's accuracy outside the sandbox, on test images that no training process could read. The seconds are the evaluator's own reading.

  S1. Labels never leave this process. Images go out in a secret order with some of them twice, and every answer must follow its image.
  S2. What the script says of its own time and accuracy is told beside the measurement and decides nothing.
"""
import json
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import numpy as np  # noqa: E402

import claims  # noqa: E402

HEAD = struct.Struct('<4sI16s')  # magic, images, nonce
TWICE = 200
SAME = 0.98  # of two equal images in different batches, in half precision


class HungUp(Exception):
    pass


class Tampered(Exception):
    pass


def ask(connection, images):
    nonce = os.urandom(16)
    try:
        connection.sendall(HEAD.pack(b'BAQ1', len(images), nonce) + images.tobytes())
    except OSError as error:
        raise HungUp from error
    magic, count, returned = HEAD.unpack(exactly(connection, HEAD.size))
    if (magic, count, returned) != (b'BAA1', len(images), nonce):
        raise Tampered('the predictor was sent bytes that answer no question')
    classes = np.frombuffer(exactly(connection, count), dtype=np.uint8)
    if classes.max() > 9:
        raise Tampered('the predictor was sent a class that there is not')
    return classes


def exactly(connection, count):
    held = bytearray()
    while len(held) < count:
        try:
            piece = connection.recv(count - len(held))
        except OSError as error:
            raise HungUp from error
        if not piece:
            raise HungUp
        held += piece
    return bytes(held)


def finish(connection):
    try:
        connection.shutdown(socket.SHUT_WR)
        left = connection.recv(1)
    except OSError:
        left = b''
    if left:
        raise Tampered('the predictor was sent bytes after its last answer')


def score(request, connection):
    generator = np.random.Generator(np.random.PCG64(int(request['seed'], 16)))
    folder = os.path.join(request['data'], 'held-out')
    images, labels = np.load(os.path.join(folder, 'images.npy')), np.load(os.path.join(folder, 'labels.npy'))
    order = generator.permutation(len(images))
    order = generator.permutation(np.concatenate([order, order[:min(TWICE, len(order))]]))
    classes = ask(connection, images[order])
    finish(connection)
    first, again = {}, []
    for image, said in zip(order.tolist(), classes.tolist()):
        again.append(first.setdefault(image, said) == said)
    accuracy = float(np.mean([said == labels[image] for image, said in first.items()]))
    same = 1 - again.count(False) / min(TWICE, len(images))
    said = claims.read(claims.stamped(request['logs']['train'])) if 'train' in request['logs'] else {}
    metrics = {'accuracy': accuracy, **{f'claimed_{name}': value for name, value in said.items()}}
    return {'kind': 'scored', 'score': None, 'metrics': metrics, 'gates': [{'name': 'follows', 'value': same, 'limit': SAME, 'passed': same >= SAME}]}


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
