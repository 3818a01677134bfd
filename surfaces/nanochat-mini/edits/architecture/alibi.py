# hypothesis: near bytes matter most from the first step on: a penalty by distance says so before anything is learnt
# file: model.py
# source: Press et al., Train Short, Test Long: Attention with Linear Biases Enables Input Length Extrapolation (2021)
# excludes: partial-rotary
STEEPEST = 0.5  # of the first head; every further one is an eighth as steep


@lru_cache(maxsize=None)
def distances(length: int) -> Tensor:
    back = torch.arange(length)[:, None] - torch.arange(length)[None, :]
    steep = STEEPEST * 0.125 ** torch.arange(HEADS).view(-1, 1, 1)
    return torch.where(back >= 0, -steep * back, float("-inf"))


class Attention(nn.Module):
    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(norm(q), norm(k), v, attn_mask=distances(q.size(-2)))
