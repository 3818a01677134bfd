# hypothesis: eight binary bytes a weight lose nothing and need no text
# file: kernel.py
# source: IEEE 754
import struct


def pack(weights, losses):
    """The artifact: a count and doubles."""
    if not all(math.isfinite(weight) for weight in weights):
        raise OverflowError("the weights have diverged")
    return struct.pack(f"<I{len(weights)}d", len(weights), *weights) + b" " * PADDING


def unpack(artifact):
    (count,) = struct.unpack_from("<I", artifact)
    return list(struct.unpack_from(f"<{count}d", artifact, 4))
