# hypothesis: a rate that falls linearly to zero ends with less jitter than a constant one
# file: optimizer.py
# source: Robbins and Monro 1951
def rate_at(step, steps):
    return 2 * RATE * (1 - step / steps)
