"""Trains the recipe beside this file and says its bits per byte on the search text: python run.py [--seconds 10] [--seed 0] [--data DIR].

It measures roughly. The clock is this process's own CPU time, not calibrated, so that another machine takes another number of steps; the whole
search text is scored at once, by the recipe's own process, and nothing is audited. What counts is what the evaluator says.
"""
import argparse
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BLOCK, ALPHABET, BATCH = 1024, 256, 8


def upwards(*parts):
    """A path of the project that this file, or whoever calls it, is in; None outside of one."""
    for folder in (HERE, os.getcwd()):
        while True:
            found = os.path.join(folder, *parts)
            if os.path.exists(found):
                return found
            if folder == os.path.dirname(folder):
                break
            folder = os.path.dirname(folder)
    return None


try:
    import torch
except ImportError:  # the project has an interpreter that can
    setup = upwards('.brigade', 'setup.json')
    steps = json.load(open(setup)).get('steps', {}) if setup else {}
    python = steps.get('python', {}).get('path')
    if not python or os.environ.get('BRIGADE_STANDALONE'):
        sys.exit(f'{sys.executable} has no torch: install it, or run this with an interpreter that has it')
    os.execve(python, [python, os.path.abspath(__file__), *sys.argv[1:]], {**os.environ, 'BRIGADE_STANDALONE': '1'})


class Budget:
    def __init__(self, seconds):
        self.seconds, self._start = seconds, time.process_time()

    def elapsed(self):
        return time.process_time() - self._start

    def done(self):
        return self.elapsed() >= self.seconds


def read(folder, name):
    with open(os.path.join(folder, f'{name}.bin'), 'rb') as file:
        return torch.frombuffer(bytearray(file.read()), dtype=torch.uint8)


def bits_per_byte(predictor, text):
    total = 0.0
    blocks = text.long().reshape(-1, BLOCK)
    for batch in blocks.split(BATCH):
        logprobs = predictor.logprobs(batch[:, :-1]).detach().double()
        if logprobs.shape != (*batch.shape, ALPHABET):
            sys.exit(f'logprobs of {tuple(batch[:, :-1].shape)} tokens must have shape {(*batch.shape, ALPHABET)}, not {tuple(logprobs.shape)}')
        total -= torch.log_softmax(logprobs, -1).gather(-1, batch[..., None]).sum().item()
    return total / blocks.numel() / 0.6931471805599453


def main():
    options = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    options.add_argument('--seconds', type=float, default=10.0)
    options.add_argument('--seed', type=int, default=0)
    options.add_argument('--data', default=upwards('.brigade', 'data', 'golf-mini'))
    options.add_argument('--out', default=None, help='where to keep the artifact')
    asked = options.parse_args()
    if asked.data is None:
        sys.exit('the prepared data was not found above this folder: run this in the project, or give --data DIR with train.bin and search.bin')
    torch.set_num_threads(1)
    sys.dont_write_bytecode = True
    sys.path.insert(0, HERE)
    import recipe

    budget = Budget(asked.seconds)
    artifact = recipe.train(budget, read(asked.data, 'train'), asked.seed)
    spent = budget.elapsed()
    if asked.out:
        with open(asked.out, 'wb') as file:
            file.write(artifact)
    code = sum(os.path.getsize(os.path.join(HERE, name)) for name in os.listdir(HERE) if name.endswith('.py') and name != os.path.basename(__file__))
    score = bits_per_byte(recipe.load(artifact), read(asked.data, 'search'))
    print(f'{score:.4f} bits per byte on the search text, seed {asked.seed}: trained {spent:.1f} CPU seconds by an uncalibrated clock; {len(artifact) + code} bytes with the code; not audited')


if __name__ == '__main__':
    main()
