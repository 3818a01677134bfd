"""How it runs: the step forwards and backwards, its precision, the artifact's bytes, and prediction in windows."""
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from data import CONTEXT, SEPARATOR

RESERVE_SECONDS = 0.15  # kept back from the budget for saving
MICRO_BATCHES = 1  # batches whose gradients are added up before a step
OVERLAP = 0.5  # fraction of the context that a further window of prediction reads again
PREDICTION_ROWS = 32


def compile_net(net: nn.Module):
    """The callable that training runs."""
    return net


def loss_of(logits: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
    """Mean cross-entropy in nats of [B, T, 256] logits."""
    if weights is None:
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    return (losses * weights.flatten()).sum() / weights.sum()


class Engine:
    """Leaves the gradient of one step in the weights."""

    def __init__(self, net: nn.Module):
        self.net = net
        self.run = compile_net(net)

    def loss(self, inputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        return loss_of(self.run(inputs), targets, weights)

    def backward(self, loader, progress: float) -> None:
        for _ in range(MICRO_BATCHES):
            (self.loss(*loader.batch(progress)) / MICRO_BATCHES).backward()


def save(net: nn.Module) -> bytes:
    """The artifact: every weight in single precision, one after another."""
    return b"".join(weight.detach().contiguous().numpy().tobytes() for weight in net.parameters())


@torch.no_grad()
def restore(artifact: bytes, net: nn.Module) -> None:
    """Fills a fresh model with what `save` wrote."""
    numbers = torch.frombuffer(bytearray(artifact), dtype=torch.float32)
    for weight, piece in zip(net.parameters(), numbers.split([weight.numel() for weight in net.parameters()])):
        weight.copy_(piece.view_as(weight))


def open_rows(tokens: Tensor) -> Tensor:
    """Rows of bytes with what stands before them: the end of a document."""
    return F.pad(tokens, (1, 0), value=SEPARATOR)


def distributions(net: nn.Module, logits: Tensor, rows: Tensor) -> Tensor:
    """Natural-log probabilities; `rows` are the bytes that the net made the logits from."""
    return logits.float().log_softmax(-1)


def answer(net: nn.Module, tokens: Tensor) -> Tensor:
    """[B, T] bytes to [B, T + 1, 256]: what comes at each place and after the last, read in windows that the place alone decides."""
    step = max(1, CONTEXT - int(CONTEXT * min(max(OVERLAP, 0.0), 1.0)))
    answers = []
    for rows in open_rows(tokens).split(PREDICTION_ROWS):
        windows = [net(rows[:, :CONTEXT])]
        for start in range(step, rows.size(1) - CONTEXT + step, step):
            windows.append(net(rows[:, start:start + CONTEXT])[:, CONTEXT - step:])
        answers.append(distributions(net, torch.cat(windows, 1), rows)[:, -tokens.size(1) - 1:])
    return torch.cat(answers)
