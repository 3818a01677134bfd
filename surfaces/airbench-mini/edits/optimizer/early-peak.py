# hypothesis: a rate that peaks a tenth of the way and falls past its end to a small rest leaves more steps for settling, as short trainings want
# file: optimizer.py
# source: Smith, Super-Convergence (2018); the triangular schedule of Keller Jordan's airbench (2024)
PEAK_AT = 0.1
START_RATE = 0.2
END_RATE = 0.05


def schedule(progress: float) -> float:
    if progress < PEAK_AT:
        return START_RATE + (1 - START_RATE) * progress / PEAK_AT
    return END_RATE + (1 - END_RATE) * (1 - progress) / (1 - PEAK_AT)
