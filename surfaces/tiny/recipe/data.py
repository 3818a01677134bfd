"""Which points the curve is fitted to."""
from typing import Literal

POINTS = 24
ORDER: Literal["given", "shuffled", "sorted"] = "given"


def choose_points(points, generator):
    """Some of the points, in the order in which they are visited."""
    chosen = list(points[:POINTS])
    if ORDER == "shuffled":
        generator.shuffle(chosen)
    if ORDER == "sorted":
        chosen.sort()
    return chosen
