# hypothesis: the full rate for most of the time and a short fall to nothing keeps a constant rate's speed and sheds its noise at the end
# file: optimizer.py
# source: Hu et al., MiniCPM: Unveiling the Potential of Small Language Models (2024)
FALL_FRACTION = 0.4
FALL_POWER = 1.0


def rate_at(progress: float) -> float:
    return min(1.0, max(0.0, 1 - progress) / FALL_FRACTION) ** FALL_POWER
