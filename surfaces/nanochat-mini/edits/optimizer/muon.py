# hypothesis: momentum made orthogonal moves every direction of a matrix alike, and reaches in ten seconds what Adam would need far more steps for
# file: optimizer.py
# source: Keller Jordan et al., Muon: an optimizer for hidden layers in neural networks (2024)
# excludes: soap, lion
MUON_RATE = 0.02
MUON_MOMENTUM = 0.95
MUON_ROUNDS = 5


def orthogonalise(batch: Tensor) -> Tensor:
    """Roughly the nearest matrix with equal singular values, for a batch of wide ones: a quintic Newton-Schulz iteration."""
    x = batch / batch.flatten(1).norm(dim=1).clamp(min=1e-7).view(-1, 1, 1)
    for _ in range(MUON_ROUNDS):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=-4.7750, alpha=2.0315), x, beta=3.4445)
    return x


class Muon:
    """For matrices; those of one shape, or its transpose, are turned together."""

    def __init__(self, group: dict):
        self.weights, self.slow = group["weights"], {}
        self.sizes = sorted({tuple(sorted(weight.shape)) for weight in self.weights})

    def step(self, rate: float, decay: float) -> None:
        shrink(self.weights, rate * decay)
        for size in self.sizes:
            mine = [weight for weight in self.weights if tuple(sorted(weight.shape)) == size]
            wide = [tuple(weight.shape) == size for weight in mine]
            now = torch.stack([weight.grad if flat else weight.grad.T for weight, flat in zip(mine, wide)])
            slow = self.slow.setdefault(size, torch.zeros_like(now)).lerp_(now, 1 - MUON_MOMENTUM)
            for weight, flat, turned in zip(mine, wide, orthogonalise(now.lerp(slow, MUON_MOMENTUM))):
                weight.add_(turned if flat else turned.T, alpha=-rate / RATE * MUON_RATE * max(1.0, weight.size(0) / weight.size(1)) ** 0.5)


def choose_rule(group: dict):
    return Muon(group) if group["kind"] == "matrix" else Adam(group)
