# hypothesis: slow weights that follow the fast ones half-way every few steps average their noise away and allow a higher rate
# file: optimizer.py
# source: Zhang et al., Lookahead Optimizer: k steps forward, 1 step back (2019)
# excludes: ema, schedule-free
LOOKAHEAD_STEPS = 6
LOOKAHEAD_PULL = 0.5


class Average:
    def __init__(self, weights: list[Tensor]):
        self.weights = weights
        self.slow = [weight.detach().clone() for weight in weights]
        self.count = 0

    def observe(self, progress: float) -> None:
        self.count += 1
        if self.count % LOOKAHEAD_STEPS == 0:
            torch._foreach_lerp_(self.slow, self.weights, LOOKAHEAD_PULL)
            torch._foreach_copy_(self.weights, self.slow)

    def install(self) -> None:
        torch._foreach_copy_(self.weights, self.slow)
