"""How gradients become weights, how long, and toward which loss."""
import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPOCHS = 3.0
LEARNING_RATE = 0.2
MOMENTUM = 0.9
NESTEROV = True
WEIGHT_DECAY = 2e-3
WARMUP = 0.15  # fraction of the training
SCHEDULE: Literal["linear", "cosine"] = "linear"
LABEL_SMOOTHING = 0.1


def schedule(progress: float) -> float:
    """Multiple of the learning rate, by the fraction of the training done."""
    if progress < WARMUP:
        return (progress + 1e-3) / WARMUP
    left = (1 - progress) / (1 - WARMUP)
    return left if SCHEDULE == "linear" else (1 - math.cos(math.pi * left)) / 2


def loss_of(logits: Tensor, labels: Tensor, progress: float) -> Tensor:
    """What is made small: the mean cross-entropy of a batch."""
    return F.cross_entropy(logits, labels, label_smoothing=LABEL_SMOOTHING)


def make_groups(net: nn.Module) -> list[dict]:
    """Weights by what they are: matrices and filters decay, vectors do not."""
    kinds = {"matrix": [], "vector": []}
    for weight in net.parameters():
        if weight.requires_grad:
            kinds["matrix" if weight.ndim > 1 else "vector"].append(weight)
    decay = {"matrix": WEIGHT_DECAY, "vector": 0.0}
    return [{"kind": kind, "weights": weights, "base": LEARNING_RATE, "decay": decay[kind]} for kind, weights in kinds.items() if weights]


def step_group(group: dict) -> None:
    """One step of one group by its momentum, which lives in the group. It is not torch.optim's, whose first use loads a compiler for most of a second."""
    gradients = [weight.grad for weight in group["weights"]]
    if group["decay"]:
        torch._foreach_add_(gradients, group["weights"], alpha=group["decay"])
    if "momenta" not in group:
        group["momenta"] = [torch.zeros_like(weight) for weight in group["weights"]]
    torch._foreach_mul_(group["momenta"], MOMENTUM)
    torch._foreach_add_(group["momenta"], gradients)
    if NESTEROV:
        torch._foreach_add_(gradients, group["momenta"], alpha=MOMENTUM)
    torch._foreach_add_(group["weights"], gradients if NESTEROV else group["momenta"], alpha=-group["rate"])


class Average:
    """The weights that are kept: the last ones."""

    def __init__(self, net: nn.Module):
        self.net = net

    def observe(self, progress: float) -> None:
        """Called after every update."""

    def install(self) -> None:
        """Called once, before the weights are packed."""


class Updater:
    """Updates the weights from the gradients they hold."""

    def __init__(self, net: nn.Module):
        self.groups, self.average = make_groups(net), Average(net)

    @torch.no_grad()
    def update(self, progress: float) -> None:
        for group in self.groups:
            group["rate"] = group["base"] * schedule(progress)
            step_group(group)
            for weight in group["weights"]:
                weight.grad = None
        self.average.observe(progress)

    @torch.no_grad()
    def finish(self) -> None:
        self.average.install()
