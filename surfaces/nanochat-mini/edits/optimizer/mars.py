# hypothesis: adding how the gradient has changed since the last step takes out noise that momentum only smears
# file: optimizer.py
# source: Yuan et al., MARS: Unleashing the Power of Variance Reduction for Training Large Models (2024)
# excludes: lion
MARS_SHARE = 0.025


class Adam:
    def step(self, rate: float, decay: float) -> None:
        self.count += 1
        gradients = [weight.grad.clone() for weight in self.weights]
        before = getattr(self, "before", gradients)
        corrected = torch._foreach_add(gradients, torch._foreach_sub(gradients, before), alpha=MARS_SHARE * BETA1 / (1 - BETA1))
        self.before = gradients
        torch._foreach_lerp_(self.first, corrected, 1 - BETA1)
        torch._foreach_mul_(self.second, BETA2)
        torch._foreach_addcmul_(self.second, corrected, corrected, 1 - BETA2)
        shrink(self.weights, rate * decay)
        self.move(corrected, rate)
