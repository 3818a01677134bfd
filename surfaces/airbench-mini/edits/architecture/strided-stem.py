# hypothesis: a first convolution that steps by two makes no map of 24 by 24 at all, which is where much of the point-wise time goes
# file: model.py
# source: He et al., Deep Residual Learning (2016), whose stem strides; Krizhevsky et al., ImageNet Classification (2012)
# excludes: folded-input, norm-first, separable
class Stage:
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.first = inputs == 1
        self.conv = nn.Conv2d(inputs, outputs, FIRST_KERNEL if self.first else KERNEL, stride=2 if self.first else 1, bias=False)
        self.norm, self.activation = Norm(outputs), Activation()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return self.activation(self.norm(x if self.first else shrink(x)))
