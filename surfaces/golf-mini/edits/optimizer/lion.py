# hypothesis: steps of the momentum's sign have one size for every weight, which suits few and noisy steps, and cost less than Adam's
# file: optimizer.py
# source: Chen et al., Symbolic Discovery of Optimization Algorithms (2023)
# excludes: muon, soap, schedule-free
LION_SCALE = 0.3  # its rate, as a multiple of Adam's
LION_BETA1 = 0.9
LION_BETA2 = 0.99


def lion_step(group: dict) -> None:
    gradients = [weight.grad for weight in group["weights"]]
    momenta = group.setdefault("momenta", zeros_like(gradients))
    steps = torch._foreach_lerp(momenta, gradients, 1 - LION_BETA1)
    torch._foreach_sign_(steps)
    torch._foreach_add_(group["weights"], steps, alpha=-group["rate"] * LION_SCALE)
    torch._foreach_lerp_(momenta, gradients, 1 - LION_BETA2)


class Rule:
    def step(self) -> None:
        for group in self.groups:
            lion_step(group)
