"""What is trained: a small GPT over bytes, with rotary positions, normalised queries and keys, and squared ReLU."""
from functools import lru_cache
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

VOCABULARY = 2 ** 8  # what the evaluator asks for
DEPTH = 2
WIDTH = 64
HEADS = 2
MLP_RATIO = 4.0
ACTIVATION: Literal["relu2", "gelu", "silu"] = "relu2"
ROPE_BASE = 10000.0
EMBEDDING_STD = 0.02
HEAD_STD = 0.02
MATRIX_GAIN = 1.0  # of a matrix's spread, as a multiple of 1 / sqrt(its inputs)


def norm(x: Tensor) -> Tensor:
    return F.rms_norm(x, (x.size(-1),))


def activate(x: Tensor) -> Tensor:
    return F.relu(x).square() if ACTIVATION == "relu2" else F.silu(x) if ACTIVATION == "silu" else F.gelu(x)


@lru_cache(maxsize=None)
def rotation(length: int, size: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotary positions."""
    angles = torch.outer(torch.arange(length), ROPE_BASE ** (-torch.arange(0, size, 2) / size))
    return angles.cos(), angles.sin()


def rotate(x: Tensor) -> Tensor:
    cos, sin = rotation(x.size(-2), x.size(-1))
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)


class Linear(nn.Module):
    """A product without a bias."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight)


class Attention(nn.Module):
    def __init__(self, width: int, layer: int):
        super().__init__()
        self.query, self.key, self.value = Linear(width, width), Linear(width, width), Linear(width, width)
        self.project = Linear(width, width)

    def heads(self, x: Tensor) -> Tensor:
        return x.view(x.size(0), x.size(1), HEADS, -1).transpose(1, 2)

    def values(self, x: Tensor, tokens: Tensor) -> Tensor:
        return self.heads(self.value(x))

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(norm(rotate(q)), norm(rotate(k)), v, is_causal=True)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        mixed = self.attend(self.heads(self.query(x)), self.heads(self.key(x)), self.values(x, tokens))
        return self.project(mixed.transpose(1, 2).flatten(2))


class MLP(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        hidden = int(MLP_RATIO * width)
        self.widen, self.project = Linear(width, hidden), Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.project(activate(self.widen(x)))


class Block(nn.Module):
    def __init__(self, width: int, layer: int):
        super().__init__()
        self.attention, self.mlp = Attention(width, layer), MLP(width)

    def forward(self, x: Tensor, first: Tensor, tokens: Tensor) -> Tensor:
        """The stream after this block; `first` is the stream before all of them."""
        x = x + self.attention(norm(x), tokens)
        return x + self.mlp(norm(x))


class Embedding(nn.Module):
    """Bytes to vectors."""

    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(VOCABULARY, width))

    def forward(self, tokens: Tensor) -> Tensor:
        return F.embedding(tokens, self.weight)


class Head(nn.Module):
    """Vectors to logits."""

    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(VOCABULARY, width))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(norm(x), self.weight)


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = Embedding(WIDTH)
        self.blocks = nn.ModuleList(Block(WIDTH, layer) for layer in range(DEPTH))
        self.head = Head(WIDTH)
        start_weights(self)

    def stem(self, tokens: Tensor) -> Tensor:
        return norm(self.embedding(tokens))

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits [B, T, 256] from tokens [B, T]; position t sees tokens 0 … t only."""
        x = first = self.stem(tokens)
        for block in self.blocks:
            x = block(x, first, tokens)
        return self.head(x)


def start_weights(net: GPT) -> None:
    """First values of every matrix; what is no matrix has set its own."""
    for name, weight in net.named_parameters():
        if weight.ndim == 2:
            nn.init.normal_(weight, std=EMBEDDING_STD if name.startswith("embedding.") else HEAD_STD if name.startswith("head.") else MATRIX_GAIN * weight.size(1) ** -0.5)
