# hypothesis: steps by the sign of a momentum give rare bytes' rows moves as long as common ones', for less arithmetic than Adam
# file: optimizer.py
# source: Chen et al., Symbolic Discovery of Optimization Algorithms (2023)
# excludes: muon, soap, ademamix, cautious-update, nesterov, mars
LION_SHARE = 0.25  # of the rate that Adam has
LION_NEAR = 0.9
LION_FAR = 0.98


class Lion:
    def __init__(self, group: dict):
        self.weights = group["weights"]
        self.trend = [torch.zeros_like(weight) for weight in self.weights]

    def step(self, rate: float, decay: float) -> None:
        shrink(self.weights, rate * decay)
        gradients = [weight.grad for weight in self.weights]
        signs = torch._foreach_sign(torch._foreach_lerp(gradients, self.trend, LION_NEAR))
        torch._foreach_add_(self.weights, signs, alpha=-rate * LION_SHARE)
        torch._foreach_lerp_(self.trend, gradients, 1 - LION_FAR)


def choose_rule(group: dict):
    return Lion(group)
