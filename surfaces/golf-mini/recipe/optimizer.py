"""How gradients become weights: groups, update rule, schedule, clipping, averaging."""
import math
from typing import Literal

import torch
from torch import Tensor, nn

LEARNING_RATE = 3e-3
EMBEDDING_SCALE = 1.0  # the embedding's and the head's learning rate, as a multiple
VECTOR_SCALE = 1.0  # the same for gains and biases
WEIGHT_DECAY = 0.1
BETA1 = 0.9
BETA2 = 0.95
EPSILON = 1e-8
CLIP_NORM = 1.0
WARMUP = 0.02  # fraction of the budget
SCHEDULE: Literal["constant", "linear", "cosine"] = "constant"
FINAL_RATE = 0.1  # where a falling schedule ends, as a multiple


def make_groups(net: nn.Module) -> list[dict]:
    """Matrices, embeddings and vectors, each with its own rate and decay."""
    kinds = {"matrix": [], "embedding": [], "vector": []}
    for name, weight in net.named_parameters():
        outer = name.startswith(("embedding.", "head."))
        kinds["vector" if weight.ndim < 2 else "embedding" if outer else "matrix"].append(weight)
    scale = {"matrix": 1.0, "embedding": EMBEDDING_SCALE, "vector": VECTOR_SCALE}
    decay = {"matrix": WEIGHT_DECAY, "embedding": 0.0, "vector": 0.0}
    return [{"kind": kind, "weights": weights, "base": LEARNING_RATE * scale[kind], "decay": decay[kind]}
            for kind, weights in kinds.items() if weights]


def zeros_like(weights: list[Tensor]) -> list[Tensor]:
    return [torch.zeros_like(weight) for weight in weights]


def adam_step(group: dict, count: int) -> None:
    """One step of Adam, the `count`-th, for one group; its moments live in the group."""
    gradients = [weight.grad for weight in group["weights"]]
    first = group.setdefault("first", zeros_like(gradients))
    second = group.setdefault("second", zeros_like(gradients))
    torch._foreach_lerp_(first, gradients, 1 - BETA1)
    torch._foreach_mul_(second, BETA2)
    torch._foreach_addcmul_(second, gradients, gradients, 1 - BETA2)
    scale = torch._foreach_div(second, 1 - BETA2 ** count)
    torch._foreach_sqrt_(scale)
    torch._foreach_add_(scale, EPSILON)
    torch._foreach_addcdiv_(group["weights"], first, scale, -group["rate"] / (1 - BETA1 ** count))


class Rule:
    """The update rule: Adam. It is not torch.optim's, whose first use loads a compiler for most of a second."""

    def __init__(self, groups: list[dict]):
        self.groups = groups
        self.count = 0

    def step(self) -> None:
        self.count += 1
        for group in self.groups:
            adam_step(group, self.count)


def schedule(progress: float) -> float:
    """Multiple of the learning rate after the warm-up, by the fraction of the budget spent."""
    if SCHEDULE == "linear":
        return 1 + (FINAL_RATE - 1) * progress
    if SCHEDULE == "cosine":
        return FINAL_RATE + (1 - FINAL_RATE) * (1 + math.cos(math.pi * progress)) / 2
    return 1.0


def warm_up(progress: float) -> float:
    return min(1.0, (progress + 1e-3) / WARMUP) if WARMUP else 1.0


def clip_gradients(gradients: list[Tensor]) -> None:
    """Shortens a gradient that is longer than CLIP_NORM as a whole."""
    norm = torch.stack(torch._foreach_norm(gradients)).norm()
    torch._foreach_mul_(gradients, (CLIP_NORM / (norm + 1e-6)).clamp(max=1.0))


def decay_weights(group: dict) -> None:
    """Decoupled weight decay."""
    torch._foreach_mul_(group["weights"], 1 - group["rate"] * group["decay"])


class Average:
    """The weights that are kept: the last ones."""

    def __init__(self, weights: list[Tensor]):
        self.weights = weights

    def observe(self, progress: float) -> None:
        """Called after every update."""

    def install(self) -> None:
        """Called once, before the weights are packed."""


class Updater:
    """Updates the weights from the gradients they hold."""

    def __init__(self, net: nn.Module):
        self.weights = list(net.parameters())
        self.rule, self.average = Rule(make_groups(net)), Average(self.weights)

    @torch.no_grad()
    def update(self, progress: float) -> None:
        clip_gradients([weight.grad for weight in self.weights])
        for group in self.rule.groups:
            group["rate"] = group["base"] * warm_up(progress) * schedule(progress)
            if group["decay"]:
                decay_weights(group)
        self.rule.step()
        for weight in self.weights:
            weight.grad = None
        self.average.observe(progress)

    @torch.no_grad()
    def finish(self) -> None:
        self.average.install()
