# hypothesis: small batches give many steps while the gradient is plain, and large ones a clean gradient at the end
# file: data.py
# source: Smith et al., Don't Decay the Learning Rate, Increase the Batch Size (2017)
# excludes: context-curriculum
FIRST_ROWS = 4
LAST_ROWS = 16


def shape_batch(progress: float) -> tuple[int, int]:
    return max(1, round(FIRST_ROWS + progress * (LAST_ROWS - FIRST_ROWS))), CONTEXT
