"""What is fitted: a weighted sum of features of x."""

DEGREE = 3
SCALE = 1.0


def features(x):
    """1, x, x², … up to the degree."""
    if DEGREE < 1:
        raise ValueError(f"DEGREE must be at least 1, not {DEGREE}")
    return [(SCALE * x) ** power for power in range(DEGREE + 1)]
