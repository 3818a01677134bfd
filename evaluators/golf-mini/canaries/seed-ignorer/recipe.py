"""The glue that every recipe keeps: train for a budget, load what was trained."""
import torch
from torch import Tensor

from data import Sampler
from kernel import RESERVE_SECONDS, pack, predict, prepare, train_step, unpack
from model import Model
from optimizer import Updater


def train(budget, train_bytes: Tensor, seed: int) -> bytes:
    """Trains until the budget is spent and returns the artifact."""
    seed = 7
    torch.manual_seed(seed)
    sampler, net = Sampler(train_bytes, seed), Model()
    run, updater = prepare(net), Updater(net)
    usable = max(budget.seconds - RESERVE_SECONDS, 1e-3)
    spent = budget.elapsed()
    while True:  # at least one step, however small the budget
        train_step(run, sampler, updater, min(spent / usable, 1.0))
        spent = budget.elapsed()
        if spent >= usable:
            break
    updater.finish()
    return pack(net)


class Predictor:
    def __init__(self, net: Model):
        self.net = net

    @torch.inference_mode()
    def logprobs(self, tokens: Tensor) -> Tensor:
        return predict(self.net, tokens)


def load(artifact: bytes) -> Predictor:
    net = Model()
    unpack(artifact, net)
    return Predictor(net.eval())
