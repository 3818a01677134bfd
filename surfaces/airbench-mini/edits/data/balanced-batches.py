# hypothesis: batches with as many of every digit have gradients and averages that vary less, and bear a higher rate
# file: data.py
# source: Buda et al., A Systematic Study of the Class Imbalance Problem (2018)
# excludes: easy-once
class Sampler:
    def order(self, progress: float) -> Tensor:
        order = torch.randperm(len(self.inputs), generator=self.generator)
        labels = self.labels[order]
        grouped = order[labels.argsort(stable=True)]
        counts = torch.bincount(labels, minlength=10)
        within = torch.arange(len(order)) - torch.repeat_interleave(counts.cumsum(0) - counts, counts)
        share = (within + 0.5) / torch.repeat_interleave(counts, counts)
        return grouped[share.argsort(stable=True)]
