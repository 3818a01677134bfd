# hypothesis: turning only some channels by position leaves the others free to match bytes wherever they stand
# file: model.py
# source: Black et al., GPT-NeoX-20B: An Open-Source Autoregressive Language Model (2022)
# excludes: alibi
TURNED_FRACTION = 0.5


def rotate(x: Tensor) -> Tensor:
    size = max(2, int(x.size(-1) * TURNED_FRACTION) // 2 * 2)
    cos, sin = rotation(x.size(-2), size)
    a, b, rest = x[..., :size // 2], x[..., size // 2:size], x[..., size:]
    return torch.cat((a * cos - b * sin, a * sin + b * cos, rest), dim=-1)
