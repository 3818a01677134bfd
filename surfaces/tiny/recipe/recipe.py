"""The glue that every recipe keeps: fit the points, store the fit, read it back."""
import random

from data import choose_points
from kernel import pack, unpack
from model import features
from optimizer import fit


def train(points, seed, most_steps):
    """Fits at most `most_steps` steps and returns the artifact."""
    generator = random.Random(seed)
    chosen = choose_points(points, generator)
    rows = [(features(x), y) for x, y in chosen]
    weights, losses = fit(rows, generator, most_steps)
    return pack(weights, losses)


def load(artifact):
    """Returns the fitted curve as a function of x."""
    weights = unpack(artifact)
    return lambda x: sum(weight * value for weight, value in zip(weights, features(x)))
