# hypothesis: a running average of the last weights is as accurate as a rate that falls to nothing, and can be stopped earlier
# file: optimizer.py
# source: Polyak and Juditsky (1992); Izmailov et al., Averaging Weights Leads to Wider Optima (2018)
# excludes: lookahead
EMA_SPAN = 0.1  # of the training so far, that the average reaches back


class Average:
    def __init__(self, net: nn.Module):
        self.weights = [weight for weight in net.parameters() if weight.requires_grad]
        self.mean = [weight.detach().clone() for weight in self.weights]
        self.count = 0

    def observe(self, progress: float) -> None:
        self.count += 1
        torch._foreach_lerp_(self.mean, self.weights, 1 / (EMA_SPAN * self.count + 1))

    def install(self) -> None:
        torch._foreach_copy_(self.weights, self.mean)
