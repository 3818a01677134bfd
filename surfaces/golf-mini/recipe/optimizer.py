"""How gradients become weights: groups, update rule, schedule, clipping, averaging."""
import math
from typing import Literal

import torch
from torch import nn

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
FINAL_RATE = 0.1  # where the decaying schedules end, as a multiple
FUSED = False


def parameter_groups(net: nn.Module) -> list[dict]:
    """Matrices, embeddings and vectors, each with its own rate and decay."""
    kinds = {"matrix": [], "embedding": [], "vector": []}
    for name, weight in net.named_parameters():
        outer = name.startswith(("embedding.", "head."))
        kinds["vector" if weight.ndim < 2 else "embedding" if outer else "matrix"].append(weight)
    scale = {"matrix": 1.0, "embedding": EMBEDDING_SCALE, "vector": VECTOR_SCALE}
    decay = {"matrix": WEIGHT_DECAY, "embedding": 0.0, "vector": 0.0}
    return [{"params": weights, "kind": kind, "base": LEARNING_RATE * scale[kind], "decay": decay[kind]}
            for kind, weights in kinds.items() if weights]


def make_rule(groups: list[dict]) -> torch.optim.Optimizer:
    """The update rule; decay is applied apart, by `decay_weights`."""
    return torch.optim.Adam(groups, lr=LEARNING_RATE, betas=(BETA1, BETA2), eps=EPSILON,
                            fused=FUSED, foreach=not FUSED)


def schedule(progress: float) -> float:
    """Multiple of the learning rate after the warm-up, by the fraction of the budget spent."""
    if SCHEDULE == "linear":
        return 1 + (FINAL_RATE - 1) * progress
    if SCHEDULE == "cosine":
        return FINAL_RATE + (1 - FINAL_RATE) * (1 + math.cos(math.pi * progress)) / 2
    return 1.0


def set_rates(rule: torch.optim.Optimizer, progress: float) -> None:
    warm = min(1.0, (progress + 1e-3) / WARMUP) if WARMUP else 1.0
    for group in rule.param_groups:
        group["lr"] = group["base"] * warm * schedule(progress)


def condition_gradients(net: nn.Module) -> None:
    """What happens to gradients before the rule sees them."""
    nn.utils.clip_grad_norm_(net.parameters(), CLIP_NORM)


@torch.no_grad()
def decay_weights(rule: torch.optim.Optimizer) -> None:
    """Decoupled weight decay."""
    for group in rule.param_groups:
        if group["decay"]:
            torch._foreach_mul_(group["params"], 1 - group["lr"] * group["decay"])


class Average:
    """The weights that are kept: the last ones."""

    def __init__(self, net: nn.Module):
        self.net = net

    def observe(self, progress: float) -> None:
        """Called after every update."""

    def install(self) -> None:
        """Called once, before the weights are packed."""


class Updater:
    """One update of the weights from the gradients they hold."""

    def __init__(self, net: nn.Module):
        self.net = net
        self.rule = make_rule(parameter_groups(net))
        self.average = Average(net)

    def update(self, progress: float) -> None:
        set_rates(self.rule, progress)
        condition_gradients(self.net)
        decay_weights(self.rule)
        self.rule.step()
        self.rule.zero_grad(set_to_none=True)
        self.average.observe(progress)

    def finish(self) -> None:
        self.average.install()
