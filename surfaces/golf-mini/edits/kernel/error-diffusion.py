# hypothesis: carrying each weight's rounding error over to the next one keeps the sums that a smooth input sees right
# file: kernel.py
# source: Floyd and Steinberg, An Adaptive Algorithm for Spatial Greyscale (1976), applied to weights
CARRIED = 0.5  # of each error


def round_codes(scaled: Tensor) -> Tensor:
    codes, error = torch.empty_like(scaled), torch.zeros(scaled.size(0))
    for column in range(scaled.size(1)):
        wanted = scaled[:, column] + CARRIED * error
        codes[:, column] = wanted.round()
        error = wanted - codes[:, column]
    return codes
