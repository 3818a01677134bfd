"""The score of a wrapped command: what it printed of itself, read from its sealed log.

To own the score, replace this file: read what the command made instead of what it said (README.md says how).
"""
import json
import math
import os
import sys

sys.dont_write_bytecode = True  # this folder is compared with what it was
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import reading  # noqa: E402

with open('command.json', encoding='utf-8') as file:
    SETTINGS = json.load(file)


def choose(found):
    finite = [value for value in found if math.isfinite(value)]
    if SETTINGS['take'] == 'first':
        return found[0]
    if SETTINGS['take'] == 'last' or not finite:
        return found[-1]
    return min(finite) if SETTINGS['direction'] == 'minimize' else max(finite)


def read_header(line):
    """Bytes of the artifact, None where none is weighed, False for a line that the harness does not write."""
    try:
        header = json.loads(line)
    except ValueError:
        return False
    weighed = header.get('artifactBytes', False) if isinstance(header, dict) else False
    return weighed if weighed is None or (type(weighed) is int and 0 <= weighed < 1 << 53) else False


def main():
    request = json.loads(sys.stdin.read())
    with open(request['artifact'], 'rb') as sealed:
        first, log = sealed.readline(), sealed.read()
    weighed = read_header(first)
    if weighed is False:
        print(json.dumps({'kind': 'tampered', 'what': 'the log does not begin as the harness leaves it: a process of the recipe wrote it anew', 'where': 'log.txt'}), flush=True)
        return
    found = reading.values(log, SETTINGS['pattern'])
    value = choose(found) if found else math.nan
    metrics = {'lines': len(found)}
    if weighed is not None:
        metrics['artifact_bytes'] = weighed
    if math.isfinite(value):
        result = {'kind': 'scored', 'score': value, 'metrics': metrics, 'gates': []}
    else:
        result = {'kind': 'scored', 'score': None, 'metrics': metrics, 'gates': [{'name': 'not_finite', 'value': 1.0, 'limit': 0.0, 'passed': False}]}
    print(json.dumps(result, allow_nan=False), flush=True)


if __name__ == '__main__':
    main()
