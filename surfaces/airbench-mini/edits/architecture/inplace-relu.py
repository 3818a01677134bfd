# hypothesis: a map that is overwritten needs no second one, so that less memory is asked for, filled and missed by the cache
# file: model.py
# source: Bulò et al., In-Place Activated BatchNorm (2018)
# excludes: celu, gelu
class Activation:
    def forward(self, x: Tensor) -> Tensor:
        return F.relu_(x)
