# hypothesis: decay helps where the gradient shrinks the weight too, and hurts where it pulls the other way
# file: optimizer.py
# source: Liang et al., Cautious Optimizers (2024); Chen et al., Cautious Weight Decay (2025)
# excludes: schedule-free
CAUTIOUS_SCALE = 2.0  # of the decay, where it is let through


def decay_weights(group: dict) -> None:
    for weight in group["weights"]:
        agrees = weight * weight.grad > 0
        weight.sub_(weight * agrees, alpha=group["rate"] * group["decay"] * CAUTIOUS_SCALE)
