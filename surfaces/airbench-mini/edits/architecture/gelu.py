# hypothesis: a gate that opens by degrees lets a little gradient through everywhere, and fewer steps are lost on dead units
# file: model.py
# source: Hendrycks and Gimpel, Gaussian Error Linear Units (2016); used by Keller Jordan's airbench (2024)
# excludes: celu, inplace-relu
class Activation:
    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(x, approximate="tanh")
