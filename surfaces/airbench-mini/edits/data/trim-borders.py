# hypothesis: digits lie in the middle twenty pixels, so that an empty border can be cut off before anything is computed on it
# file: data.py
# source: LeCun et al., Gradient-Based Learning Applied to Document Recognition (1998), which centres digits in a wider frame
# excludes: growing-images
TRIM = 2  # pixels cut off at each side


def normalise(images: Tensor) -> Tensor:
    side = images.size(-1)
    return ((images[:, TRIM:side - TRIM, TRIM:side - TRIM].float() / 255 - MEAN) / DEVIATION).unsqueeze(1)
