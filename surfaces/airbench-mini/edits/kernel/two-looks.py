# hypothesis: two views moved to opposite corners average most of what four would, for half of their time
# file: kernel.py
# source: Krizhevsky et al., ImageNet Classification (2012), its ten crops; Shanmugam et al., Better Aggregation in Test-Time Augmentation (2020)
# excludes: second-look, one-look
def views(inputs: Tensor) -> list[Tensor]:
    return [inputs, inputs.roll((1, 1), (2, 3)), inputs.roll((-1, -1), (2, 3))]
