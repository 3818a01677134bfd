# hypothesis: learning the language from everything first and the present from the newest speeches last gets the good of both
# file: data.py
# source: Hu et al., MiniCPM (2024); Dubey et al., The Llama 3 Herd of Models (2024), their annealing on the best data
# excludes: recent-era
ANNEAL_FROM = 0.5  # of the budget
ANNEAL_FRACTION = 0.25  # of the bytes, counted from the end


class Sampler:
    def batch(self, progress: float) -> tuple[Tensor, Tensor, Tensor | None]:
        if progress >= ANNEAL_FROM:
            self.weights = self.weights * (self.bounds[:, 1] > len(self.bytes) * (1 - ANNEAL_FRACTION))
        rows, context = shape_batch(progress)
        places = self.starts(rows, context)[:, None] + torch.arange(context + 1)
        taken = self.bytes[places.clamp(max=len(self.bytes) - 1)]
        inputs, targets = taken[:, :-1], taken[:, 1:]
        return corrupt(inputs, progress), targets, weigh_targets(inputs)
