"""What is read: which documents, how often each, how rows are cut from them, and what each byte of a row is worth."""
import torch
from torch import Tensor

SEPARATOR = ord("\0")  # the byte after every document; documents lie in the order of their years
ROWS = 8
CONTEXT = 128


def find_documents(train_bytes: Tensor) -> Tensor:
    """First and past-the-last position of every document long enough for a row, oldest first: [N, 2]."""
    ends = (train_bytes == SEPARATOR).nonzero().flatten()
    starts = torch.cat((torch.zeros(1, dtype=torch.long), ends[:-1] + 1))
    return torch.stack((starts, ends), 1)[ends - starts > CONTEXT + 1]


def choose_documents(documents: Tensor, train_bytes: Tensor) -> Tensor:
    """Those that are used at all."""
    return documents


def weigh_documents(documents: Tensor, train_bytes: Tensor) -> Tensor:
    """How often each is drawn: by its length."""
    return (documents[:, 1] - documents[:, 0]).float()


def shape_rows(progress: float) -> tuple[int, int]:
    """Rows of a batch and bytes of a row, by the fraction of the budget spent."""
    return ROWS, CONTEXT


def weigh_targets(targets: Tensor, inputs: Tensor) -> Tensor | None:
    """What each byte counts in the loss; None for all alike."""
    return None


def disturb(inputs: Tensor, progress: float) -> Tensor:
    """The inputs as the model is shown them."""
    return inputs


class Loader:
    """Batches for ever."""

    def __init__(self, train_bytes: Tensor, seed: int):
        self.bytes = train_bytes.long()
        self.draws = torch.Generator().manual_seed(seed)
        self.documents = choose_documents(find_documents(train_bytes), train_bytes)
        self.weights = weigh_documents(self.documents, train_bytes)

    def choose(self, rows: int, progress: float) -> Tensor:
        """Bounds of the documents that the next rows are cut from: [rows, 2]."""
        return self.documents[torch.multinomial(self.weights, rows, replacement=True, generator=self.draws)]

    def cut(self, bounds: Tensor, context: int) -> Tensor:
        """Where in its document each row begins."""
        room = (bounds[:, 1] - bounds[:, 0] - context).clamp(min=1)
        return bounds[:, 0] + (torch.rand(len(bounds), generator=self.draws) * room).long()

    def batch(self, progress: float) -> tuple[Tensor, Tensor, Tensor | None]:
        """Inputs [B, T], targets [B, T], and what each target counts."""
        rows, context = shape_rows(progress)
        starts = self.cut(self.choose(rows, progress), context)
        taken = self.bytes[(starts[:, None] + torch.arange(context + 1)).clamp(max=len(self.bytes) - 1)]
        inputs, targets = taken[:, :-1], taken[:, 1:]
        return disturb(inputs, progress), targets, weigh_targets(targets, inputs)
