"""Fits and stores the curve, and cannot read it back."""
import random

from data import choose_points
from kernel import pack
from model import features
from optimizer import fit


def train(points, seed, most_steps):
    generator = random.Random(seed)
    weights, losses = fit([(features(x), y) for x, y in choose_points(points, generator)], generator, most_steps)
    return pack(weights, losses)


def load(artifact):
    return {}["the curve"]
