"""Computes golf-mini's bits per byte, outside the sandbox, from what two predictors answer.

The first predictor (descriptor 3) reads whole blocks, because reading them byte by byte would take minutes. So it could read ahead. The second
(descriptor 4), in a sandbox of its own, is asked again at secret places and is given nothing but the bytes before each: it cannot. Its first
question ends the predictor: it starts when all of that is dead.

  S1. A predictor sees no byte of a block's last position, and the auditor none at or after the place it is asked about, by earlier questions either.
  S2. The score comes from the answers renormalised here; a row that is no distribution, or a difference between the two, is a gate missed.
  S3. An answer carries its question's nonce. Bytes that answer nothing were written by the recipe itself: that is tampering.
  S4. Which blocks are drawn and which places are asked again is decided here, from a seed no recipe sees.

One JSON request on standard input, one JSON line on standard output. numpy only.
"""
import json
import os
import socket
import struct
import sys

import numpy as np

BLOCK, ALPHABET = 1024, 256
BLOCKS, BATCH = 64, 8
QUESTION, ANSWER = struct.Struct('<4sIII16s'), struct.Struct('<4sIII16s')
# Places asked again: at random; in proportion to how far the answer beat the reference; and where it beat it most.
UNIFORM, WEIGHTED, WORST = 160, 48, 48
NORMALISED = 1e-3
# README.md has the measurements behind both: honest recipes differ by rounding only, and in either direction.
AGREEMENT_NATS = 0.25
DRIFT_NATS = 0.005
LN2 = float(np.log(2.0))


class HungUp(Exception):
    """A predictor closed its end; why is in its log."""


class Tampered(Exception):
    """Bytes that no honest harness sends."""


class Missed(Exception):
    """A gate was missed before there was a score."""

    def __init__(self, name, value, limit):
        super().__init__(name)
        self.gate = {'name': name, 'value': float(value), 'limit': float(limit), 'passed': False}


class Predictor:
    def __init__(self, descriptor, name):
        self.name, self.socket = name, socket.socket(fileno=descriptor)

    def ask(self, tokens, last_only=False):
        """Natural-log probabilities [rows, 256] or [rows, width + 1, 256] of uint8 tokens [rows, width]."""
        rows, width = tokens.shape
        nonce = os.urandom(16)
        try:
            self.socket.sendall(QUESTION.pack(b'BRGQ', rows, width, int(last_only), nonce) + tokens.tobytes())
        except OSError as error:
            raise HungUp(self.name) from error
        wanted = (b'BRGA', rows, 1 if last_only else width + 1, ALPHABET, nonce)
        if ANSWER.unpack(self._read(ANSWER.size)) != wanted:  # S3
            raise Tampered(f'the {self.name} was sent bytes that answer no question')
        return np.frombuffer(self._read(wanted[1] * wanted[2] * ALPHABET * 4), dtype='<f4').reshape(wanted[1], wanted[2], ALPHABET)

    def _read(self, size):
        buffer = bytearray(size)
        view, filled = memoryview(buffer), 0
        while filled < size:
            try:
                got = self.socket.recv_into(view[filled:], min(size - filled, 1 << 20))
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


def draw(reference, generator):
    """Blocks, one from each of `BLOCKS` strata of equal difficulty, and the share of the set each stands for."""
    strata = np.array_split(np.argsort(reference.sum(1), kind='stable'), min(BLOCKS, len(reference)))
    chosen = [(generator.choice(stratum), len(stratum) / len(reference)) for stratum in strata]
    generator.shuffle(chosen)
    return np.array([index for index, _ in chosen], dtype=int), np.array([share for _, share in chosen])


