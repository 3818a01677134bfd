"""What is trained: three convolutions with pooling between, and a linear head."""
import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTH1 = 16
WIDTH2 = 32
WIDTH3 = 64
FIRST_KERNEL = 5
KERNEL = 3
POOLED = 3  # side of the map the head reads
HEAD_SCALE = 1.0
BATCH_NORM_MOMENTUM = 0.1


def shrink(x: Tensor) -> Tensor:
    """Pooling to half the side, while there is something left to pool."""
    return F.max_pool2d(x, 2) if x.size(-1) > 4 else x


class Activation(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x)


class Norm(nn.BatchNorm2d):
    """Normalisation after every convolution."""

    def __init__(self, width: int):
        super().__init__(width, momentum=BATCH_NORM_MOMENTUM)


class Stage(nn.Module):
    """A convolution without padding, pooling, normalisation and a non-linearity."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, FIRST_KERNEL if inputs == 1 else KERNEL, bias=False)
        self.norm, self.activation = Norm(outputs), Activation()

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.norm(shrink(self.conv(x))))


def initialise(net: nn.Module) -> None:
    """How the weights start: as PyTorch has it."""


class Model(nn.Module):
    """Images [B, 1, 28, 28] to logits [B, 10]."""

    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList([Stage(1, WIDTH1), Stage(WIDTH1, WIDTH2), Stage(WIDTH2, WIDTH3)])
        self.head = nn.Linear(WIDTH3 * POOLED * POOLED, 10)
        initialise(self)

    def features(self, x: Tensor) -> Tensor:
        for stage in self.stages:
            x = stage(x)
        return F.adaptive_max_pool2d(x, POOLED).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x)) * HEAD_SCALE
