"""How it runs and how it is stored: the training step, memory layout, prediction, bytes."""
import io

import torch
from torch import Tensor, nn

from data import normalise

CHANNELS_LAST = True
PREDICTION_ROWS = 250
TURNED = 1  # pixels by which an image is moved for a second opinion; 0 asks once


def prepare(net: nn.Module) -> nn.Module:
    """The callable that training runs."""
    return net.to(memory_format=torch.channels_last) if CHANNELS_LAST else net


def arrange(inputs: Tensor) -> Tensor:
    """A batch as the convolutions want it in memory."""
    return inputs.contiguous(memory_format=torch.channels_last) if CHANNELS_LAST else inputs


def train_step(run, inputs: Tensor, labels: Tensor, loss_of, updater, progress: float) -> None:
    loss_of(run(arrange(inputs)), labels, progress).backward()
    updater.update(progress)


def pack(net: nn.Module) -> bytes:
    """The artifact: every weight and every average of the normalisation."""
    file = io.BytesIO()
    torch.save({name: value.contiguous() for name, value in net.state_dict().items()}, file)
    return file.getvalue()


def unpack(artifact: bytes, net: nn.Module) -> None:
    """Fills a fresh model with what `pack` stored."""
    net.load_state_dict(torch.load(io.BytesIO(artifact), weights_only=True))


def views(inputs: Tensor) -> list[Tensor]:
    """The ways an image is looked at; their logits are averaged."""
    if TURNED == 0:
        return [inputs]
    return [inputs, *(inputs.roll(shift, axis) for axis in (2, 3) for shift in (-TURNED, TURNED))]


def predict(net: nn.Module, images: Tensor) -> Tensor:
    """Bytes [B, 28, 28] to scores [B, 10]; each image is answered for by itself."""
    answers = []
    for rows in images.split(PREDICTION_ROWS):
        looks = views(normalise(rows))
        answers.append(sum(net(arrange(look)) for look in looks) / len(looks))
    return torch.cat(answers)
