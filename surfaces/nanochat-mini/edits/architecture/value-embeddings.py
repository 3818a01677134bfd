# hypothesis: every byte gives attention a value of its own, looked up rather than computed, so that the heads carry spelling from the first step
# file: model.py
# source: Zhou et al., Value Residual Learning (2024); Keller Jordan et al., modded-nanogpt (2024), its value embeddings
# excludes: gated-attention, fused-projections, multi-query
VALUE_START = 0.5  # of the looked-up values


class Attention(nn.Module):
    def __init__(self, width: int, layer: int):
        super().__init__()
        self.query, self.key, self.value = Linear(width, width), Linear(width, width), Linear(width, width)
        self.project = Linear(width, width)
        self.table = nn.Parameter(torch.empty(VOCABULARY, width))
        self.share = nn.Parameter(torch.full((HEADS,), VALUE_START))

    def values(self, x: Tensor, tokens: Tensor) -> Tensor:
        return self.heads(self.value(x)) + self.share.view(-1, 1, 1) * self.heads(F.embedding(tokens, self.table))
