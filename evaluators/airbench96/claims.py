"""What airbench96 prints of itself, out of the lines the sandbox stamped. Claims only: told beside the score, never part of it.

  C1. A line that is damaged or cut claims nothing; what nobody claimed is unknown, never zero.
"""
import math
import re

EVAL = re.compile(r'^\|\s*(\d*)\s*\|\s*eval\s*\|\s*([\d.]+)\s*\|\s*([\d.]+)\s*\|\s*([\d.]+)\s*\|\s*([\d.]+)\s*\|\s*([\d.]+)\s*\|\s*$')
MEAN = re.compile(r'^Mean: (\d\.\d{4})\s+Std: (\d\.\d{4}|nan)$')


def stamped(path, most=16 << 20):
    """(seconds, text) of every line of a stamped log; a line without a stamp is none."""
    with open(path, 'rb') as file:
        split = [line.partition('\t') for line in file.read(most).decode('utf-8', 'replace').split('\n')]
    return [(float(stamp), text) for stamp, tab, text in split if tab and re.fullmatch(r'\d+\.\d{3}', stamp)]


def finite(text):
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def read(lines):
    """Claims by name, of the last line of each kind. Accuracies are of the decoy."""
    claims = {}
    for _, text in lines:
        if found := EVAL.match(text):
            row = dict(zip(('train_loss', 'train_accuracy', 'decoy_accuracy', 'decoy_tta_accuracy', 'seconds'), map(finite, found.groups()[1:])))
            if None not in row.values():  # C1
                claims.update(row)
        elif found := MEAN.match(text):
            claims['mean_accuracy'] = float(found[1])
    return claims
