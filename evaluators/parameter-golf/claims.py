"""What a recipe says of itself in upstream's format, out of the lines the sandbox stamped. All of it is claims: the evaluator recomputes what it can.

  C1. A line that is damaged, cut or out of range claims nothing. What nobody claimed is unknown, never zero.
  C2. Stamps are the evaluator's own: how long training took is their difference, and the recipe's own figure is held against it.
"""
import math
import re

NUMBER = r'([-+.\deE]+|nan|inf)'
SCORE = re.compile(rf'^final_int8_zlib_roundtrip_exact val_loss:{NUMBER} val_bpb:{NUMBER}\s*$')
RECORD = re.compile(r'^(final_\w+|quantized(?:_\w+)?) val_loss:\s*(\S+) val_bpb:\s*(\S+) eval_time:\s*(\d+)ms')
SIZE = re.compile(r'^Total submission size (\S+): (\d+) bytes')
CODE = re.compile(r'^Code size(?: \(compressed\))?: (\d+) bytes')
CAP = re.compile(r'^stopping_early: wallclock_cap train_time:\s*(\d+)ms step:\s*(\d+)/(\d+)')
STEP = re.compile(r'^(?:step:)?(\d+)/(\d+) (train|val)_loss:\s*(\S+).*?train_time:(\d+)ms')
MEMORY = re.compile(r'^peak memory allocated: (\d+) MiB reserved: (\d+) MiB')


def stamped(path, most=64 << 20):
    """(seconds, text) of every line of a stamped log; a line without a stamp is none."""
    lines = []
    with open(path, 'rb') as file:
        for line in file.read(most).decode('utf-8', 'replace').split('\n'):
            stamp, tab, text = line.partition('\t')
            if tab and re.fullmatch(r'\d+\.\d{3}', stamp):
                lines.append((float(stamp), text))
    return lines


def finite(text):
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def last_record(lines):
    """Loss, bits per byte and milliseconds of the last record line whose numbers are numbers; None where there is none."""
    for _, text in reversed(lines):
        if (found := RECORD.match(text)) and None not in (numbers := (finite(found[2]), finite(found[3]), finite(found[4]))):
            return {'loss': numbers[0], 'bpb': numbers[1], 'eval_ms': numbers[2]}
    return None


def read(lines):
    """Every claim by name; the last line of a kind counts."""
    claims, steps = {}, []
    for seconds, text in lines:
        if found := SCORE.match(text):
            claims['loss'], claims['bpb'] = finite(found[1]), finite(found[2])
        elif found := RECORD.match(text):
            claims[f'record {found[1]}'], claims['eval_ms'] = finite(found[3]), float(found[4])
        elif found := SIZE.match(text):
            claims['total_bytes'] = float(found[2])
        elif found := CODE.match(text):
            claims['code_bytes'] = float(found[1])
        elif found := CAP.match(text):
            claims['train_ms'], claims['steps'] = float(found[1]), float(found[2])
        elif found := STEP.match(text):
            if found[3] == 'train':
                steps.append((seconds, float(found[5])))
            claims['train_ms'], claims['steps'] = float(found[5]), float(found[1])
        elif found := MEMORY.match(text):
            claims['memory_mib'] = float(found[1])
    if len(steps) > 1:
        claims['paced_ms'] = steps[-1][1] - steps[0][1]
        claims['stamped_ms'] = 1000 * (steps[-1][0] - steps[0][0])
    return {name: value for name, value in claims.items() if value is not None and math.isfinite(value)}  # C1: of enough digits comes infinity
