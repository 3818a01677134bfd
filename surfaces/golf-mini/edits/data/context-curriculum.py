# hypothesis: short rows first teach spelling in cheaper steps, and long ones then teach what lies between words
# file: data.py
# source: Li et al., The Stability-Efficiency Dilemma: Investigating Sequence Length Warmup (2022)
# excludes: batch-ramp
SHORT_CONTEXT = 32
FULL_CONTEXT_FROM = 0.5  # of the budget


def shape_batch(progress: float) -> tuple[int, int]:
    share = min(1.0, progress / FULL_CONTEXT_FROM)
    context = max(8, int(SHORT_CONTEXT + share * (CONTEXT - SHORT_CONTEXT)) // 8 * 8)
    return max(1, BATCH * CONTEXT // context), context
