# hypothesis: the first bytes of a word decide what the tasks ask, and its last ones mostly follow: weight goes where the choice is made
# file: data.py
# source: Lin et al., Rho-1: Not All Tokens Are What You Need (2024)
# excludes: late-loss
OPENING_WEIGHT = 1.5
OPENING_BYTES = 3


def weigh_targets(targets: Tensor, inputs: Tensor) -> Tensor | None:
    place = torch.arange(inputs.size(1)).expand_as(inputs)
    depth = place - torch.where(inputs <= ord(" "), place, -OPENING_BYTES).cummax(1).values
    return torch.where(depth < OPENING_BYTES, OPENING_WEIGHT, 1.0)
