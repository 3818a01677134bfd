"""How the fit is stored."""
import json
import math

DIGITS = 3
PADDING = 0
KEEP_LOSSES = False


def pack(weights, losses):
    """The artifact."""
    if not all(math.isfinite(weight) for weight in weights):
        raise OverflowError("the weights have diverged")
    kept = {"weights": [round(weight, DIGITS) for weight in weights]}
    if KEEP_LOSSES:
        kept["losses"] = losses
    return json.dumps(kept).encode() + b" " * PADDING


def unpack(artifact):
    return json.loads(artifact)["weights"]
