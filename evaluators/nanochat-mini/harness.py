"""Runs one phase of nanochat-mini inside the sandbox: python harness.py smoke | train | predict | audit.

Once the recipe is imported this process is the recipe's: nothing it says is believed. It only gives a recipe its arguments and carries
bytes; the artifact is sealed and weighed, the clock read and the score computed outside.

  H1. What the evaluator pays for (the interpreter, torch) is loaded before the clock starts; importing the recipe is on the recipe's time.
  H2. predict and audit answer exactly what is asked on descriptor 3, one answer a question, each with its question's nonce.
"""
import os
import struct
import sys
import time

import torch

RECIPE = os.environ['BRIGADE_RECIPE']
ARTIFACT = os.path.join(os.environ['BRIGADE_WORK'], 'artifact.bin')
TRAIN = os.path.join(os.environ['BRIGADE_DATA'], 'train')
QUESTION = struct.Struct('<4sIII16s')  # magic, rows, bytes a row, the first distribution wanted, nonce
ANSWER = struct.Struct('<4sIII16s')  # magic, rows, distributions a row, 256, the question's nonce
SMOKE_SECONDS = 0.3
SMOKE_SHAPES = ((2, 64), (1, 0), (3, 130))  # a batch, the very first byte of a text, and rows longer than most


class Budget:
    """What a recipe may spend. A courtesy: overruns are decided outside, by the evaluator's own clock."""

    def __init__(self, seconds, clock):
        self.seconds, self._clock, self._start = seconds, clock, clock()

    def elapsed(self):
        return self._clock() - self._start

    def done(self):
        return self.elapsed() >= self.seconds


def start_clock():
    """Says that trusted code is ready, waits until the evaluator's clock runs, and returns a function that reads it."""
    page = os.open(os.environ['BRIGADE_CLOCK'], os.O_RDONLY)
    control = os.open(os.environ['BRIGADE_CONTROL'], os.O_WRONLY)
    os.write(control, b'R')
    os.close(control)
    zero, begun = time.process_time(), time.monotonic()

    def read():
        while True:
            first, unit, elapsed, base, rate, last = os.pread(page, 96, 0).split()
            if first == last and (unit != b'waiting' or time.monotonic() - begun > 5):
                break
        spent = time.process_time() - zero - float(base) if unit == b'calibrated' else time.monotonic() - float(base)
        return float(elapsed) + max(0.0, spent) * float(rate)

    while os.pread(page, 96, 0).split()[1] == b'waiting' and time.monotonic() - begun < 5:
        time.sleep(0.002)
    return read


def load_recipe():
    sys.dont_write_bytecode = True
    sys.path.insert(0, RECIPE)
    import recipe

    return recipe


def read_train():
    with open(TRAIN, 'rb') as file:
        return torch.frombuffer(bytearray(file.read()), dtype=torch.uint8)


def train(budget, train_bytes, seed):
    recipe = load_recipe()
    artifact = recipe.train(budget, train_bytes, seed)
    if not isinstance(artifact, bytes):
        raise TypeError(f'train must return bytes, not {type(artifact).__name__}')
    with open(ARTIFACT, 'wb') as file:
        file.write(artifact)
    return recipe


def ask(predictor, tokens):
    """One answer of the recipe, refused here when its shape is wrong so that its author reads why."""
    answer = predictor.logprobs(tokens)
    if not isinstance(answer, torch.Tensor):
        raise TypeError(f'logprobs must return a tensor, not {type(answer).__name__}')
    wanted = (tokens.shape[0], tokens.shape[1] + 1, 256)
    if tuple(answer.shape) != wanted:
        raise ValueError(f'logprobs of {tuple(tokens.shape)} tokens must have shape {wanted}, not {tuple(answer.shape)}')
    return answer.detach().to(torch.float32)


def smoke(train_bytes, seed, clock):
    """A few steps, and whether what they leave loads and answers."""
    recipe = train(Budget(SMOKE_SECONDS, clock), train_bytes, seed)
    with open(ARTIFACT, 'rb') as file:
        predictor = recipe.load(file.read())
    for rows, width in SMOKE_SHAPES:
        answer = ask(predictor, train_bytes[: rows * width].long().reshape(rows, width))
        if torch.isnan(answer).any():
            raise ValueError(f'logprobs of {(rows, width)} tokens contain NaN')


def read_exactly(size):
    pieces = []
    while size > 0:
        piece = os.read(3, min(size, 1 << 20))
        if not piece:
            return None
        pieces.append(piece)
        size -= len(piece)
    return b''.join(pieces)


def write_all(view):
    view = memoryview(view)
    while view:
        view = view[os.write(3, view[: 1 << 20]):]


def predict(recipe):
    with open(ARTIFACT, 'rb') as file:
        predictor = recipe.load(file.read())
    while (head := read_exactly(QUESTION.size)) is not None:
        _, rows, width, first, nonce = QUESTION.unpack(head)
        body = read_exactly(rows * width)
        if body is None:
            return
        tokens = torch.frombuffer(bytearray(body), dtype=torch.uint8).long().reshape(rows, width) if body else torch.zeros(rows, 0, dtype=torch.long)
        answer = ask(predictor, tokens)[:, first:].contiguous()
        write_all(ANSWER.pack(b'BRGA', rows, answer.shape[1], 256, nonce))  # H2
        write_all(answer.numpy().tobytes())


def main(phase):
    torch.set_num_threads(1)
    seed, budget = int(os.environ.get('BRIGADE_SEED', '0')), float(os.environ.get('BRIGADE_BUDGET_SECONDS', '1'))
    train_bytes = read_train() if phase in ('smoke', 'train') else None
    clock = start_clock() if phase != 'audit' else None  # H1; an auditor is not timed
    if phase in ('predict', 'audit'):
        predict(load_recipe())
    elif phase == 'train':
        train(Budget(budget, clock), train_bytes, seed)
    else:
        smoke(train_bytes, seed, clock)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # the interpreter's own farewell is not the recipe's time


if __name__ == '__main__':
    main(sys.argv[1])
