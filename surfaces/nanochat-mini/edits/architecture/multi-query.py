# hypothesis: heads that share a key and a value need fewer products a step, and at this size lose little by it
# file: model.py
# source: Shazeer, Fast Transformer Decoding: One Write-Head is All You Need (2019)
# excludes: value-embeddings, gated-attention, fused-projections


class Attention(nn.Module):
    def __init__(self, width: int, layer: int):
        super().__init__()
        self.query, self.shared = Linear(width, width), Linear(width, 2 * width // HEADS)
        self.project = Linear(width, width)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        k, v = self.shared(x).unsqueeze(1).chunk(2, dim=-1)
        mixed = self.attend(self.heads(self.query(x)), k.expand(-1, HEADS, -1, -1), v.expand(-1, HEADS, -1, -1))
        return self.project(mixed.transpose(1, 2).flatten(2))
