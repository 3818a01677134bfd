# hypothesis: the language from all speeches first, and the newest ones while the last steps are made, keeps the good of both
# file: data.py
# source: Dubey et al., The Llama 3 Herd of Models (2024), its annealing on the best data
# excludes: recent-era, sliding-era, without-replacement
ANNEAL_FROM = 0.4  # of the budget
ANNEAL_SHARE = 0.25  # of the bytes, the newest ones


class Loader:
    def choose(self, rows: int, progress: float) -> Tensor:
        newest = self.documents[:, 1] > len(self.bytes) * (1 - ANNEAL_SHARE)
        weights = self.weights * newest if progress >= ANNEAL_FROM else self.weights
        return self.documents[torch.multinomial(weights, rows, replacement=True, generator=self.draws)]
