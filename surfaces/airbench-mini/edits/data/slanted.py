# hypothesis: hands differ most in slant, turn and size; small affine changes show more of what is to come than shifts do
# file: data.py
# source: Simard et al., Best Practices for Convolutional Neural Networks Applied to Visual Document Analysis (2003)
# excludes: cutout, whole-batch-shift, mixup
SLANT = 0.12
MOVED = 0.1  # of half a side


def augment(inputs: Tensor, generator: torch.Generator) -> Tensor:
    rows = len(inputs)
    change = (torch.rand(rows, 2, 3, generator=generator) * 2 - 1) * torch.tensor([SLANT, SLANT, MOVED])
    grid = F.affine_grid(torch.eye(2, 3) + change, list(inputs.shape), align_corners=False)
    return F.grid_sample(inputs - inputs.min(), grid, mode="bilinear", align_corners=False) + inputs.min()
