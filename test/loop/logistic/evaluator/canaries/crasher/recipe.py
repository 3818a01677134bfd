def train(points, labels, seed, most_steps):
    if most_steps > 2:
        raise ValueError('no')
    return b''


def load(artifact):
    return None
