"""Runs one phase of tiny inside the sandbox: python harness.py smoke | train | predict. Nothing it says is believed."""
import json
import math
import os
import random
import sys

ARTIFACT = os.path.join(os.environ['BRIGADE_WORK'], 'artifact.bin')
SMOKE_STEPS, STEPS = 2, 1_000_000_000


def ready():
    """Trusted code has loaded: the clock may start."""
    control = os.open(os.environ['BRIGADE_CONTROL'], os.O_WRONLY)
    os.write(control, b'R')
    os.close(control)


def points(seed):
    """Sixty noisy points of the curve; another seed, other noise."""
    generator = random.Random(seed)
    xs = [generator.uniform(-2, 2) for _ in range(60)]
    return [(x, math.sin(1.5 * x) + 0.3 * x + generator.gauss(0, 0.15)) for x in xs]


def predict(recipe):
    with open(ARTIFACT, 'rb') as file:
        curve = recipe.load(file.read())
    with os.fdopen(3, 'rb', closefd=False) as questions:
        for line in questions:
            question = json.loads(line)
            answer = {'nonce': question['nonce'], 'ys': [float(curve(x)) for x in question['xs']]}
            os.write(3, json.dumps(answer).encode() + b'\n')


def main(phase):
    seed = int(os.environ.get('BRIGADE_SEED', '0'))
    ready()
    sys.dont_write_bytecode = True
    sys.path.insert(0, os.environ['BRIGADE_RECIPE'])
    import recipe

    if phase == 'predict':
        predict(recipe)
    else:
        artifact = recipe.train(points(seed), seed, SMOKE_STEPS if phase == 'smoke' else STEPS)
        with open(ARTIFACT, 'wb') as file:
            file.write(artifact)
    sys.stdout.flush()
    os._exit(0)


if __name__ == '__main__':
    main(sys.argv[1])
