import numpy as np

SCALE = 1.0


def expand(points):
    return np.hstack([np.ones((len(points), 1)), SCALE * points])
