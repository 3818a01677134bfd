"""Holds our reading of CORE against upstream's own, on its own model class: python against_upstream.py CHECKOUT EVALUATOR. Prints one JSON object.

Upstream's evaluate_task asks a small random GPT of its own; our prepare.py renders the same questions, our predictor answers them and our scorer counts.
"""
import csv
import json
import os
import random
import sys
import tarfile
import tempfile
import types

checkout, evaluator, packages = sys.argv[1:4]
sys.path[:0] = [checkout, evaluator]
sys.dont_write_bytecode = True

import numpy as np
import torch

from nanochat import core_eval
from nanochat.gpt import GPT, GPTConfig

import predictor
import prepare
import scorer

WORDS = 'the a cat dog sat ran on under mat hat red blue big small house tree old new bird fish'.split()
rng = random.Random(3)
phrase = lambda count: ' '.join(rng.choice(WORDS) for _ in range(count))


class Letters:
    def get_bos_token_id(self):
        return 0

    def __call__(self, texts, prepend):
        return [[prepend] + [1 + ord(letter) % 63 for letter in text] for text in texts]


folder = tempfile.mkdtemp()
os.makedirs(f'{folder}/bundle/eval_data')
kinds, tasks = ('multiple_choice', 'schema', 'language_modeling'), []
for k in range(22):
    kind = kinds[k % 3]
    with open(f'{folder}/bundle/eval_data/{k}.jsonl', 'w') as file:
        for _ in range(5):
            item = {'multiple_choice': {'query': phrase(4), 'choices': [phrase(2) for _ in range(3)], 'gold': rng.randrange(3)},
                    'schema': {'context_options': [phrase(3), phrase(2)], 'continuation': phrase(2), 'gold': rng.randrange(2)},
                    'language_modeling': {'context': phrase(4), 'continuation': rng.choice('ab')}}[kind]
            file.write(json.dumps(item) + '\n')
    tasks.append({'label': f'task_{k}', 'icl_task_type': kind, 'dataset_uri': f'{k}.jsonl', 'num_fewshot': [k % 3]})
sys.modules['yaml'] = types.SimpleNamespace(safe_load=json.load)
with open(f'{folder}/bundle/core.yaml', 'w') as file:
    json.dump({'icl_tasks': tasks}, file)
with open(f'{folder}/bundle/eval_meta_data.csv', 'w') as file:
    csv.writer(file).writerows([['Eval Task', 'Random baseline'], *([task['label'], 25] for task in tasks)])
tokenizer = Letters()
prepare.write_questions(folder, core_eval, tokenizer, f'{folder}/bundle')

torch.manual_seed(1)
config = {'sequence_len': 512, 'vocab_size': 64, 'n_layer': 2, 'n_head': 2, 'n_kv_head': 2, 'n_embd': 32, 'window_pattern': 'L'}
model = GPT(GPTConfig(**config))
model.init_weights()
torch.nn.init.normal_(model.lm_head.weight, std=0.5)
torch.save(model.state_dict(), f'{folder}/model.pt')
with open(f'{folder}/meta.json', 'w') as file:
    json.dump({'step': 1, 'model_config': config}, file)
with tarfile.open(f'{folder}/model.tar', 'w') as archive:
    for name in ('model.pt', 'meta.json'):
        archive.add(f'{folder}/{name}', name)
loaded, vocabulary = predictor.load(f'{folder}/model.tar', torch.device('cpu'))


class Asked:
    def ask(self, kind, tokens, columns):
        answer = predictor.said(loaded, vocabulary, kind, torch.from_numpy(np.ascontiguousarray(tokens).astype(np.int64)))
        assert answer.shape == (len(tokens), columns)
        return answer.numpy().astype(float)


questions = scorer.Questions(folder)
ours, places = scorer.answer_core(Asked(), questions, np.arange(len(questions.number)), np.random.default_rng(0))
theirs = {}
for task in tasks:
    with open(f"{folder}/bundle/eval_data/{task['dataset_uri']}") as file:
        data = [json.loads(line) for line in file]
    random.Random(1337).shuffle(data)
    meta = {'task_type': task['icl_task_type'], 'dataset_uri': task['dataset_uri'], 'num_fewshot': task['num_fewshot'][0], 'continuation_delimiter': ' '}
    theirs[task['label']] = core_eval.evaluate_task(model.eval(), tokenizer, data, 'cpu', meta)
sample = [(np.asarray(questions.row(k)).astype(np.int64), position, nats, likeliest) for kind in places for k, position, nats, likeliest in places[kind][:40] if position > 0]
print(json.dumps({'ours': ours, 'theirs': theirs, 'audit': scorer.audit(Asked(), sample, vocabulary), 'audited': len(sample)}))
