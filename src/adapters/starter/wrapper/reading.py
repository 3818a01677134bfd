"""Reads a metric out of a log: each line, and each stretch between carriage returns, is matched by itself."""
import re

MOST_LINE = 10_000  # a longer line is no line of a metric, and patterns may be slow on it
COLOURS = re.compile(r'\x1b\[[0-?]*[ -/]*[@-~]')  # what drives a terminal stands between a metric and its number


def lines(log):
    return [line for line in re.split(r'[\r\n]+', COLOURS.sub('', log.decode('utf-8', 'replace'))) if line.strip()]


def values(log, pattern):
    """Every value the pattern's group finds, in the order of the log; NaN and infinities included, for they were said."""
    found = []
    for line in lines(log):
        match = re.search(pattern, line[:MOST_LINE])
        if match is None:
            continue
        try:
            found.append(float(match.group(1).replace(',', '').rstrip('%')))
        except ValueError:
            continue
    return found
