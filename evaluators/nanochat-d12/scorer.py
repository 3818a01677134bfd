"""Computes CORE and bits per byte of a nanochat model outside the sandbox, from questions that upstream's own code rendered at set-up.

  S1. Which answer is right, and where in a row it is asked for, never leaves this process: the predictor is sent rows of tokens in a secret order.
  S2. Secret places are asked again of a fresh predictor that is given only what comes before them, and must answer with a whole distribution.
      Most are where a likeliest token was counted as right: a model that reads ahead gains there.
  S3. What the recipe claims of CORE is recomputed from the tasks it names; a difference is a missed gate that carries both numbers.
  S4. Nats are never below zero: one place that answered far less would be worth more than any model, and no audit would draw it.
"""
import json
import math
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import numpy as np  # noqa: E402

import claims  # noqa: E402
from connection import DISTRIBUTION, LOSSES, HungUp, Predictor, Tampered  # noqa: E402

SETS = ('search', 'confirm', 'final')
BATCH_TOKENS = 65536
AUDITED = {'exact': 128, 'choice': 64, 'text': 64}
AGREEMENT_NATS, DRIFT_NATS, NORMAL_NATS = 0.25, 0.005, 1e-3
SAME_TOKEN, TIE_NATS = 0.99, 0.25  # of audited places whose likeliest token must be as likely again as any; ties move in bfloat16
CLAIMED_CORE = 1e-4
CEILING_CORE = 0.6  # no model of this size gets near it: what a search finds there is a leak


class Missed(Exception):
    """A gate was missed before there was a score."""

    def __init__(self, missed_gate):
        super().__init__(missed_gate['name'])
        self.gate = missed_gate


class Questions:
    """Rows of tokens; the examples they belong to; where in them the answer stands."""

    def __init__(self, folder):
        load = lambda name: np.load(os.path.join(folder, f'{name}.npy'), mmap_mode='r')
        self.tokens, self.offsets, self.example, self.start, self.end = map(load, ('tokens', 'offsets', 'row_example', 'row_start', 'row_end'))
        self.task, self.gold, self.exact, self.number = map(load, ('example_task', 'example_gold', 'example_exact', 'example_number'))
        with open(os.path.join(folder, 'tasks.json')) as file:
            self.names, self.chances = json.load(file)
        if len(self.names) != claims.TASKS:
            raise RuntimeError(f'held-out/tasks.json has {len(self.names)} tasks, not {claims.TASKS}: set the surface up again')

    def row(self, k):
        return self.tokens[self.offsets[k]:self.offsets[k + 1]]


def ask_rows(predictor, rows, generator):
    """(row number, nats, likeliest tokens) of every row, asked in batches of like length in a secret order."""
    order = sorted(rows, key=lambda item: (len(item[1]), item[0]))
    batches, batch = [], []
    for item in order:
        if batch and (len(batch) + 1) * len(item[1]) > BATCH_TOKENS:
            batches.append(batch)
            batch = []
        batch.append(item)
    batches.append(batch)
    for chosen in generator.permutation(len(batches)):
        batch = batches[chosen]
        batch = [batch[k] for k in generator.permutation(len(batch))]
        width = max(len(tokens) for _, tokens in batch)
        asked = np.stack([np.concatenate([tokens, np.full(width - len(tokens), tokens[0])]) for _, tokens in batch])
        answers = predictor.ask(LOSSES, asked, 2 * (width - 1))
        for (number, tokens), answer in zip(batch, answers):
            length = len(tokens) - 1
            if (answer[:length] < -NORMAL_NATS).any():  # S4
                raise Missed(gate('normalised', bounded(-answer[:length].min()), NORMAL_NATS, False))
            yield number, answer[:length], answer[width - 1:width - 1 + length]


def answer_core(predictor, questions, chosen, generator):
    """Accuracy by task over the chosen examples, and every place that decided one."""
    wanted = np.flatnonzero(np.isin(questions.example, chosen))
    right, best, places = {}, {}, {'exact': [], 'choice': []}
    for k, nats, likeliest in ask_rows(predictor, [(int(k), np.asarray(questions.row(k))) for k in wanted], generator):
        example, start, end = int(questions.example[k]), int(questions.start[k]), int(questions.end[k])
        span = slice(start - 1, end - 1)
        if questions.exact[example]:
            right[example] = bool((likeliest[span] == np.asarray(questions.row(k))[start:end]).all())
            if right[example]:
                places['exact'] += [(k, position, nats[position], likeliest[position]) for position in range(start - 1, end - 1)]
        else:
            mean = float(nats[span].mean())
            best.setdefault(example, []).append((mean if math.isfinite(mean) else math.inf, k))
            position = int(generator.integers(start - 1, end - 1))  # any place that counts, for a model could read ahead at all but one
            places['choice'].append((k, position, nats[position], likeliest[position]))
    for example, choices in best.items():
        chosen_row = min(choices, key=lambda choice: (choice[0], choice[1]))[1]
        right[example] = chosen_row - min(k for _, k in choices) == int(questions.gold[example])
    by_task = {}
    for example, is_right in right.items():
        by_task.setdefault(questions.names[int(questions.task[example])], []).append(is_right)
    return {task: sum(answers) / len(answers) for task, answers in by_task.items()}, places


