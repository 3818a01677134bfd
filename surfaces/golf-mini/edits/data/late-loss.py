# hypothesis: the first bytes of a row cannot be foretold for want of context, and their loss is mostly noise
# file: data.py
# source: Press et al., Shortformer: Better Language Modeling Using Shorter Inputs (2020), on the early-token curse
BLIND_BYTES = 16
BLIND_WEIGHT = 0.2


def weigh_targets(inputs: Tensor) -> Tensor | None:
    weights = torch.ones_like(inputs, dtype=torch.float32)
    weights[:, :BLIND_BYTES] = BLIND_WEIGHT
    return weights
