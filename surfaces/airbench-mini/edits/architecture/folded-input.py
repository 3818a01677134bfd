# hypothesis: four neighbouring pixels as four channels keep all that is seen, at a quarter of the places; the first pooling falls away
# file: model.py
# source: Shi et al., Real-Time Single Image Super-Resolution (2016), the pixel shuffle turned round; Ridnik et al., TResNet (2020)
# excludes: strided-stem, norm-first, separable
class Stage:
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.first = inputs == 1
        self.conv = nn.Conv2d(4 if self.first else inputs, outputs, KERNEL, bias=False)
        self.norm, self.activation = Norm(outputs), Activation()

    def forward(self, x: Tensor) -> Tensor:
        if self.first:
            return self.activation(self.norm(self.conv(F.pixel_unshuffle(x, 2))))
        return self.activation(self.norm(shrink(self.conv(x))))
