"""How it runs and how it is stored: the training step, precision, prediction, bytes."""
import zlib

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from data import CONTEXT, SEPARATOR

RESERVE_SECONDS = 0.25  # kept back from the budget for packing
LARGEST_CODE = 127  # of a quantised weight; a byte holds no larger one
STRIDE = 0.5  # fraction of the context a prediction window moves by
PREDICTION_ROWS = 16
MICRO_BATCHES = 1


def prepare(net: nn.Module):
    """The callable that training runs."""
    return net


def loss_of(logits: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
    """Mean cross-entropy in nats."""
    losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="mean" if weights is None else "none")
    return losses if weights is None else (losses * weights.flatten()).sum() / weights.sum()


def forward_loss(run, inputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
    return loss_of(run(inputs), targets, weights)


def train_step(run, sampler, updater, progress: float) -> None:
    for _ in range(MICRO_BATCHES):
        (forward_loss(run, *sampler.batch(progress)) / MICRO_BATCHES).backward()
    updater.update(progress)


def row_scales(matrix: Tensor) -> Tensor:
    """What one code is worth, for each row."""
    return (matrix.abs().amax(1, keepdim=True) / LARGEST_CODE).clamp(min=1e-8)


def round_codes(scaled: Tensor) -> Tensor:
    return scaled.round()


def quantise(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Codes of one byte, and the numbers that turn them back."""
    scales = row_scales(matrix).half().clamp(min=6e-8)
    return round_codes(matrix / scales.float()).clamp(-LARGEST_CODE, LARGEST_CODE).to(torch.int8), scales


def dequantise(codes: Tensor, scales: Tensor) -> Tensor:
    return codes.float() * scales.float()


def side_shape(shape: torch.Size) -> tuple[int, ...]:
    """Shape of the numbers that `quantise` returns beside the codes."""
    return (shape[0], 1)


def compress(raw: bytes) -> bytes:
    return zlib.compress(raw, 9)


def decompress(packed: bytes) -> bytes:
    return zlib.decompress(packed)


def pack(net: nn.Module) -> bytes:
    """The artifact: matrices as codes, everything else as half floats."""
    if LARGEST_CODE > 127:
        raise ValueError(f"LARGEST_CODE is {LARGEST_CODE}; a code is one byte, so 127 is the most")
    codes, halves = [], []
    for weight in net.parameters():
        if weight.ndim == 2:
            code, side = quantise(weight.detach())
            codes.append(code.numpy().tobytes())
            halves.append(side)
        else:
            halves.append(weight.detach().half())
    return compress(b"".join(codes + [half.numpy().tobytes() for half in halves]))


@torch.no_grad()
def unpack(artifact: bytes, net: nn.Module) -> None:
    """Fills a fresh model with what `pack` stored."""
    raw = decompress(artifact)
    place = 0

    def take(shape, dtype) -> Tensor:
        nonlocal place
        size = torch.Size(shape).numel() * dtype.itemsize
        piece = torch.frombuffer(bytearray(raw[place:place + size]), dtype=dtype).reshape(shape)
        place += size
        return piece

    weights = list(net.parameters())
    codes = [take(weight.shape, torch.int8) if weight.ndim == 2 else None for weight in weights]
    for weight, code in zip(weights, codes):
        if code is None:
            weight.copy_(take(weight.shape, torch.float16))
        else:
            weight.copy_(dequantise(code, take(side_shape(weight.shape), torch.float16)))


def logprobs_of(logits: Tensor, inputs: Tensor) -> Tensor:
    """Natural-log probabilities; `inputs` are the bytes read so far, the separator first."""
    return logits.float().log_softmax(-1)


def predict(net: nn.Module, tokens: Tensor) -> Tensor:
    """[B, T] bytes to [B, T + 1, 256]: each position read in the window that its place alone decides."""
    stride = min(max(1, int(CONTEXT * STRIDE)), CONTEXT)
    answers = []
    for rows in F.pad(tokens, (1, 0), value=SEPARATOR).split(PREDICTION_ROWS):
        pieces = [net(rows[:, :CONTEXT])]
        for start in range(stride, rows.size(1) - CONTEXT + stride, stride):
            pieces.append(net(rows[:, start:start + CONTEXT])[:, CONTEXT - stride:])
        answers.append(logprobs_of(torch.cat(pieces, 1), rows))
    return torch.cat(answers)