def answer_text(predictor, rows, token_bytes, generator):
    """Nats and bytes of validation rows, tokens that stand for no byte left out as upstream does; and places for the audit."""
    total = counted = 0.0
    places = []
    for k, nats, likeliest in ask_rows(predictor, list(enumerate(rows)), generator):
        weights = token_bytes[np.asarray(rows[k])[1:]]
        total, counted = total + float(nats[weights > 0].sum()), counted + int(weights.sum())
        position = int(generator.integers(1, len(nats)))
        places.append((k, position, nats[position], likeliest[position]))
    return total, counted, places


def audit(auditor, drawn, vocabulary):
    """Largest and mean difference in nats, how far a distribution is from summing to 1, and the share of places with the same likeliest token (S2)."""
    differences, worst, same = [], 0.0, []
    for row, position, nats, likeliest in sorted(drawn, key=lambda place: place[1]):
        answer = auditor.ask(DISTRIBUTION, row[None, :position + 1], vocabulary)[0]
        worst = max(worst, abs(math.log(max(np.exp(answer).sum(), 1e-300))) if np.isfinite(answer).all() else 1e9)
        differences.append(-answer[row[position + 1]] - nats)
        same.append(0 <= likeliest < len(answer) and answer[int(likeliest)] >= answer.max() - TIE_NATS)
    return bounded(np.abs(differences).max()), bounded(abs(np.mean(differences))), bounded(worst), float(np.mean(same))


def bounded(number):
    return float(number) if np.isfinite(number) and number < 1e9 else 1e9


def gate(name, value, limit, passed):
    return {'name': name, 'value': float(value), 'limit': float(limit), 'passed': bool(passed)}


def judge_claims(said, tasks, chances):
    """S3, for a recipe that prints a CORE of its own."""
    if not tasks and 'core' not in said:
        return []
    gates = [gate('core_tasks', len(tasks), claims.TASKS, len(tasks) == claims.TASKS and all(task in chances for task in tasks))]
    if gates[0]['passed'] and 'core' in said:
        recomputed = claims.core(tasks, chances)
        gates.append(gate('claimed_core', said['core'], recomputed, abs(said['core'] - recomputed) <= CLAIMED_CORE))
    return gates


def score(request, predictor, auditor):
    generator = np.random.Generator(np.random.PCG64(int(request['seed'], 16)))
    folder = os.path.join(request['data'], 'held-out')
    questions, token_bytes = Questions(folder), np.load(os.path.join(folder, 'token_bytes.npy'))
    text = np.load(os.path.join(folder, 'text.npy'), mmap_mode='r')
    part = SETS.index(request['purpose'])
    share = np.asarray(questions.number) % len(SETS)
    accuracies, places = answer_core(predictor, questions, np.flatnonzero(share == part), generator)
    nats, counted, seen = answer_text(predictor, text[part::len(SETS)], token_bytes, generator)
    row_of = {'exact': questions.row, 'choice': questions.row, 'text': lambda k: text[part::len(SETS)][k]}
    places['text'] = seen
    drawn = [(np.asarray(row_of[kind](k)).astype(np.int64), position, first, likeliest) for kind, count in AUDITED.items()
             for k, position, first, likeliest in (places[kind][i] for i in generator.permutation(len(places[kind]))[:count]) if position > 0]
    official = {}
    if request['purpose'] == 'final':  # every question, as upstream counts: told, never the score
        whole, _ = answer_core(predictor, questions, np.arange(len(share)), generator)
        official = {'official_core': claims.core(whole, questions.chances)}
    largest, drift, sums, same = audit(auditor, drawn, len(token_bytes))
    auditor.finish()
    predictor.finish()
    said, tasks = claims.read(claims.stamped(request['logs']['train'])) if 'train' in request['logs'] else ({}, {})
    core, bpb = claims.core(accuracies, questions.chances), nats / math.log(2) / counted
    if not math.isfinite(bpb):
        return {'kind': 'scored', 'score': None, 'metrics': {}, 'gates': [gate('not_finite', 1, 0, False)]}
    gates = [
        gate('audit', largest, AGREEMENT_NATS, largest <= AGREEMENT_NATS), gate('drift', drift, DRIFT_NATS, drift <= DRIFT_NATS), gate('normalised', sums, NORMAL_NATS, sums <= NORMAL_NATS),
        gate('same_token', same, SAME_TOKEN, same >= SAME_TOKEN), gate('tasks', len(accuracies), claims.TASKS, len(accuracies) == claims.TASKS),
        *judge_claims(said, tasks, questions.chances), gate('plausible', core, CEILING_CORE, core <= CEILING_CORE),
    ]
    without = {task: accuracy for task, accuracy in accuracies.items() if task != 'boolq'}
    metrics = {'core': core, 'core_without_boolq': claims.core(without, questions.chances), 'val_bpb': bpb, **official,
               **{f'accuracy_{task}': accuracy for task, accuracy in accuracies.items()}, **{f'claimed_{name}': value for name, value in said.items()}}
    return {'kind': 'scored', 'score': core, 'metrics': {name: float(value) for name, value in metrics.items()}, 'gates': gates}


def main():
    request = json.loads(sys.stdin.read())
    try:
        result = score(request, Predictor(3, 'predictor'), Predictor(4, 'auditor'))
    except Missed as error:
        result = {'kind': 'scored', 'score': None, 'metrics': {}, 'gates': [error.gate]}
    except HungUp as error:
        result = {'kind': 'hung-up', 'who': str(error)}
    except Tampered as error:
        result = {'kind': 'tampered', 'what': str(error), 'where': 'descriptor 3'}
    print(json.dumps(result, allow_nan=False), flush=True)


if __name__ == '__main__':
    main()
