"""The glue that every recipe keeps: train until the budget is spent, load what was trained."""
import torch
from torch import Tensor

from data import Loader
from kernel import RESERVE_SECONDS, Engine, answer, restore, save
from model import GPT
from optimizer import Optimizer


def train(budget, train_bytes: Tensor, seed: int) -> bytes:
    """Trains until the budget is spent, at least one step, and returns the artifact."""
    torch.manual_seed(seed)
    loader, net = Loader(train_bytes, seed), GPT()
    engine, optimizer = Engine(net), Optimizer(net)
    usable = max(budget.seconds - RESERVE_SECONDS, 1e-3)
    progress = 0.0
    while progress < 1:
        engine.backward(loader, progress)
        optimizer.step(progress)
        progress = budget.elapsed() / usable
    optimizer.finish()
    return save(net)


class Predictor:
    def __init__(self, net: GPT):
        self.net = net

    @torch.inference_mode()
    def logprobs(self, tokens: Tensor) -> Tensor:
        return answer(self.net, tokens)


def load(artifact: bytes) -> Predictor:
    net = GPT()
    restore(artifact, net)
    return Predictor(net.eval())
