"""The glue that every recipe keeps: train once, load what was trained, answer."""
import torch
from torch import Tensor

from data import Sampler
from kernel import pack, predict, prepare, train_step, unpack
from model import Model
from optimizer import EPOCHS, Updater, loss_of


def train(images: Tensor, labels: Tensor, seed: int) -> bytes:
    """Trains from nothing and returns the artifact. `images` are bytes [N, 28, 28], `labels` integers [N]."""
    torch.manual_seed(seed)
    sampler, net = Sampler(images, labels, seed), Model()
    run, updater = prepare(net.train()), Updater(net)
    total, done = max(1, round(EPOCHS * sampler.steps())), 0
    while done < total:
        for inputs, answers in sampler.epoch(done / total):
            train_step(run, inputs, answers, loss_of, updater, done / total)
            done += 1
            if done == total:
                break
    updater.finish()
    return pack(net)


class Predictor:
    def __init__(self, net: Model):
        self.net = net

    @torch.inference_mode()
    def scores(self, images: Tensor) -> Tensor:
        return predict(self.net, images)


def load(artifact: bytes) -> Predictor:
    net = Model()
    unpack(artifact, net)
    return Predictor(prepare(net.eval()))
