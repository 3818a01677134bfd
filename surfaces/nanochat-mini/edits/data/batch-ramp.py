# hypothesis: few rows a step at first make many quick moves; more rows later make the moves sure
# file: data.py
# source: Smith et al., Don't Decay the Learning Rate, Increase the Batch Size (2018)
# excludes: context-curriculum
FEWEST_ROWS = 3
MOST_ROWS = 12


def shape_rows(progress: float) -> tuple[int, int]:
    return round(FEWEST_ROWS + (MOST_ROWS - FEWEST_ROWS) * min(1.0, progress)), CONTEXT
