"""Computes airbench96's accuracy outside the sandbox, on test images that no training process could read. The seconds are the evaluator's own reading.

  S1. Labels never leave this process. Images go out in a secret order with some of them twice, and every answer must follow its image.
  S2. An answer must be a function of the model and of its own image: secret images are asked again of a fresh process, few at a time, which has
      nothing to learn from those beside them.
  S3. What the script says of its own time and accuracy is told beside the measurement and decides nothing.
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
AUDITED, FEW = 320, 8
SAME = 0.98  # of two equal images in different batches, in half precision


class HungUp(Exception):
    """A predictor closed its end; why is in its log."""


class Tampered(Exception):
    """Bytes that no honest harness sends."""


class Predictor:
    def __init__(self, descriptor, name):
        self.name, self.socket = name, socket.socket(fileno=descriptor)

    def ask(self, images):
        """Classes of images, in their order."""
        nonce = os.urandom(16)
        try:
            self.socket.sendall(HEAD.pack(b'BAQ1', len(images), nonce) + images.tobytes())
        except OSError as error:
            raise HungUp(self.name) from error
        if HEAD.unpack(self._read(HEAD.size)) != (b'BAA1', len(images), nonce):
            raise Tampered(f'the {self.name} was sent bytes that answer no question')
        classes = np.frombuffer(self._read(len(images)), dtype=np.uint8)
        if classes.max() > 9:
            raise Tampered(f'the {self.name} was sent a class that there is not')
        return classes

    def _read(self, count):
        held = bytearray()
        while len(held) < count:
            try:
                piece = self.socket.recv(count - len(held))
            except OSError as error:
                raise HungUp(self.name) from error
            if not piece:
                raise HungUp(self.name)
            held += piece
        return bytes(held)

    def finish(self):
        """Hangs up and looks for bytes beyond the last answer."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
            left = self.socket.recv(1)
        except OSError:
            left = b''
        if left:
            raise Tampered(f'the {self.name} was sent bytes after its last answer')


def gate(name, value):
    return {'name': name, 'value': value, 'limit': SAME, 'passed': value >= SAME}


def score(request, predictor, auditor):
    generator = np.random.Generator(np.random.PCG64(int(request['seed'], 16)))
    folder = os.path.join(request['data'], 'held-out')
    images, labels = np.load(os.path.join(folder, 'images.npy')), np.load(os.path.join(folder, 'labels.npy'))
    order = generator.permutation(len(images))
    order = generator.permutation(np.concatenate([order, order[:min(TWICE, len(order))]]))
    classes = predictor.ask(images[order])
    first, again = {}, []
    for image, said in zip(order.tolist(), classes.tolist()):
        again.append(first.setdefault(image, said) == said)
    accuracy = float(np.mean([said == labels[image] for image, said in first.items()]))
    same = 1 - again.count(False) / min(TWICE, len(images))
    chosen = generator.permutation(len(images))[:AUDITED]
    apart = np.concatenate([auditor.ask(images[chosen[start:start + FEW]]) for start in range(0, len(chosen), FEW)])  # S2
    agreed = float(np.mean([first[image] == answer for image, answer in zip(chosen.tolist(), apart.tolist())]))
    auditor.finish()
    predictor.finish()
    said = claims.read(claims.stamped(request['logs']['train'])) if 'train' in request['logs'] else {}
    metrics = {'accuracy': accuracy, **{f'claimed_{name}': value for name, value in said.items()}}
    return {'kind': 'scored', 'score': None, 'metrics': metrics, 'gates': [gate('follows', same), gate('audit', agreed)]}


def main():
    request = json.loads(sys.stdin.read())
    try:
        result = score(request, Predictor(3, 'predictor'), Predictor(4, 'auditor'))
    except HungUp as error:
        result = {'kind': 'hung-up', 'who': str(error)}
    except Tampered as error:
        result = {'kind': 'tampered', 'what': str(error), 'where': 'descriptor 3'}
    print(json.dumps(result, allow_nan=False), flush=True)


if __name__ == '__main__':
    main()
