"""The evaluator's frozen reference: a fixed piece of work whose cost says how fast this core is right now.

A byte on standard input asks for one measurement; the answer is one line, the CPU seconds that one unit of work took.
The work is a small training step in shape: forward and backward matrix products of one layer, its pointwise work and a softmax, over more
data than the second-level cache holds, a third of it in newly allocated memory. That mixture is the point: a step pays for cache misses and
for fresh pages, and a neighbour makes just these dearer. Work that fits the cache explained little of how a PyTorch step varies under load.

NOMINAL_SECONDS fixes the unit. A calibrated second is 1 / NOMINAL_SECONDS units of this work, whatever machine does it: about
one CPU second of the quiet machine on which it was set. It is a constant of this file, not measured at start, because a machine
that is busy when it starts would otherwise hand out longer seconds than one that is not. Change the work or the constant and every
score ever measured is void; the evaluator's hash covers this file, so such scores are never mixed.
"""
import os
import sys
import time

NOMINAL_SECONDS = 0.0083
SAMPLES = 2
ROWS, WIDTH, HIDDEN, LAYERS = 1024, 64, 256, 3


def build():
    """Returns the unit of work as a function of nothing."""
    import numpy

    def fixed(wave, rows, columns, scale):
        return (wave(numpy.arange(rows * columns, dtype=numpy.float32)) * numpy.float32(scale)).reshape(rows, columns)

    x = fixed(numpy.cos, ROWS, WIDTH, 1)
    into, back = fixed(numpy.sin, WIDTH, HIDDEN, 0.1), fixed(numpy.cos, HIDDEN, WIDTH, 0.1)
    weights, shares, upward, gradient = (numpy.zeros((ROWS, HIDDEN), numpy.float32) for _ in range(4))
    out, top = numpy.zeros((ROWS, WIDTH), numpy.float32), numpy.zeros((ROWS, 1), numpy.float32)

    def unit():
        for _ in range(LAYERS):
            wide = x @ into
            numpy.maximum(wide, 0, out=wide)
            square = wide * wide
            numpy.max(square, axis=1, keepdims=True, out=top)
            numpy.exp(numpy.subtract(square, top, out=weights), out=weights)
            numpy.sum(weights, axis=1, keepdims=True, out=top)
            numpy.divide(weights, top, out=shares)
            numpy.matmul(shares, back, out=out)
            numpy.matmul(out, back.T, out=upward)
            numpy.multiply(upward, wide, out=gradient)
            x.T @ gradient, out.T @ wide  # noqa: B018 the gradients of both weights; only their cost is wanted

    return unit


def sample(unit):
    """Mean CPU seconds of a unit, not the least: what disturbs a core for a moment disturbs the recipe as well."""
    start = time.thread_time_ns()
    for _ in range(SAMPLES):
        unit()
    return (time.thread_time_ns() - start) / SAMPLES / 1e9


def serve():
    unit = build()
    for _ in range(5):
        unit()
    while os.read(0, 1):
        os.write(1, b'%.9f\n' % sample(unit))


if __name__ == '__main__':
    sys.exit(serve())
