"""Computes parameter-golf's bits per byte outside the sandbox, audits where the predictor looked, and holds the recipe's claims against what was measured.

  S1. A validation token leaves this process only as the context of later ones; the score is the sum of what was answered for each, over the bytes it decodes to.
  S2. Secret places are asked again of a fresh predictor that is given only what comes before them, and must answer with a whole distribution.
  S3. Tokens after a place are changed and the same rows asked again: what was said before the change must not move.
  S4. What the recipe claims of its size, time and score on the decoy is recomputed; a difference is a missed gate that carries both numbers.
  S5. The bytes of the text are those that were counted when it was decoded; a difference is our fault, never the recipe's.
  S6. Where set-up declared so, the score is the script's own last record of the artifact on the whole validation text: the line is taken as it came, and said to be the recipe's word.
  S7. Nats are finite and never below zero: one place in millions that answered far less would be worth more than any model, and no audit would draw it.
"""
import json
import math
import os
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import numpy as np  # noqa: E402

import claims  # noqa: E402
from connection import CONTEXT, DISTRIBUTION, LOSSES, HungUp, Predictor, Tampered  # noqa: E402

SETS = ('search', 'confirm', 'final')
MOST_CONTEXT = 65536
# Places asked again: at random, and where the answers gained most. One that reads ahead at three places in a thousand gains more than a keep needs:
# the final claim, which is made once, finds it with a chance of 97 in 100.
PLACES = {'search': (160, 96), 'confirm': (160, 96), 'final': (1200, 400)}
AGREEMENT_NATS, DRIFT_NATS = 0.25, 0.005  # bfloat16 in another batch shape differs by less than 0.1 at one place
NORMAL_NATS, CAUSAL_NATS = 1e-3, 0.01
CAUSAL_ROWS, CAUSAL_PIECES = 8, {'search': 1, 'confirm': 1, 'final': 16}
CLAIMED_BPB = 0.003  # the script's compiled evaluation against ours; the same weights, another order of sums
STEP_MS, PACE = 500.0, 0.02  # one step's tolerance of the cap; lines are stamped a little after they are printed
MOST_HEARD = 4 << 20
FLOOR_BPB = 0.95  # below every honest score there is: what a search finds there is a leak


class Missed(Exception):
    """A gate was missed before there was a score."""

    def __init__(self, missed_gate):
        super().__init__(missed_gate['name'])
        self.gate = missed_gate


class Text:
    """Held-out tokens in pieces, and how many bytes each token stands for."""

    def __init__(self, folder):
        self.folder = folder
        self.base, self.space, self.boundary = np.load(os.path.join(folder, 'bytes.npy'))
        with open(os.path.join(folder, 'account.json')) as file:
            self.account = json.load(file)

    def pieces(self, name):
        pieces = np.load(os.path.join(self.folder, f'{name}.npy'), mmap_mode='r')
        counted = int(sum(self.bytes(np.asarray(piece)).sum() for piece in pieces))
        if counted != self.account[name]:
            raise RuntimeError(f'{name}.npy stands for {counted} bytes, and {self.account[name]} were counted when it was decoded')  # S5
        return pieces

    def bytes(self, tokens):
        """Bytes of every token but the first of each row."""
        before, after = tokens[..., :-1], tokens[..., 1:]
        return self.base[after].astype(np.int64) + (self.space[after].astype(bool) & ~self.boundary[before].astype(bool))


def rows_of(piece, context):
    """Rows of `context` tokens and the one that follows each, side by side as upstream lays them."""
    count = (len(piece) - 1) // context
    return np.stack([piece[k * context:(k + 1) * context + 1] for k in range(count)])


def nats_of(predictor, rows, context):
    """Nats of every token of some rows (S7)."""
    said = predictor.ask(LOSSES, rows, context)
    if not np.isfinite(said).all():
        raise Missed(gate('not_finite', 1, 0, False))
    if said.min() < -NORMAL_NATS:
        raise Missed(gate('normalised', bounded(-said.min()), NORMAL_NATS, False))
    return said


def ask_all(predictor, text, pieces, order, context):
    """Nats and bytes of every piece, in a secret order; every row with what was answered for it."""
    nats = total = 0.0
    kept = []
    for k in order:
        rows = rows_of(np.asarray(pieces[k]), context)
        said = nats_of(predictor, rows, context)
        nats, total = nats + said.sum(), total + text.bytes(rows).sum()
        kept.append((k, said.astype(np.float32)))
    return nats, total, kept


