# hypothesis: a gradient with the mean of every filter taken out is better conditioned, and costs next to nothing to make
# file: optimizer.py
# source: Yong et al., Gradient Centralization (2020)
# excludes: muon, adam
def step_group(group: dict) -> None:
    gradients = [weight.grad for weight in group["weights"]]
    if group["kind"] == "matrix":
        for gradient in gradients:
            if gradient.ndim == 4 and gradient.size(1) > 1:
                gradient.sub_(gradient.mean((1, 2, 3), keepdim=True))
    if group["decay"]:
        torch._foreach_add_(gradients, group["weights"], alpha=group["decay"])
    if "momenta" not in group:
        group["momenta"] = [torch.zeros_like(weight) for weight in group["weights"]]
    torch._foreach_mul_(group["momenta"], MOMENTUM)
    torch._foreach_add_(group["momenta"], gradients)
    torch._foreach_add_(gradients, group["momenta"], alpha=MOMENTUM)
    torch._foreach_add_(group["weights"], gradients, alpha=-group["rate"])
