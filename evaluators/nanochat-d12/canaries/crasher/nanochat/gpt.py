"""Random, and cannot be made twice."""
from dataclasses import dataclass

from torch import nn


@dataclass
class GPTConfig:
    vocab_size: int = 64
    n_layer: int = 12


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.inside, self.out = nn.Embedding(config.vocab_size, 8), nn.Linear(8, config.vocab_size, bias=False)

    def init_weights(self):
        raise KeyError("weights")

    def forward(self, idx, targets=None, kv_cache=None, loss_reduction="mean"):
        return self.out(self.inside(idx)).float()