def choose(kept, pieces, context, generator, uniform, suspicious):
    """Places to ask again: (row of tokens, position, what was answered first, whether it was drawn at random)."""
    counts = np.ones(65536)
    for k, _ in kept:
        counts += np.bincount(np.asarray(pieces[k]), minlength=65536)
    surprise = -np.log(counts / counts.sum())
    drawn = []
    for _ in range(64 * (uniform + suspicious)):
        k, said = kept[generator.integers(len(kept))]
        row, position = generator.integers(said.shape[0]), generator.integers(context)
        tokens = np.asarray(pieces[k][row * context:(row + 1) * context + 1])
        drawn.append((tokens, int(position), float(said[row, position]), len(drawn) < uniform))
    gains = sorted(drawn[uniform:], key=lambda place: place[2] - surprise[place[0][place[1] + 1]])
    return drawn[:uniform] + gains[:suspicious]


def audit(auditor, places, vocabulary):
    """The largest and the mean difference, and how far any distribution is from summing to 1 (S2)."""
    differences, worst = [], 0.0
    for tokens, position, first, is_uniform in sorted(places, key=lambda place: place[1]):
        answer = auditor.ask(DISTRIBUTION, tokens[None, :position + 1], vocabulary)[0]
        worst = max(worst, abs(math.log(max(np.exp(answer).sum(), 1e-300))) if np.isfinite(answer).all() else 1e9)
        differences.append((-answer[tokens[position + 1]] - first, is_uniform))
    moved = max(abs(difference) for difference, _ in differences)
    drift = abs(float(np.mean([difference for difference, is_uniform in differences if is_uniform])))
    return bounded(moved), bounded(drift), bounded(worst)


def causal(predictor, kept, pieces, context, generator):
    """How far answers before a change of later tokens move when the rows are asked again (S3)."""
    k, said = kept[generator.integers(len(kept))]
    rows = rows_of(np.asarray(pieces[k]), context).copy()
    chosen = generator.choice(len(rows), min(CAUSAL_ROWS, len(rows)), replace=False)
    cuts = generator.integers(1, context, len(chosen))
    largest = rows.max() + 1
    for row, cut in zip(chosen, cuts):
        rows[row, cut + 1:] = generator.integers(0, largest, context - cut)
    again = predictor.ask(LOSSES, rows, context)
    return bounded(max(float(np.abs(again[row, :cut] - said[row, :cut]).max()) for row, cut in zip(chosen, cuts)))


def bounded(number):
    return float(number) if np.isfinite(number) and number < 1e9 else 1e9


def gate(name, value, limit, passed):
    return {'name': name, 'value': float(value), 'limit': float(limit), 'passed': bool(passed)}


def judge_claims(said, request, decoy_bpb, budget_ms):
    """Gates of S4, for what was claimed."""
    gates = []
    with open(os.path.join(request['recipe'], 'train_gpt.py'), encoding='utf-8', newline='') as file:
        weighed = request['artifactBytes'] + len(file.read().encode('utf-8'))
    if 'total_bytes' in said:
        gates.append(gate('claimed_bytes', said['total_bytes'], weighed, said['total_bytes'] == weighed))
    if 'bpb' in said:
        gates.append(gate('claimed_decoy_bpb', said['bpb'], decoy_bpb, abs(said['bpb'] - decoy_bpb) <= CLAIMED_BPB))
    if 'train_ms' in said:
        gates.append(gate('claimed_train_ms', said['train_ms'], budget_ms + STEP_MS, said['train_ms'] <= budget_ms + STEP_MS))
    if 'paced_ms' in said:
        gates.append(gate('claimed_pace_ms', said['paced_ms'], said['stamped_ms'], abs(said['paced_ms'] - said['stamped_ms']) <= 1000 + PACE * said['stamped_ms']))
    return gates


def score_claim(request, connection):
    """The last record that the script prints of the sealed artifact (S6)."""
    heard, began = bytearray(), time.monotonic()
    while len(heard) < MOST_HEARD:
        piece = connection.recv(65536)
        if not piece:
            break
        heard += piece
    lines = [(time.monotonic() - began, line) for line in heard.decode('utf-8', 'replace').split('\n')]
    if sum(line == 'brigade: loaded' for _, line in lines) > 1:
        raise Tampered('the script printed a line of the evaluator\'s own')
    record = claims.last_record(lines)
    if record is None:
        raise HungUp('predictor')
    said = claims.read(claims.stamped(request['logs']['train'])) if 'train' in request['logs'] else {}
    said.pop('bpb', None)  # of the decoy
    gates = [*judge_claims(said, request, None, budget_ms(request)), gate('plausible', record['bpb'], FLOOR_BPB, record['bpb'] >= FLOOR_BPB)]
    metrics = {'val_loss': record['loss'], 'claimed_eval_ms': record['eval_ms'], **{f'claimed_{name}': value for name, value in said.items() if name in ('train_ms', 'steps', 'total_bytes', 'memory_mib')}}
    return {'kind': 'scored', 'score': record['bpb'], 'metrics': metrics, 'gates': gates, 'scoreSource': 'recipe'}


