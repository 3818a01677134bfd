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


def main():
    request = json.loads(sys.stdin.read())
    with open(request['artifact'], 'rb') as sealed:
        header, log = json.loads(sealed.readline()), sealed.read()
    found = reading.values(log, SETTINGS['pattern'])
    value = choose(found) if found else math.nan
    metrics = {'lines': len(found)}
    if header['artifactBytes'] is not None:
        metrics['artifact_bytes'] = header['artifactBytes']
    if math.isfinite(value):
        result = {'kind': 'scored', 'score': value, 'metrics': metrics, 'gates': []}
    else:
        result = {'kind': 'scored', 'score': None, 'metrics': metrics, 'gates': [{'name': 'finite', 'value': 0.0, 'limit': 1.0, 'passed': False}]}
    print(json.dumps(result, allow_nan=False), flush=True)


if __name__ == '__main__':
    main()
