# hypothesis: the curve bends back, and sines follow it with fewer terms than powers
# file: model.py
# source: Fourier 1822
# excludes: chebyshev
import math

FREQUENCY = 1.5


def features(x):
    """1, x and sines and cosines of growing frequency."""
    waves = [wave(FREQUENCY * k * x) for k in range(1, DEGREE + 1) for wave in (math.sin, math.cos)]
    return [1.0, x] + waves
