# hypothesis: a momentum that points against the present gradient undoes what was learnt: leaving such moves out speeds every step up
# file: optimizer.py
# source: Liang et al., Cautious Optimizers: Improving Training with One Line of Code (2024)
# excludes: ademamix, nesterov, lion
CAUTION_FLOOR = 0.1  # of moves let through, below which the rest grow no more


class Adam:
    def move(self, gradients: list[Tensor], rate: float) -> None:
        for weight, gradient, first, second in zip(self.weights, gradients, self.first, self.second):
            agrees = (first * gradient > 0).to(weight.dtype)
            step = first / ((second / (1 - BETA2 ** self.count)).sqrt() + EPSILON) * agrees
            weight.sub_(step / agrees.mean().clamp(min=CAUTION_FLOOR), alpha=rate / (1 - BETA1 ** self.count))
