# hypothesis: filters that start orthogonal see different things from the first step and keep the size of what passes through
# file: model.py
# source: Saxe et al., Exact Solutions to the Nonlinear Dynamics of Learning (2013)
# excludes: dirac-start
def initialise(net: nn.Module) -> None:
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.orthogonal_(module.weight, 1.4 if isinstance(module, nn.Conv2d) else 1.0)
