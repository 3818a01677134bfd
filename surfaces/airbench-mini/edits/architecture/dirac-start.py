# hypothesis: filters that begin by passing their inputs on carry the signal through from the first step, so that none is spent on finding that out
# file: model.py
# source: Zagoruyko and Komodakis, DiracNets (2017); the identity start of Keller Jordan's airbench (2024)
# excludes: orthogonal-start
def initialise(net: nn.Module) -> None:
    for module in net.modules():
        if isinstance(module, nn.Conv2d) and module.groups == 1 and module.in_channels > 1:
            with torch.no_grad():
                nn.init.dirac_(module.weight[:module.in_channels])
