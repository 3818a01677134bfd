# hypothesis: looking one step ahead along the momentum corrects it sooner, which matters when there are few steps
# file: optimizer.py
# source: Dozat, Incorporating Nesterov Momentum into Adam (2016)
# excludes: ademamix, cautious-update, lion


class Adam:
    def move(self, gradients: list[Tensor], rate: float) -> None:
        scales = torch._foreach_div(self.second, 1 - BETA2 ** self.count)
        torch._foreach_sqrt_(scales)
        torch._foreach_add_(scales, EPSILON)
        ahead = torch._foreach_mul(self.first, BETA1 / (1 - BETA1 ** (self.count + 1)))
        torch._foreach_add_(ahead, gradients, alpha=(1 - BETA1) / (1 - BETA1 ** self.count))
        torch._foreach_addcdiv_(self.weights, ahead, scales, -rate)
