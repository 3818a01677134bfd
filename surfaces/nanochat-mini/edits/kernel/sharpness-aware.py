# hypothesis: a gradient taken where the loss is worst nearby leads to flat minima, which may be worth making half as many steps
# file: kernel.py
# source: Foret et al., Sharpness-Aware Minimization for Efficiently Improving Generalization (2021)
# excludes: ngram-mixture
NEARBY = 0.02  # how far is nearby
SHARP_FROM = 0.7  # of the budget; before that a step is a plain one


class Engine:
    def backward(self, loader, progress: float) -> None:
        batches = [loader.batch(progress) for _ in range(MICRO_BATCHES)]
        for batch in batches:
            (self.loss(*batch) / MICRO_BATCHES).backward()
        if progress < SHARP_FROM:
            return
        weights = list(self.net.parameters())
        with torch.no_grad():
            length = torch.stack(torch._foreach_norm([weight.grad for weight in weights])).norm().clamp(min=1e-9)
            away = torch._foreach_mul([weight.grad for weight in weights], NEARBY / length)
            torch._foreach_add_(weights, away)
        for weight in weights:
            weight.grad = None
        for batch in batches:
            (self.loss(*batch) / MICRO_BATCHES).backward()
        with torch.no_grad():
            torch._foreach_sub_(weights, away)
