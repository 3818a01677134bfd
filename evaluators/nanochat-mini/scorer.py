"""Computes nanochat-mini's CORE, outside the sandbox, from what two predictors answer.

A completion is asked byte by byte, and its next byte is shown only to a predictor that has just said it: nobody can read ahead. Choices and
schemas are asked in whole rows, because asking every byte apart would take minutes. So the first predictor (descriptor 3) could read ahead there, or
compare the rows it is shown. The second (descriptor 4), in a sandbox of its own, is asked again for whole items, byte by byte, each from its prefix alone.

  S1. Completions come first, blocks of plain text last, so that no answer is shown before it is asked for.
  S2. Right and wrong rows go in one shuffled heap, by length: neither their order nor their company tells them apart.
  S3. The score comes from the answers renormalised here; a row that is no distribution, or a difference between the two predictors, is a gate missed.
  S4. An answer carries its question's nonce. Bytes that answer nothing were written by the recipe itself: that is tampering.
  S5. Which items are drawn and which are asked again is decided here, from a seed no recipe sees.

One JSON request on standard input, one JSON line on standard output. numpy only.
"""
import json
import os
import socket
import struct
import sys

import numpy as np

ALPHABET = 256
BLOCKS, BATCH = 48, 32
DRAWN = {1: 350, 2: 700, 4: 350}  # items of a task, by the rows of one: two rows tell least and a guess earns most
QUESTION, ANSWER = struct.Struct('<4sIII16s'), struct.Struct('<4sIII16s')
# Asked again: completions' places; whole items that were answered rightly, and any; places of the blocks.
SAID, RIGHT_ITEMS, ANY_ITEMS, PLACES = 64, 56, 8, 64
NORMALISED = 1e-3
# README.md has the measurements behind these: honest recipes differ by rounding only, and in either direction.
AGREEMENT_NATS = 0.25
DRIFT_NATS = 0.01  # of a row's mean, which is what an item is judged by
FAVOUR_NATS = 0.001  # of right rows over wrong ones, on average
EQUAL_NATS = 1e-6  # rows nearer than this are told apart by rounding only
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

    def ask(self, tokens, first):
        """Natural-log probabilities [rows, width + 1 - first, 256] of uint8 tokens [rows, width], renormalised."""
        rows, width = tokens.shape
        nonce = os.urandom(16)
        try:
            self.socket.sendall(QUESTION.pack(b'BRGQ', rows, width, first, nonce) + tokens.tobytes())
        except OSError as error:
            raise HungUp(self.name) from error
        wanted = (b'BRGA', rows, width + 1 - first, ALPHABET, nonce)
        if ANSWER.unpack(self._read(ANSWER.size)) != wanted:  # S4
            raise Tampered(f'the {self.name} was sent bytes that answer no question')
        return normalise(np.frombuffer(self._read(wanted[1] * wanted[2] * ALPHABET * 4), dtype='<f4').reshape(wanted[1:4]))

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
            raise Tampered(f'the {self.name} was sent bytes after its last answer')  # S4


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
    return answers - total  # S3


def answers_to(predictor, rows, generator):
    """For each row (prefix, continuation): distributions of the continuation's bytes, its last one never being shown. Asked in a shuffled heap by length."""
    shown = [(prefix + continuation)[:-1] for prefix, continuation in rows]
    heap = sorted(generator.permutation(len(rows)), key=lambda i: len(shown[i]))  # S2
    found = [None] * len(rows)
    for start in range(0, len(heap), BATCH):
        batch = heap[start:start + BATCH]
        width, first = len(shown[batch[-1]]), min(len(rows[i][0]) for i in batch)
        tokens = np.frombuffer(b''.join(shown[i].ljust(width, b'\0') for i in batch), dtype=np.uint8).reshape(len(batch), width)
        said = predictor.ask(tokens, first)
        for k, i in enumerate(batch):
            begin = len(rows[i][0]) - first
            found[i] = said[k, begin:begin + len(rows[i][1])]
    return found


def nats_of(distributions, continuation):
    return -distributions[np.arange(len(continuation)), np.frombuffer(continuation, dtype=np.uint8)].astype(np.float64)


def complete(predictor, items, generator):
    """Which completions are exact, and every place asked: the bytes before it, the byte said, and its nats."""
    exact, places, step = np.zeros(len(items), dtype=bool), [], 0
    alive = list(range(len(items)))
    while alive:
        rows = [(items[i][0] + items[i][1][:step], items[i][1][step:step + 1]) for i in alive]
        left = []
        for i, row, said in zip(alive, rows, answers_to(predictor, rows, generator)):
            byte = int(said[0].argmax())
            places.append((row[0], bytes([byte]), -float(said[0, byte])))
            if byte == items[i][1][step]:
                (left.append(i) if step + 1 < len(items[i][1]) else exact.__setitem__(i, True))
        alive, step = left, step + 1
    return exact, places


def weigh(predictor, items, generator):
    """Nats of every byte of every row of every item."""
    rows = [row for item in items for row in item]
    said = answers_to(predictor, rows, generator)
    nats = iter([nats_of(distributions, row[1]) for distributions, row in zip(said, rows)])
    return [[next(nats) for _ in item] for item in items]


