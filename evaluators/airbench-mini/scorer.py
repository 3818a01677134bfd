"""Computes airbench-mini's accuracy, outside the sandbox, from what two predictors answer. The score itself is seconds, which the evaluator reads.

The first predictor (descriptor 3) gets all images of one seed at once, because asking one by one would measure the asking. So it could learn from
them together. The second (descriptor 4), in a sandbox of its own, is asked again for some of them, one at a time: it has nothing to learn from.

  S1. No label leaves this process, and images come in an order that no recipe can foresee.
  S2. An answer must be a function of the artifact and of its own image: both predictors must agree, in the class and in how the ten scores lie.
  S3. An answer carries its question's nonce. Bytes that answer nothing were written by the recipe itself: that is tampering.
  S4. Images that are hard, answers that were close and some at random are asked again; which, is decided here, from a secret no recipe sees.

One JSON request on standard input, one JSON line on standard output. numpy only.
"""
import json
import os
import socket
import struct
import sys

import numpy as np

SIDE, CLASSES = 28, 10
QUESTION, ANSWER = struct.Struct('<4sI16s'), struct.Struct('<4sII16s')
# Images asked again: the first of the set, which is sorted by how often models get it wrong; the closest answers; and others.
HARDEST, CLOSEST, RANDOM = 48, 32, 48
# README.md has the measurements behind both: honest recipes differ by rounding only.
AGREEMENT = 0.03
FLIPS = 0


class HungUp(Exception):
    """A predictor closed its end; why is in its log."""


class Tampered(Exception):
    """Bytes that no honest harness sends."""


class Missed(Exception):
    """A gate was missed before there was an accuracy."""

    def __init__(self, name, value, limit):
        super().__init__(name)
        self.gate = {'name': name, 'value': float(value), 'limit': float(limit), 'passed': False}


class Predictor:
    def __init__(self, descriptor, name):
        self.name, self.socket = name, socket.socket(fileno=descriptor)

    def ask(self, images):
        """Scores [rows, 10] of uint8 images [rows, 28, 28]."""
        nonce = os.urandom(16)
        try:
            self.socket.sendall(QUESTION.pack(b'BRGQ', len(images), nonce) + images.tobytes())
        except OSError as error:
            raise HungUp(self.name) from error
        if ANSWER.unpack(self._read(ANSWER.size)) != (b'BRGA', len(images), CLASSES, nonce):  # S3
            raise Tampered(f'the {self.name} was sent bytes that answer no question')
        answer = np.frombuffer(self._read(len(images) * CLASSES * 4), dtype='<f4').reshape(-1, CLASSES).astype(np.float64)
        if not np.isfinite(answer).all():
            raise Missed('not_finite', np.count_nonzero(~np.isfinite(answer)), 0)
        return answer

    def _read(self, size):
        buffer = bytearray(size)
        view, filled = memoryview(buffer), 0
        while filled < size:
            try:
                got = self.socket.recv_into(view[filled:], size - filled)
            except OSError as error:
                raise HungUp(self.name) from error
            if got == 0:
                raise HungUp(self.name)
            filled += got
        return buffer

    def finish(self):
        """Hangs up and looks for bytes beyond the last answer."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
            extra = self.socket.recv(1)
        except OSError:
            extra = b''
        if extra:
            raise Tampered(f'the {self.name} was sent bytes after its last answer')  # S3


def standardise(answers):
    """Scores of each image with mean 0 and deviation 1: whatever scale a recipe answers in, the same difference counts."""
    centred = answers - answers.mean(axis=1, keepdims=True)
    return centred / np.maximum(centred.std(axis=1, keepdims=True), 1e-12)


def choose(answers, generator):
    """Images asked again, by their place in the set."""
    hardest = np.arange(min(HARDEST, len(answers)))
    best = np.sort(standardise(answers), axis=1)
    closest = [place for place in np.argsort(best[:, -1] - best[:, -2], kind='stable') if place >= HARDEST][:CLOSEST]
    rest = np.setdiff1d(np.arange(len(answers)), np.concatenate([hardest, np.array(closest, dtype=int)]))
    return generator.permutation(np.concatenate([hardest, np.array(closest, dtype=int), generator.choice(rest, min(RANDOM, len(rest)), replace=False)]))  # S4


def gate(name, value, limit):
    return {'name': name, 'value': float(value), 'limit': float(limit), 'passed': bool(value <= limit)}


def score(request, predictor, auditor):
    path = os.path.join(request['data'], request['purpose'])
    images = np.fromfile(path + '-images.bin', dtype=np.uint8).reshape(-1, SIDE, SIDE)
    labels = np.fromfile(path + '-labels.bin', dtype=np.uint8)
    generator = np.random.Generator(np.random.PCG64(int(request['seed'], 16)))
    order = generator.permutation(len(images))  # S1
    answers = np.empty((len(images), CLASSES))
    answers[order] = predictor.ask(np.ascontiguousarray(images[order]))
    places = choose(answers, generator)
    again = np.concatenate([auditor.ask(images[place:place + 1]) for place in places])
    auditor.finish()
    predictor.finish()
    difference = np.abs(standardise(answers[places]) - standardise(again)).max()
    flips = np.count_nonzero(answers[places].argmax(1) != again.argmax(1))
    accuracy = float((answers.argmax(1) == labels).mean())
    return {'kind': 'scored', 'score': None, 'metrics': {'accuracy': accuracy, 'images': len(images), 'audited': len(places)},
            'gates': [gate('audit', difference, AGREEMENT), gate('flips', flips, FLIPS)]}  # S2


def main():
    request = json.loads(sys.stdin.read())
    predictor, auditor = Predictor(3, 'predictor'), Predictor(4, 'auditor')
    try:
        result = score(request, predictor, auditor)
    except HungUp as error:
        result = {'kind': 'hung-up', 'who': str(error)}
    except Tampered as error:
        result = {'kind': 'tampered', 'what': str(error), 'where': 'descriptor 3'}
    except Missed as error:
        result = {'kind': 'scored', 'score': None, 'metrics': {}, 'gates': [error.gate]}
    print(json.dumps(result, allow_nan=False), flush=True)


if __name__ == '__main__':
    main()
