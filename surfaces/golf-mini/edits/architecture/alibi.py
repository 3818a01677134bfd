# hypothesis: a penalty that grows with distance tells a short-sighted model where to look before it has learnt anything
# file: model.py
# source: Press et al., Train Short, Test Long: Attention with Linear Biases (2021)
# excludes: qk-norm, multi-query
ALIBI_SLOPE = 0.5  # of the first head; every further head is a quarter as steep


@lru_cache(maxsize=None)
def distance_bias(length: int) -> Tensor:
    distance = torch.arange(length)[:, None] - torch.arange(length)[None, :]
    slopes = ALIBI_SLOPE * 0.25 ** torch.arange(HEADS)
    bias = -slopes[:, None, None] * distance.clamp(min=0)
    return bias.masked_fill(distance < 0, float("-inf"))


class Attention(nn.Module):
    def place(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        return q, k

    def mix(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=distance_bias(q.size(-2)))
