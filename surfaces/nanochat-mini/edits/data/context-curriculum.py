# hypothesis: short rows teach spelling in cheap steps; the long ones that follow teach what lies between words
# file: data.py
# source: Li et al., The Stability-Efficiency Dilemma: Investigating Sequence Length Warmup for Training GPT Models (2022)
# excludes: batch-ramp
FIRST_CONTEXT = 32
FULL_FROM = 0.6  # of the budget


def shape_rows(progress: float) -> tuple[int, int]:
    context = int(FIRST_CONTEXT + (CONTEXT - FIRST_CONTEXT) * min(1.0, progress / FULL_FROM)) // 16 * 16
    context = min(CONTEXT, max(16, context))
    return max(1, ROWS * CONTEXT // context), context
