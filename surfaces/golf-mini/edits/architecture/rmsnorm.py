# hypothesis: dividing by the root mean square alone, with nothing to learn, costs less time and fewer bytes than a layer norm
# file: model.py
# source: Zhang and Sennrich, Root Mean Square Layer Normalization (2019)


def make_norm(width: int) -> nn.Module:
    return nn.RMSNorm(width, elementwise_affine=False)
