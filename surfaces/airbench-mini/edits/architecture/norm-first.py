# hypothesis: a non-linearity before the pooling sees every place, and the better features repay what it costs
# file: model.py
# source: Ioffe and Szegedy, Batch Normalization (2015), its order of layers
# excludes: strided-stem, folded-input
class Stage:
    def forward(self, x: Tensor) -> Tensor:
        return shrink(self.activation(self.norm(self.conv(x))))
