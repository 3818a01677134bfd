# hypothesis: averaging inside the rule gives what a decaying rate gives, at a constant rate and whenever the clock stops
# file: optimizer.py
# source: Defazio et al., The Road Less Scheduled (2024)
# excludes: muon, lion, soap, ema, lookahead, cautious-decay
SCHEDULE_FREE_SCALE = 3.0  # its rate, as a multiple of Adam's: an average lags, so what it follows must run ahead
SCHEDULE_FREE_BETA = 0.9  # how near the weights are to the average, of the way from the fast iterate


class Rule:
    def __init__(self, groups: list[dict]):
        self.groups, self.count, self.mass = groups, 0, 0.0
        for group in groups:
            group["fast"], group["mean"] = ([weight.detach().clone() for weight in group["weights"]] for _ in range(2))
            group["second"] = zeros_like(group["weights"])

    def step(self) -> None:
        self.count += 1
        share = max(group["rate"] for group in self.groups) ** 2
        self.mass += share
        for group in self.groups:
            gradients = [weight.grad for weight in group["weights"]]
            torch._foreach_mul_(group["second"], BETA2)
            torch._foreach_addcmul_(group["second"], gradients, gradients, 1 - BETA2)
            scale = torch._foreach_div(group["second"], 1 - BETA2 ** self.count)
            torch._foreach_sqrt_(scale)
            torch._foreach_add_(scale, EPSILON)
            torch._foreach_addcdiv_(group["fast"], gradients, scale, -group["rate"] * SCHEDULE_FREE_SCALE)
            torch._foreach_lerp_(group["mean"], group["fast"], share / self.mass)
            torch._foreach_copy_(group["weights"], torch._foreach_lerp(group["fast"], group["mean"], SCHEDULE_FREE_BETA))


def decay_weights(group: dict) -> None:
    torch._foreach_add_(group["fast"], group["weights"], alpha=-group["rate"] * group["decay"])


class Updater:
    @torch.no_grad()
    def finish(self) -> None:
        for group in self.rule.groups:
            torch._foreach_copy_(group["weights"], group["mean"])
