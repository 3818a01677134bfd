# hypothesis: a second, far slower momentum remembers gradients that the usual one forgets within ten steps
# file: optimizer.py
# source: Pagliardini et al., The AdEMAMix Optimizer: Better, Faster, Older (2024)
# excludes: cautious-update, nesterov, lion
OLD_BETA = 0.99
OLD_SHARE = 2.0  # of the slow momentum, once it has formed


class Adam:
    def __init__(self, group: dict):
        self.weights = group["weights"]
        self.first, self.second, self.old = ([torch.zeros_like(weight) for weight in self.weights] for _ in range(3))
        self.count = 0

    def move(self, gradients: list[Tensor], rate: float) -> None:
        torch._foreach_lerp_(self.old, gradients, 1 - OLD_BETA)
        formed = 1 - OLD_BETA ** self.count
        scales = torch._foreach_div(self.second, 1 - BETA2 ** self.count)
        torch._foreach_sqrt_(scales)
        torch._foreach_add_(scales, EPSILON)
        torch._foreach_addcdiv_(self.weights, self.first, scales, -rate / (1 - BETA1 ** self.count))
        torch._foreach_addcdiv_(self.weights, self.old, scales, -rate * OLD_SHARE * formed)
