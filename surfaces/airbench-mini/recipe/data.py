"""What is learnt from, and in which order: batches, and how their images are changed."""
import torch
import torch.nn.functional as F
from torch import Tensor

BATCH = 64
SHIFT = 1  # pixels an image is moved by at most, in each direction
MEAN, DEVIATION = 0.1307, 0.3081  # of the training images' pixels


def normalise(images: Tensor) -> Tensor:
    """Bytes [N, 28, 28] to inputs [N, 1, 28, 28]; what is predicted goes through it too."""
    return ((images.float() / 255 - MEAN) / DEVIATION).unsqueeze(1)


def select(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Which images are used at all."""
    return images, labels


def augment(inputs: Tensor, generator: torch.Generator) -> Tensor:
    """Every image moved by a few pixels, what is pushed out being lost."""
    if SHIFT == 0:
        return inputs
    padded = F.pad(inputs, (SHIFT,) * 4, value=-MEAN / DEVIATION)
    rows, side = len(inputs), inputs.size(-1)
    down, right = torch.randint(0, 2 * SHIFT + 1, (2, rows, 1), generator=generator)
    reach = torch.arange(side)
    return padded[torch.arange(rows)[:, None, None], 0, (down + reach)[:, :, None], (right + reach)[:, None, :]].unsqueeze(1)


class Sampler:
    """Deals batches, every image once an epoch."""

    def __init__(self, images: Tensor, labels: Tensor, seed: int):
        self.generator = torch.Generator().manual_seed(seed)
        images, self.labels = select(images, labels)
        self.inputs = normalise(images)

    def order(self, progress: float) -> Tensor:
        """The images of one epoch, in the order they are seen."""
        return torch.randperm(len(self.inputs), generator=self.generator)

    def epoch(self, progress: float):
        """Batches of one epoch: inputs and labels."""
        order = self.order(progress)
        inputs, labels = augment(self.inputs[order], self.generator), self.labels[order]
        for start in range(0, len(order), BATCH):
            yield inputs[start:start + BATCH], labels[start:start + BATCH]

    def steps(self) -> int:
        """Batches an epoch has."""
        return (len(self.inputs) + BATCH - 1) // BATCH
