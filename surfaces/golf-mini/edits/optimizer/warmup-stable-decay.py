# hypothesis: a full rate for most of the budget and then a short fall to nothing keeps the speed of a constant rate and loses its noise
# file: optimizer.py
# source: Hu et al., MiniCPM (2024); Haegele et al., Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations (2024)
DECAY_FRACTION = 0.3
DECAY_POWER = 1.0


def schedule(progress: float) -> float:
    left = max(0.0, 1 - progress) / DECAY_FRACTION
    return min(1.0, left) ** DECAY_POWER
