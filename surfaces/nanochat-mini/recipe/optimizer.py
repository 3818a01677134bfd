"""How gradients become weights: groups, AdamW, rates, clipping, averaging."""
import math
from typing import Literal

import torch
from torch import Tensor, nn

RATE = 3e-3
EMBEDDING_RATE = 3e-3
HEAD_RATE = 3e-3
VECTOR_RATE = 3e-3  # of gains, biases and all that is no matrix
BETA1 = 0.9
BETA2 = 0.95
EPSILON = 1e-10
DECAY = 0.1  # of matrices only
CLIP_NORM = 1.0
WARMUP = 0.02  # fraction of the budget
SHAPE: Literal["constant", "linear", "cosine"] = "constant"
LAST_RATE = 0.1  # where a falling rate ends, as a multiple


def group_weights(net: nn.Module) -> list[dict]:
    """Weights of one kind together, with their rate and decay."""
    kinds: dict[str, list[Tensor]] = {}
    for name, weight in net.named_parameters():
        kind = "vector" if weight.ndim < 2 else name.split(".")[0] if name.startswith(("embedding.", "head.")) else "matrix"
        kinds.setdefault(kind, []).append(weight)
    rates = {"matrix": RATE, "embedding": EMBEDDING_RATE, "head": HEAD_RATE, "vector": VECTOR_RATE}
    return [{"kind": kind, "weights": weights, "rate": rates[kind], "decay": DECAY if kind == "matrix" else 0.0} for kind, weights in kinds.items()]


def shrink(weights: list[Tensor], amount: float) -> None:
    """Decoupled weight decay."""
    if amount:
        torch._foreach_mul_(weights, 1 - amount)


class Adam:
    """Adam for one group. It is not torch.optim's, whose first use loads a compiler for most of a second."""

    def __init__(self, group: dict):
        self.weights = group["weights"]
        self.first = [torch.zeros_like(weight) for weight in self.weights]
        self.second = [torch.zeros_like(weight) for weight in self.weights]
        self.count = 0

    def step(self, rate: float, decay: float) -> None:
        self.count += 1
        gradients = [weight.grad for weight in self.weights]
        torch._foreach_lerp_(self.first, gradients, 1 - BETA1)
        torch._foreach_mul_(self.second, BETA2)
        torch._foreach_addcmul_(self.second, gradients, gradients, 1 - BETA2)
        shrink(self.weights, rate * decay)
        self.move(gradients, rate)

    def move(self, gradients: list[Tensor], rate: float) -> None:
        scales = torch._foreach_div(self.second, 1 - BETA2 ** self.count)
        torch._foreach_sqrt_(scales)
        torch._foreach_add_(scales, EPSILON)
        torch._foreach_addcdiv_(self.weights, self.first, scales, -rate / (1 - BETA1 ** self.count))


def choose_rule(group: dict):
    """What moves a group."""
    return Adam(group)


def rate_at(progress: float) -> float:
    """Multiple of every rate, by the fraction of the budget spent."""
    if SHAPE == "linear":
        return 1 + (LAST_RATE - 1) * progress
    if SHAPE == "cosine":
        return LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * progress)) / 2
    return 1.0


def warm_up(progress: float) -> float:
    return min(1.0, (progress + 1e-3) / WARMUP) if WARMUP else 1.0


def clip(weights: list[Tensor]) -> None:
    """Shortens a gradient that is longer than CLIP_NORM as a whole."""
    gradients = [weight.grad for weight in weights]
    length = torch.stack(torch._foreach_norm(gradients)).norm()
    torch._foreach_mul_(gradients, (CLIP_NORM / (length + 1e-6)).clamp(max=1.0))


class Keeper:
    """Which weights are kept: the last ones."""

    def __init__(self, weights: list[Tensor]):
        self.weights = weights

    def watch(self, progress: float) -> None:
        """Called after every step."""

    def install(self) -> None:
        """Called once, before the weights are saved."""


class Optimizer:
    def __init__(self, net: nn.Module):
        self.weights = list(net.parameters())
        self.groups = group_weights(net)
        self.rules = [choose_rule(group) for group in self.groups]
        self.keeper = Keeper(self.weights)

    @torch.no_grad()
    def step(self, progress: float) -> None:
        clip(self.weights)
        pace = warm_up(progress) * rate_at(progress)
        for group, rule in zip(self.groups, self.rules):
            rule.step(group["rate"] * pace, group["decay"])
        for weight in self.weights:
            weight.grad = None
        self.keeper.watch(progress)

    @torch.no_grad()
    def finish(self) -> None:
        self.keeper.install()
