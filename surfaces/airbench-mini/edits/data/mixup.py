# hypothesis: a faint second digit in every image teaches that most of a digit decides, for one addition
# file: data.py
# source: Zhang et al., mixup (2017); Guo, Nonlinear Mixup (2020), here with the first label alone
# excludes: cutout, whole-batch-shift, slanted
SECOND = 0.15  # weight of the second image


def augment(inputs: Tensor, generator: torch.Generator) -> Tensor:
    padded = F.pad(inputs, (SHIFT,) * 4, value=-MEAN / DEVIATION)
    rows, side = len(inputs), inputs.size(-1)
    down, right = torch.randint(0, 2 * SHIFT + 1, (2, rows, 1), generator=generator)
    reach = torch.arange(side)
    moved = padded[torch.arange(rows)[:, None, None], 0, (down + reach)[:, :, None], (right + reach)[:, None, :]].unsqueeze(1)
    return torch.lerp(moved, moved.roll(1, 0), SECOND)
