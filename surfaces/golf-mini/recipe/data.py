"""What is learnt from, and in which order: documents, their weight, the shape of a batch."""
import torch
from torch import Tensor

SEPARATOR = ord("\0")  # the byte after every document; they are in order of their years
BATCH = 8
CONTEXT = 128


def find_documents(train_bytes: Tensor) -> list[tuple[int, int]]:
    """First and past-the-last position of every document, oldest first."""
    ends = (train_bytes == SEPARATOR).nonzero().flatten().tolist() + [len(train_bytes)]
    starts = [0] + [end + 1 for end in ends[:-1]]
    return [(start, end) for start, end in zip(starts, ends) if end - start > CONTEXT]


def select_documents(documents: list[tuple[int, int]], train_bytes: Tensor) -> list[tuple[int, int]]:
    """Which documents are used at all."""
    return documents


def weigh_documents(documents: list[tuple[int, int]], train_bytes: Tensor) -> Tensor:
    """How often each is drawn: by its length."""
    return torch.tensor([float(end - start) for start, end in documents])


def shape_batch(progress: float) -> tuple[int, int]:
    """Rows and bytes a row, by the fraction of the budget spent."""
    return BATCH, CONTEXT


def weigh_targets(inputs: Tensor) -> Tensor | None:
    """Weight of every position in the loss; None for equal ones."""
    return None


def corrupt(inputs: Tensor, progress: float) -> Tensor:
    """What is changed in the inputs, the targets staying as they are."""
    return inputs


class Sampler:
    """Draws batches for ever."""

    def __init__(self, train_bytes: Tensor, seed: int):
        self.bytes = train_bytes.long()
        self.generator = torch.Generator().manual_seed(seed)
        self.documents = select_documents(find_documents(train_bytes), train_bytes)
        self.weights = weigh_documents(self.documents, train_bytes)
        self.bounds = torch.tensor(self.documents)

    def starts(self, rows: int, context: int) -> Tensor:
        """Where the rows begin: a document by its weight, a place in it at random."""
        drawn = self.bounds[torch.multinomial(self.weights, rows, replacement=True, generator=self.generator)]
        room = drawn[:, 1] - drawn[:, 0] - context
        return drawn[:, 0] + (torch.rand(rows, generator=self.generator) * room.clamp(min=1)).long()

    def batch(self, progress: float) -> tuple[Tensor, Tensor, Tensor | None]:
        """Inputs [B, T], targets [B, T] and the targets' weights."""
        rows, context = shape_batch(progress)
        places = self.starts(rows, context)[:, None] + torch.arange(context + 1)
        taken = self.bytes[places.clamp(max=len(self.bytes) - 1)]
        inputs, targets = taken[:, :-1], taken[:, 1:]
        return corrupt(inputs, progress), targets, weigh_targets(inputs)
