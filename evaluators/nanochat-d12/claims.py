"""What base_train and base_eval print of themselves, out of the lines the sandbox stamped. All of it is claims.

  C1. A line that is damaged, cut or out of range claims nothing; what nobody claimed is unknown, never zero.
  C2. CORE is recomputed from the accuracies of the tasks: the mean of (accuracy - b) / (1 - b), b being what chance gets. There must be 22 of them.
"""
import math
import re

TASKS = 22
CORE = re.compile(r'^(?:Step (\d{5}) \| )?CORE metric: (-?\d+\.\d+|nan)$')
TASK = re.compile(r'^Evaluating: (\S+) \((\d+)-shot, type: (\w+)\)\.\.\. accuracy: (\d\.\d{4}) \| centered: (-?\d+\.\d{4}) \| time: ([\d.]+)s$')
BPB = re.compile(r'^Step (\d{5}) \| Validation bpb: (\d+\.\d{6}|nan|inf)$')
LEAST_BPB = re.compile(r'^Minimum validation bpb: (\S+)$')
TIME = re.compile(r'^Total training time: ([\d.]+)m$')
MEMORY = re.compile(r'^Peak memory usage: ([\d.]+)MiB$')
FLOPS = re.compile(r'^Total training FLOPs estimate: (\S+)$')
FLASH = '✓ Using Flash Attention 3'


def stamped(path, most=64 << 20):
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


def centred(accuracy, chance):
    """Accuracy above chance; `chance` in percent, as the bundle has it."""
    return (accuracy - 0.01 * chance) / (1.0 - 0.01 * chance)


def core(accuracies, chances):
    """C2: the mean over tasks of the centred accuracies."""
    return sum(centred(accuracy, chances[task]) for task, accuracy in accuracies.items()) / len(accuracies)


def read(lines):
    """(claims by name, accuracy by task); the last line of each kind counts."""
    claims, tasks = {'flash_attention_3': 0.0}, {}
    for _, text in lines:
        if found := TASK.match(text):
            tasks[found[1]] = float(found[4])
        elif found := CORE.match(text):
            claims['core'] = finite(found[2])
        elif found := BPB.match(text):
            claims['decoy_bpb'] = finite(found[2])
        elif found := LEAST_BPB.match(text):
            claims['least_decoy_bpb'] = finite(found[1])
        elif found := TIME.match(text):
            claims['train_minutes'] = finite(found[1])
        elif found := MEMORY.match(text):
            claims['memory_mib'] = finite(found[1])
        elif found := FLOPS.match(text):
            claims['train_flops'] = finite(found[1])
        elif text.startswith(FLASH):
            claims['flash_attention_3'] = 1.0
    return {name: value for name, value in claims.items() if value is not None}, tasks
