# hypothesis: each row's gradient held to a fraction of that row's own size restrains the few rows that jump, without slowing the others
# file: optimizer.py
# source: Brock et al., High-Performance Large-Scale Image Recognition Without Normalization (2021)
ROW_RATIO = 0.05


def clip(weights: list[Tensor]) -> None:
    for weight in weights:
        if weight.ndim == 2:
            most = weight.norm(dim=1, keepdim=True).clamp(min=1e-2) * ROW_RATIO
            weight.grad.mul_((most / weight.grad.norm(dim=1, keepdim=True).clamp(min=1e-9)).clamp(max=1.0))
