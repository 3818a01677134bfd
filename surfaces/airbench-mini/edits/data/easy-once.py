# hypothesis: images near the mean of their digit are learnt in one epoch; leaving half of them out of the later ones saves their time
# file: data.py
# source: Sorscher et al., Beyond Neural Scaling Laws: Beating Power Law Scaling via Data Pruning (2022)
# excludes: growing-images, settling-shift, batch-ramp, balanced-batches
KEPT = 0.7  # of every later epoch


class Sampler:
    def order(self, progress: float) -> Tensor:
        order = torch.randperm(len(self.inputs), generator=self.generator)
        if progress == 0:
            return order
        if not hasattr(self, "near"):
            flat = self.inputs.flatten(1)
            means = torch.zeros(10, flat.size(1)).index_add_(0, self.labels, flat) / torch.bincount(self.labels, minlength=10).clamp(min=1)[:, None]
            distance = (flat - means[self.labels]).norm(dim=1)
            self.near = distance < distance.median()
        dropped = 2 * (1 - KEPT)
        return order[~self.near[order] | (torch.rand(len(order), generator=self.generator) > dropped)]
