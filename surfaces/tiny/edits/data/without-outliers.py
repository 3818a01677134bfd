# hypothesis: points far from the median are noise and only pull the curve away
# file: data.py
# source: Tukey 1977
FENCE = 3.0


def choose_points(points, generator):
    """Points whose y lies near the median."""
    ys = sorted(y for _, y in points)
    middle = ys[len(ys) // 2]
    spread = sorted(abs(y - middle) for y in ys)[len(ys) // 2]
    return [(x, y) for x, y in points if abs(y - middle) <= FENCE * spread][:POINTS]
