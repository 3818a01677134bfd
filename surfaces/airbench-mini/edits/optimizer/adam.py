# hypothesis: a step of its own size for every weight starts faster than one rate for all, which is what a training of a few hundred steps needs
# file: optimizer.py
# source: Kingma and Ba, Adam (2014); Loshchilov and Hutter, Decoupled Weight Decay (2017)
# excludes: muon, gradient-centralisation
ADAM_RATE = 0.006
ADAM_BETA1 = 0.85
ADAM_BETA2 = 0.98


def step_group(group: dict) -> None:
    weights, gradients = group["weights"], [weight.grad for weight in group["weights"]]
    if "first" not in group:
        group["first"], group["second"], group["count"] = [torch.zeros_like(w) for w in weights], [torch.zeros_like(w) for w in weights], 0
    group["count"] += 1
    rate = group["rate"] / LEARNING_RATE * ADAM_RATE
    torch._foreach_lerp_(group["first"], gradients, 1 - ADAM_BETA1)
    torch._foreach_mul_(group["second"], ADAM_BETA2)
    torch._foreach_addcmul_(group["second"], gradients, gradients, 1 - ADAM_BETA2)
    scale = torch._foreach_div(group["second"], 1 - ADAM_BETA2 ** group["count"])
    torch._foreach_sqrt_(scale)
    torch._foreach_add_(scale, 1e-8)
    torch._foreach_mul_(weights, 1 - rate * group["decay"] * 10)
    torch._foreach_addcdiv_(weights, group["first"], scale, -rate / (1 - ADAM_BETA1 ** group["count"]))
