# hypothesis: decay only where the gradient shrinks the weight too leaves alone what is still being learnt
# file: optimizer.py
# source: Chen et al., Cautious Weight Decay (2025)
DECAY_BOOST = 2.0  # where it is let through


def shrink(weights: list[Tensor], amount: float) -> None:
    if amount:
        for weight in weights:
            weight.sub_(weight * (weight * weight.grad > 0), alpha=amount * DECAY_BOOST)
