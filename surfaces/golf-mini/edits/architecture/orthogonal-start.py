# hypothesis: matrices that start orthogonal, and branches that start at nothing, pass the gradient through unharmed
# file: model.py
# source: Saxe et al., Exact Solutions to the Nonlinear Dynamics of Learning (2013); Zhang et al., Fixup Initialization (2019)
ORTHOGONAL_GAIN = 0.7


def initialise(net: Model) -> None:
    for name, weight in net.named_parameters():
        if weight.ndim == 2:
            if name.startswith(("embedding.", "head.")):
                nn.init.normal_(weight, std=EMBEDDING_STD)
            elif ".narrow." in name or ".output.project." in name:
                nn.init.zeros_(weight)
            else:
                nn.init.orthogonal_(weight, gain=ORTHOGONAL_GAIN)
