# hypothesis: images that are moved together by one draw cost a copy of memory instead of a gather of every pixel, and vary as much over the epochs
# file: data.py
# source: the batch crop of Keller Jordan's airbench (2024), by groups of one offset
# excludes: cutout, mixup, slanted
GROUP = 256


def augment(inputs: Tensor, generator: torch.Generator) -> Tensor:
    if SHIFT == 0:
        return inputs
    side = inputs.size(-1)
    padded = F.pad(inputs, (SHIFT,) * 4, value=-MEAN / DEVIATION)
    moved = torch.empty_like(inputs)
    for start in range(0, len(inputs), GROUP):
        down, right = torch.randint(0, 2 * SHIFT + 1, (2,), generator=generator).tolist()
        moved[start:start + GROUP] = padded[start:start + GROUP, :, down:down + side, right:right + side]
    return moved
