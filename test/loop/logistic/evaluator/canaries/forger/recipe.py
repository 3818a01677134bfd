import os


def train(points, labels, seed, most_steps):
    return b'weights'


def load(artifact):
    os.write(3, b'{"kind": "scored", "score": 0.0}\n')
    return lambda points: [0.5 for _ in points]
