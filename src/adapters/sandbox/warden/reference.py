"""The evaluator's frozen reference: a fixed piece of work whose cost says how fast this core is right now.

A byte on standard input asks for one measurement; the answer is one line, the CPU seconds that one unit of work took.
The work is a small training step in shape: two matrix products with a pointwise square between them, a softmax, an update.
Arrays fit the second-level cache as those of a small model do. Single thread, no randomness, nothing allocated while measured.

NOMINAL_SECONDS fixes the unit. A calibrated second is 1 / NOMINAL_SECONDS units of this work, whatever machine does it: about
one CPU second of the quiet machine on which it was set. It is a constant of this file, not measured at start, because a machine
that is busy when it starts would otherwise hand out longer seconds than one that is not. Change the work or the constant and every
score ever measured is void; the evaluator's hash covers this file, so such scores are never mixed.
"""
import os
import sys
import time

NOMINAL_SECONDS = 0.0033
SAMPLES = 3  # the first after a thaw finds the caches full of the recipe's data; the median does not see it


def build():
    """Returns the unit of work as a function of nothing."""
    import numpy

    rows, width, hidden = 256, 64, 256
    ramp = numpy.arange(rows * hidden, dtype=numpy.float32)
    x = numpy.cos(ramp[: rows * width]).reshape(rows, width)
    first = numpy.sin(ramp[: width * hidden]).reshape(width, hidden) * numpy.float32(0.1)
    second = numpy.cos(ramp[: hidden * width] * numpy.float32(0.7)).reshape(hidden, width) * numpy.float32(0.1)
    inner = numpy.empty((rows, hidden), numpy.float32)
    outer = numpy.empty((rows, width), numpy.float32)
    top = numpy.empty((rows, 1), numpy.float32)

    def unit():
        for _ in range(12):
            numpy.matmul(x, first, out=inner)
            numpy.maximum(inner, 0, out=inner)
            numpy.multiply(inner, inner, out=inner)
            numpy.max(inner, axis=1, keepdims=True, out=top)
            numpy.subtract(inner, top, out=inner)
            numpy.exp(inner, out=inner)
            numpy.sum(inner, axis=1, keepdims=True, out=top)
            numpy.divide(inner, top, out=inner)
            numpy.matmul(inner, second, out=outer)
            numpy.multiply(outer, numpy.float32(0.5), out=outer)

    return unit


def sample(unit):
    """Median CPU seconds of a few units."""
    costs = []
    for _ in range(SAMPLES):
        start = time.thread_time_ns()
        unit()
        costs.append(time.thread_time_ns() - start)
    return sorted(costs)[len(costs) // 2] / 1e9


def serve():
    unit = build()
    for _ in range(5):
        unit()
    while os.read(0, 1):
        os.write(1, b'%.9f\n' % sample(unit))


if __name__ == '__main__':
    sys.exit(serve())
