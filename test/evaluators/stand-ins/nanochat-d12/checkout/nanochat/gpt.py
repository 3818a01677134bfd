"""Counts which token follows which, and calls that a model."""
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class GPTConfig:
    vocab_size: int = 64
    n_layer: int = 12


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.counts = nn.Parameter(torch.ones(config.vocab_size, config.vocab_size), requires_grad=False)

    def init_weights(self):
        nn.init.ones_(self.counts)

    def forward(self, idx):
        return (self.counts / self.counts.sum(1, keepdim=True)).log()[idx]
