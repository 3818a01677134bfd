import numpy as np


def draw(generator, count):
    """Points of the plane in two classes, the second one around the first."""
    points = generator.normal(size=(count, 2)) * (1, 3)
    chance = 1 / (1 + np.exp(-(points[:, 0] * 2 + points[:, 1] * 0.5 - 0.3)))
    return points, (generator.random(count) < chance).astype(float)
