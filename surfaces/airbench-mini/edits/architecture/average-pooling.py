# hypothesis: a mean needs no list of where the largest was, so that pooling costs a fraction forward and backward
# file: model.py
# source: LeCun et al., Gradient-Based Learning Applied to Document Recognition (1998)
def shrink(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 2) if x.size(-1) > 4 else x
