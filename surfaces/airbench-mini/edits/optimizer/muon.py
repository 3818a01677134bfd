# hypothesis: a momentum step whose filters are made orthogonal moves every direction equally, so that far fewer epochs reach the same accuracy
# file: optimizer.py
# source: Keller Jordan et al., Muon: an optimizer for hidden layers in neural networks (2024)
# excludes: adam, gradient-centralisation
MUON_RATE = 0.05
MUON_MOMENTUM = 0.6
NEWTON_STEPS = 3


def orthogonalise(matrix: Tensor) -> Tensor:
    """The nearest semi-orthogonal matrix, roughly, by Newton-Schulz."""
    x = matrix / (matrix.norm() + 1e-7)
    tall = x.size(0) > x.size(1)
    x = x.mT if tall else x
    for _ in range(NEWTON_STEPS):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.mT if tall else x


def step_group(group: dict) -> None:
    gradients = [weight.grad for weight in group["weights"]]
    if "momenta" not in group:
        group["momenta"] = [torch.zeros_like(weight) for weight in group["weights"]]
    momentum = MUON_MOMENTUM if group["kind"] == "matrix" else MOMENTUM
    torch._foreach_mul_(group["momenta"], momentum)
    torch._foreach_add_(group["momenta"], gradients)
    torch._foreach_add_(gradients, group["momenta"], alpha=momentum)
    if group["kind"] == "vector":
        torch._foreach_add_(group["weights"], gradients, alpha=-group["rate"])
        return
    for weight, gradient in zip(group["weights"], gradients):
        step = orthogonalise(gradient.flatten(1)).view_as(weight)
        weight.mul_(weight.size(0) ** 0.5 / (weight.norm() + 1e-7))
        weight.sub_(step, alpha=group["rate"] / LEARNING_RATE * MUON_RATE * weight.size(0) ** 0.5 / step.norm().clamp(min=1e-7))
