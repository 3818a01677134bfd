# hypothesis: a filter for each map and then a mixture of maps does nearly what a full convolution does, for a fraction of its products
# file: model.py
# source: Howard et al., MobileNets (2017); Chollet, Xception (2017)
# excludes: strided-stem, folded-input
class Stage:
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        if inputs == WIDTH2:  # the last stage only: small maps, many channels
            self.conv = nn.Sequential(nn.Conv2d(inputs, inputs, KERNEL, groups=inputs, bias=False), nn.Conv2d(inputs, outputs, 1, bias=False))
        else:
            self.conv = nn.Conv2d(inputs, outputs, FIRST_KERNEL if inputs == 1 else KERNEL, bias=False)
        self.norm, self.activation = Norm(outputs), Activation()
