# hypothesis: slow weights that follow the fast ones half-way every few steps average their noise away, so that a shorter training ends as well
# file: optimizer.py
# source: Zhang et al., Lookahead Optimizer: k steps forward, 1 step back (2019); used by Keller Jordan's airbench (2024)
# excludes: ema
LOOKAHEAD_STEPS = 5
LOOKAHEAD_PULL = 0.5


class Average:
    def __init__(self, net: nn.Module):
        self.weights = [weight for weight in net.parameters() if weight.requires_grad]
        self.slow = [weight.detach().clone() for weight in self.weights]
        self.count = 0

    def observe(self, progress: float) -> None:
        self.count += 1
        if self.count % LOOKAHEAD_STEPS == 0 and progress < 0.95:  # the last steps are small already, and are kept
            torch._foreach_lerp_(self.slow, self.weights, LOOKAHEAD_PULL)
            torch._foreach_copy_(self.weights, self.slow)
