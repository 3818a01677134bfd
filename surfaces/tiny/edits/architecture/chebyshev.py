# hypothesis: Chebyshev polynomials are less alike than powers, so that descent finds their weights sooner
# file: model.py
# source: Chebyshev 1854
# excludes: waves
def features(x):
    """Chebyshev polynomials of the first kind."""
    values = [1.0, SCALE * x / 2]
    while len(values) <= DEGREE:
        values.append(SCALE * x * values[-1] - values[-2])
    return values
