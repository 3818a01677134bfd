# hypothesis: the first bytes of a row lack their context, so that most of their loss is noise: what comes later counts more
# file: data.py
# source: Press et al., Shortformer: Better Language Modeling Using Shorter Inputs (2021), on the early tokens of a row
# excludes: word-weights
EARLY_BYTES = 24
EARLY_WEIGHT = 0.3


def weigh_targets(targets: Tensor, inputs: Tensor) -> Tensor | None:
    ramp = torch.linspace(EARLY_WEIGHT, 1.0, EARLY_BYTES)
    weights = torch.ones(inputs.size(1))
    weights[:EARLY_BYTES] = ramp[:inputs.size(1)]
    return weights.expand_as(inputs)