def score(request, predictor, auditor):
    generator = np.random.Generator(np.random.PCG64(int(request['seed'], 16)))
    text = Text(os.path.join(request['data'], 'held-out'))
    pieces = text.pieces(request['purpose'])
    decoy = np.load(os.path.join(text.folder, 'decoy.npy'))
    told, most = predictor.ask(CONTEXT, np.zeros((0, 0)), 1)[0, 0], min(MOST_CONTEXT, len(pieces[0]) - 1, len(decoy) - 1)
    if not 2 <= told <= most:  # at least one place before the last, and one row to a piece
        return missed(gate('context', bounded(told), most, False))
    context = int(told)
    nats, total, kept = ask_all(predictor, text, pieces, generator.permutation(len(pieces)), context)
    moved = max(causal(predictor, kept, pieces, context, generator) for _ in range(CAUSAL_PIECES[request['purpose']]))
    places = choose(kept, pieces, context, generator, *PLACES[request['purpose']])
    decoy_nats, decoy_bytes = 0.0, 0
    rows = rows_of(decoy, context)
    for start in range(0, len(rows), 64):
        decoy_nats += nats_of(predictor, rows[start:start + 64], context).sum()
        decoy_bytes += text.bytes(rows[start:start + 64]).sum()
    said = claims.read(claims.stamped(request['logs']['train'])) if 'train' in request['logs'] else {}
    official = {}
    if request['purpose'] == 'final':  # the whole validation set, as upstream's leaderboard has it: told, never the score
        others = [ask_all(predictor, text, text.pieces(name), range(len(text.pieces(name))), context)[:2] for name in SETS[:2]]
        official = {'official_bpb': (nats + sum(one for one, _ in others)) / math.log(2) / (total + sum(one for _, one in others))}
    largest, drift, sums = audit(auditor, places, text.base.shape[0])
    auditor.finish()
    predictor.finish()
    bpb = nats / math.log(2) / total
    decoy_bpb = decoy_nats / math.log(2) / decoy_bytes
    if not math.isfinite(bpb):
        return missed(gate('not_finite', 1, 0, False))
    gates = [
        gate('audit', largest, AGREEMENT_NATS, largest <= AGREEMENT_NATS), gate('drift', drift, DRIFT_NATS, drift <= DRIFT_NATS),
        gate('normalised', sums, NORMAL_NATS, sums <= NORMAL_NATS), gate('causal', moved, CAUSAL_NATS, moved <= CAUSAL_NATS),
        *judge_claims(said, request, decoy_bpb, budget_ms(request)), gate('plausible', bpb, FLOOR_BPB, bpb >= FLOOR_BPB),
    ]
    metrics = {'val_loss': nats / sum(len(rows_of(np.asarray(pieces[k]), context)) * context for k, _ in kept), 'decoy_bpb': decoy_bpb, 'context': context, 'audited': len(places), **official,
               **{f'claimed_{name}': value for name, value in said.items() if name in ('bpb', 'train_ms', 'steps', 'total_bytes', 'memory_mib', 'eval_ms')}}
    return {'kind': 'scored', 'score': bpb, 'metrics': {name: float(value) for name, value in metrics.items() if math.isfinite(value)}, 'gates': gates}


def budget_ms(request):
    """The cap the script was told, in milliseconds."""
    return 1000 * request['budgets']['train']


def missed(one):
    return {'kind': 'scored', 'score': None, 'metrics': {}, 'gates': [one]}


def main():
    request = json.loads(sys.stdin.read())
    try:
        with open(os.path.join(request['data'], 'tokenizer', 'declared.json')) as file:
            is_claimed = json.load(file)['score'] == 'claims'
        result = score_claim(request, socket.socket(fileno=3)) if is_claimed else score(request, Predictor(3, 'predictor'), Predictor(4, 'auditor'))
    except Missed as error:
        result = missed(error.gate)
    except HungUp as error:
        result = {'kind': 'hung-up', 'who': str(error)}
    except Tampered as error:
        result = {'kind': 'tampered', 'what': str(error), 'where': 'descriptor 3'}
    print(json.dumps(result, allow_nan=False), flush=True)


if __name__ == '__main__':
    main()