def judge(rows):
    """1 when the right row, the first, has the lowest mean loss; a share of it when others equal it."""
    losses = np.array([nats.mean() for nats in rows])
    return 1 / np.count_nonzero(losses <= losses[0] + EQUAL_NATS) if losses[0] <= losses.min() + EQUAL_NATS else 0.0


def ask_again(auditor, rows, nats, generator):
    """Differences, audited minus first nats, of each row's bytes; asked from the front of all rows to their ends, so that no question tells the answer of a later one."""
    differences = [np.empty(len(continuation)) for _, continuation in rows]
    for step in range(max(len(continuation) for _, continuation in rows)):
        alive = [i for i, (_, continuation) in enumerate(rows) if len(continuation) > step]
        asked = [(rows[i][0] + rows[i][1][:step], rows[i][1][step:step + 1]) for i in alive]
        for i, row, said in zip(alive, asked, answers_to(auditor, asked, generator)):
            differences[i][step] = nats_of(said, row[1])[0] - nats[i][step]
    return differences


def sample(generator, population, count):
    return [population[i] for i in generator.choice(len(population), min(count, len(population)), replace=False)]


def audit(auditor, said, weighed, text, generator):
    """Differences of three kinds of rows asked again: bytes said, whole items, and places in the blocks; and by how much right rows fare worse than wrong ones."""
    places = sample(generator, said, SAID)
    kinds = [([(before, byte) for before, byte, _ in places], [[nats] for _, _, nats in places])]
    right = [i for i, (_, _, credit) in enumerate(weighed) if credit > 0]
    chosen = sample(generator, right, RIGHT_ITEMS)
    chosen += sample(generator, sorted(set(range(len(weighed))) - set(chosen)), ANY_ITEMS)
    kinds.append(([row for i in chosen for row in weighed[i][0]], [nats for i in chosen for nats in weighed[i][1]]))
    spots = sorted(sample(generator, [(block, at) for block in range(len(text[0])) for at in range(len(text[0][block]))], PLACES), key=lambda spot: spot[1])
    found, items = (ask_again(auditor, rows, nats, generator) for rows, nats in kinds)
    for block, at in spots:  # one after another: the blocks are long, and a later place shows what an earlier one asked for
        found += ask_again(auditor, [(text[0][block][:at], text[0][block][at:at + 1])], [text[1][block][at:at + 1]], generator)
    means = iter([difference.mean() for difference in items])
    favours = [row[0] - np.mean(row[1:]) for row in ([next(means) for _ in weighed[i][0]] for i in chosen)]
    return found + items, float(np.mean(favours))


def gate(name, value, limit):
    return {'name': name, 'value': float(value), 'limit': float(limit), 'passed': bool(value <= limit)}


def finite(nats):
    if not np.isfinite(nats).all():
        raise Missed('not_finite', np.count_nonzero(~np.isfinite(nats)), 0)
    return nats


def score(request, predictor, auditor):
    with open(os.path.join(request['data'], request['purpose'] + '.bin'), encoding='latin1') as file:
        made = json.load(file)
    generator = np.random.Generator(np.random.PCG64(int(request['seed'], 16)))  # S5
    drawn = {task['name']: [[tuple(part.encode('latin1') for part in row) for row in item] for item in sample(generator, task['items'], DRAWN[len(task['items'][0])])] for task in made['tasks']}
    completions = [(task['name'], item[0]) for task in made['tasks'] if task['kind'] == 'completion' for item in drawn[task['name']]]
    others = [(task['name'], item) for task in made['tasks'] if task['kind'] != 'completion' for item in drawn[task['name']]]
    blocks = [block.encode('latin1') for block in sample(generator, made['blocks'], BLOCKS)]
    exact, said = complete(predictor, [item for _, item in completions], generator)  # S1
    nats = [[finite(row) for row in rows] for rows in weigh(predictor, [item for _, item in others], generator)]
    text = [finite(rows[0]) for rows in weigh(predictor, [[(b'', block)] for block in blocks], generator)]
    credits = [judge(rows) for rows in nats]
    differences, favour = audit(auditor, said, [(item, rows, credit) for (_, item), rows, credit in zip(others, nats, credits)], (blocks, text), generator)
    auditor.finish()
    predictor.finish()
    earned = {task['name']: [] for task in made['tasks']}
    for (name, _), credit in zip(completions + others, [float(right) for right in exact] + credits):
        earned[name].append(credit)
    accuracies = {name: float(np.mean(values)) for name, values in earned.items()}
    core = float(np.mean([(accuracies[task['name']] - task['guess']) / (1 - task['guess']) for task in made['tasks']]))
    every = np.concatenate(differences)
    if not np.isfinite(every).all():
        raise Missed('audit', 1e9, AGREEMENT_NATS)
    metrics = {**accuracies, 'val_bpb': float(np.concatenate(text).mean() / LN2), 'audited': len(every)}
    drift = max((abs(row.mean()) for row in differences if len(row) > 1), default=0.0)
    gates = [gate('audit', np.abs(every).max(), AGREEMENT_NATS), gate('drift', drift, DRIFT_NATS), gate('favour', favour, FAVOUR_NATS)]
    return {'kind': 'scored', 'score': core, 'metrics': metrics, 'gates': gates}


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
