# hypothesis: heads that share one key and one value lose little and free bytes of the cap
# file: model.py
# source: Shazeer, Fast Transformer Decoding: One Write-Head is All You Need (2019)
# excludes: alibi, fused-projections


class Attention(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width // HEADS, bias=False)
        self.value = nn.Linear(width, width // HEADS, bias=False)
        self.output = Output(width)

    def mix(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(q, k.expand_as(q), v.expand_as(q), is_causal=True)
