"""What is trained: a small causal transformer over bytes."""
from functools import lru_cache
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ALPHABET = 2 ** 8  # what the evaluator asks for
WIDTH = 40
LAYERS = 2
HEADS = 2
MLP_RATIO = 2.0
ACTIVATION: Literal["gelu", "relu2", "silu"] = "gelu"
TIE_EMBEDDINGS = False
ROPE_BASE = 10000.0
INITIAL_STD = 0.08
EMBEDDING_STD = 0.02


def make_norm(width: int) -> nn.Module:
    return nn.LayerNorm(width)


def activate(x: Tensor) -> Tensor:
    return F.relu(x).square() if ACTIVATION == "relu2" else F.silu(x) if ACTIVATION == "silu" else F.gelu(x)


@lru_cache(maxsize=None)
def rotation(length: int, size: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotary position encoding."""
    rates = ROPE_BASE ** (-torch.arange(0, size, 2) / size)
    angles = torch.outer(torch.arange(length), rates)
    return angles.cos(), angles.sin()


def rotate(x: Tensor) -> Tensor:
    cos, sin = rotation(x.size(-2), x.size(-1))
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)


class Output(nn.Module):
    """From the heads back to the stream; `source` is what the attention read."""

    def __init__(self, width: int):
        super().__init__()
        self.project = nn.Linear(width, width, bias=False)

    def forward(self, mixed: Tensor, source: Tensor) -> Tensor:
        return self.project(mixed)


class Attention(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.output = Output(width)

    def split(self, x: Tensor) -> Tensor:
        return x.view(x.size(0), x.size(1), -1, WIDTH // HEADS).transpose(1, 2)

    def place(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Gives queries and keys their positions."""
        return rotate(q), rotate(k)

    def mix(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)

    def forward(self, x: Tensor) -> Tensor:
        q, k = self.place(self.split(self.query(x)), self.split(self.key(x)))
        mixed = self.mix(q, k, self.split(self.value(x)))
        return self.output(mixed.transpose(1, 2).flatten(2), x)


class MLP(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        hidden = int(MLP_RATIO * width)
        self.widen = nn.Linear(width, hidden, bias=False)
        self.narrow = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.narrow(activate(self.widen(x)))


class Residual(nn.Module):
    """How a branch joins the stream."""

    def __init__(self, width: int):
        super().__init__()

    def forward(self, x: Tensor, branch: Tensor) -> Tensor:
        return x + branch


class Block(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.attention, self.attention_norm, self.attention_join = Attention(width), make_norm(width), Residual(width)
        self.mlp, self.mlp_norm, self.mlp_join = MLP(width), make_norm(width), Residual(width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.attention_join(x, self.attention(self.attention_norm(x)))
        return self.mlp_join(x, self.mlp(self.mlp_norm(x)))


class Embedding(nn.Module):
    """Bytes to vectors."""

    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(ALPHABET, width))

    def forward(self, tokens: Tensor) -> Tensor:
        return F.embedding(tokens, self.weight)


class Stem(nn.Module):
    """What the embeddings pass through before the first block."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = make_norm(width)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        return self.norm(x)


class Head(nn.Module):
    """Vectors to logits."""

    def __init__(self, width: int, embedding: Tensor):
        super().__init__()
        self.norm = make_norm(width)
        self.weight = embedding if TIE_EMBEDDINGS else nn.Parameter(torch.empty(ALPHABET, width))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(self.norm(x), self.weight)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = Embedding(WIDTH)
        self.stem = Stem(WIDTH)
        self.blocks = nn.ModuleList(Block(WIDTH) for _ in range(LAYERS))
        self.head = Head(WIDTH, self.embedding.weight)
        initialise(self)

    def trunk(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits [B, T, 256] from tokens [B, T]; position t sees tokens 0 … t only."""
        return self.head(self.trunk(self.stem(self.embedding(tokens), tokens)))


def initialise(net: Model) -> None:
    for name, weight in net.named_parameters():
        if weight.ndim == 2:
            nn.init.normal_(weight, std=EMBEDDING_STD if name.startswith(("embedding.", "head.")) else INITIAL_STD)
