# hypothesis: a covered patch makes the net look at the whole digit and not at one stroke of it
# file: data.py
# source: DeVries and Taylor, Improved Regularization of Convolutional Neural Networks with Cutout (2017)
# excludes: whole-batch-shift, mixup, slanted
HOLE = 6


def augment(inputs: Tensor, generator: torch.Generator) -> Tensor:
    padded = F.pad(inputs, (SHIFT,) * 4, value=-MEAN / DEVIATION)
    rows, side = len(inputs), inputs.size(-1)
    down, right = torch.randint(0, 2 * SHIFT + 1, (2, rows, 1), generator=generator)
    reach = torch.arange(side)
    moved = padded[torch.arange(rows)[:, None, None], 0, (down + reach)[:, :, None], (right + reach)[:, None, :]]
    top, left = torch.randint(0, side - HOLE + 1, (2, rows, 1), generator=generator)
    inside = ((reach >= top) & (reach < top + HOLE))[:, :, None] & ((reach >= left) & (reach < left + HOLE))[:, None, :]
    return moved.masked_fill(inside, -MEAN / DEVIATION).unsqueeze(1)
