# hypothesis: a running mean of recent weights sits nearer the bottom than the last ones, which a constant rate keeps shaking
# file: optimizer.py
# source: Morales-Brotons et al., Exponential Moving Average of Weights in Deep Learning (2024)
# excludes: tail-average
EMA_REACH = 0.08  # how far back, as a fraction of the steps so far


class Keeper:
    def __init__(self, weights: list[Tensor]):
        self.weights, self.steps = weights, 0
        self.mean = [weight.detach().clone() for weight in weights]

    def watch(self, progress: float) -> None:
        self.steps += 1
        torch._foreach_lerp_(self.mean, self.weights, 1 / max(1.0, EMA_REACH * self.steps))

    def install(self) -> None:
        torch._foreach_copy_(self.weights, self.mean)
