# hypothesis: a gradient with its mean taken out of every row is better conditioned
# file: optimizer.py
# source: Yong et al., Gradient Centralization (2020)
# excludes: adaptive-clipping


def clip_gradients(gradients: list[Tensor]) -> None:
    for gradient in gradients:
        if gradient.ndim == 2:
            gradient.sub_(gradient.mean(1, keepdim=True))
    norm = torch.stack(torch._foreach_norm(gradients)).norm()
    torch._foreach_mul_(gradients, (CLIP_NORM / (norm + 1e-6)).clamp(max=1.0))
