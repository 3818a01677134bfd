# hypothesis: an orthogonalised momentum step moves every direction of a matrix equally, so that ten seconds of steps go further than Adam's
# file: optimizer.py
# source: Keller Jordan et al., Muon: an optimizer for hidden layers in neural networks (2024)
# excludes: lion, soap, schedule-free
MUON_RATE = 0.02
MUON_MOMENTUM = 0.95
NEWTON_STEPS = 5


def orthogonalise(stack: Tensor) -> Tensor:
    """Nearest semi-orthogonal matrices of a stack of wide ones, roughly, by Newton-Schulz."""
    x = stack / (stack.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(NEWTON_STEPS):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x


def muon_step(group: dict) -> None:
    """One step of Muon for all matrices of one shape at once; tall ones are turned on their side."""
    shapes = {}
    for weight in group["weights"]:
        shapes.setdefault(tuple(sorted(weight.shape)), []).append(weight)
    momenta = group.setdefault("momenta", {shape: torch.zeros(len(shapes[shape]), *shape) for shape in shapes})
    for shape, weights in shapes.items():
        gradients = torch.stack([w.grad if w.size(0) == shape[0] else w.grad.T for w in weights])
        momenta[shape].lerp_(gradients, 1 - MUON_MOMENTUM)
        steps = orthogonalise(gradients.lerp(momenta[shape], MUON_MOMENTUM))
        for weight, step in zip(weights, steps):
            tall = max(1.0, weight.size(0) / weight.size(1)) ** 0.5
            weight.add_(step if weight.size(0) == shape[0] else step.T, alpha=-group["rate"] * tall)


class Rule:
    def __init__(self, groups: list[dict]):
        for group in groups:
            if group["kind"] == "matrix":
                group.update(base=MUON_RATE, decay=group["decay"] * LEARNING_RATE / MUON_RATE)  # as much decay a step as before
        self.groups = groups
        self.count = 0

    def step(self) -> None:
        self.count += 1
        for group in self.groups:
            if group["kind"] == "matrix":
                muon_step(group)
            else:
                adam_step(group, self.count)