def normalise(answers):
    """Log-probabilities that sum to one; refuses rows that were far from it."""
    if np.isnan(answers).any() or np.isposinf(answers).any():
        raise Missed('not_finite', np.count_nonzero(np.isnan(answers) | np.isposinf(answers)), 0)
    top = answers.max(axis=-1, keepdims=True)
    if np.isneginf(top).any():
        raise Missed('normalised', 1.0, NORMALISED)
    with np.errstate(over='ignore'):
        total = np.log(np.exp(answers - top).sum(axis=-1, keepdims=True)) + top
        off = np.abs(np.expm1(total.astype(np.float64))).max()
    if not off <= NORMALISED:
        raise Missed('normalised', min(float(off), 1e300), NORMALISED)
    return answers - total  # S2


def first_pass(predictor, blocks):
    """Nats of every byte of every block, as the first predictor answered."""
    nats = np.empty(blocks.shape, dtype=np.float64)
    for start in range(0, len(blocks), BATCH):
        batch = blocks[start:start + BATCH]
        answers = normalise(predictor.ask(batch[:, :-1]))  # S1
        nats[start:start + BATCH] = -np.take_along_axis(answers, batch[..., None].astype(np.int64), axis=-1)[..., 0]
    if not np.isfinite(nats).all():
        raise Missed('not_finite', np.count_nonzero(~np.isfinite(nats)), 0)
    return nats


def choose(nats, reference, generator):
    """Places asked again, as flat indices; the first `UNIFORM` of them are a fair sample."""
    size = nats.size
    places = list(generator.choice(size, min(UNIFORM, size), replace=False))
    excess = np.maximum(reference - nats, 0.0).ravel()
    excess[places] = 0.0
    worst = [int(place) for place in np.argsort(-excess, kind='stable')[:WORST] if excess[place] > 0]
    places += worst
    excess[worst] = 0.0
    likely = min(WEIGHTED, int(np.count_nonzero(excess)))
    if likely > 0:
        places += list(generator.choice(size, likely, replace=False, p=excess / excess.sum()))
    rest = np.setdiff1d(np.arange(size), places)
    short = max(0, min(UNIFORM + WEIGHTED + WORST, size) - len(places))
    return np.array(places + list(generator.choice(rest, short, replace=False)), dtype=int)


def audit(auditor, blocks, nats, places):
    """Differences, audited minus first nats, one for each place; asked from the front of the blocks to their ends, so that no question tells the answer of a later one."""
    differences = np.empty(len(places))
    for k in np.argsort(places % BLOCK, kind='stable'):  # S1
        row, position = divmod(int(places[k]), BLOCK)
        answer = normalise(auditor.ask(blocks[row:row + 1, :position], last_only=True))[0, 0]  # S1
        again = -float(answer[blocks[row, position]])
        if not np.isfinite(again):
            raise Missed('audit', 1e9, AGREEMENT_NATS)
        differences[k] = again - nats[row, position]
    return differences


def gate(name, value, limit):
    return {'name': name, 'value': float(value), 'limit': float(limit), 'passed': bool(value <= limit)}


def score(request, predictor, auditor):
    text = np.fromfile(os.path.join(request['data'], request['purpose'] + '.bin'), dtype=np.uint8).reshape(-1, BLOCK)
    reference = -np.log(np.fromfile(os.path.join(request['data'], request['purpose'] + '-reference.bin'), dtype='<f4').astype(np.float64)).reshape(-1, BLOCK)
    generator = np.random.Generator(np.random.PCG64(int(request['seed'], 16)))  # S4
    chosen, shares = draw(reference, generator)
    blocks = np.ascontiguousarray(text[chosen])
    nats = first_pass(predictor, blocks)
    bits = float((nats.mean(axis=1) * shares).sum() / LN2)
    places = choose(nats, reference[chosen], generator)
    differences = audit(auditor, blocks, nats, places)
    auditor.finish()
    predictor.finish()
    gates = [gate('audit', np.abs(differences).max(), AGREEMENT_NATS), gate('drift', abs(differences[:UNIFORM].mean()), DRIFT_NATS)]
    metrics = {'blocks': len(blocks), 'audited': len(places), 'reference_bpb': float((reference[chosen].mean(axis=1) * shares).sum() / LN2)}
    return {'kind': 'scored', 'score': bits, 'metrics': metrics, 'gates': gates}


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
