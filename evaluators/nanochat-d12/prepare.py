"""Renders nanochat-d12's held-out questions with upstream's own code: python prepare.py OUT CHECKOUT BASE ROWS WIDTH

  D1. Prompts, few-shot examples, tokens and the places of the answers are what upstream's core_eval makes; ours only writes them down instead of asking a model.
  D2. An example's number decides its part: the scorer deals them to search, confirm and final in turn. Few-shot examples come from the whole task, as upstream's do.
  D3. Validation rows are what upstream's loader yields for its validation split.
"""
import csv
import json
import os
import random
import sys

import numpy as np


class Rendered(Exception):
    """Raised where a model would be asked."""


def render(core_eval, tokenizer, data, index, meta):
    """Rows of tokens of one example with where its answer begins and ends (D1)."""
    seen = []

    def noting(own):
        def batch(*given):
            seen[:] = [own(*given)]
            return seen[0]
        return batch

    names = ('batch_sequences_mc', 'batch_sequences_schema', 'batch_sequences_lm')
    owns = {name: getattr(core_eval, name) for name in (*names, 'forward_model')}

    def ask(*_):
        raise Rendered

    try:
        for name in names:
            setattr(core_eval, name, noting(owns[name]))
        core_eval.forward_model = ask
        core_eval.evaluate_example(index, None, tokenizer, data, 'cpu', meta)
    except Rendered:
        return seen[0]
    finally:
        for name, own in owns.items():
            setattr(core_eval, name, own)
    sys.exit('core_eval.evaluate_example no longer asks forward_model: this checkout is not of the commit that the surface pins')


def write_questions(out, core_eval, tokenizer, bundle):
    import yaml

    with open(os.path.join(bundle, 'core.yaml'), encoding='utf-8') as file:
        tasks = yaml.safe_load(file)['icl_tasks']
    with open(os.path.join(bundle, 'eval_meta_data.csv'), encoding='utf-8') as file:
        chances = {row['Eval Task']: float(row['Random baseline']) for row in csv.DictReader(file)}
    tokens, offsets, rows, examples = [], [0], [], []
    for number, task in enumerate(tasks):
        meta = {'task_type': task['icl_task_type'], 'dataset_uri': task['dataset_uri'], 'num_fewshot': task['num_fewshot'][0], 'continuation_delimiter': task.get('continuation_delimiter', ' ')}
        with open(os.path.join(bundle, 'eval_data', task['dataset_uri']), encoding='utf-8') as file:
            data = [json.loads(line) for line in file]
        random.Random(1337).shuffle(data)
        for index, item in enumerate(data):
            for row, start, end in zip(*render(core_eval, tokenizer, data, index, meta)):
                tokens.append(np.asarray(row, dtype='<u2'))
                offsets.append(offsets[-1] + len(row))
                rows.append((len(examples), start, end))
            exact = meta['task_type'] == 'language_modeling'
            examples.append((number, 0 if exact else item['gold'], exact, index))
        print(f"{task['label']}: {len(data)} examples", file=sys.stderr, flush=True)
    save = lambda name, array: np.save(os.path.join(out, f'{name}.npy'), array)
    save('tokens', np.concatenate(tokens))
    save('offsets', np.asarray(offsets, dtype=np.int64))
    for name, column in zip(('row_example', 'row_start', 'row_end'), zip(*rows)):
        save(name, np.asarray(column, dtype=np.int64))
    for name, column in zip(('example_task', 'example_gold', 'example_exact', 'example_number'), zip(*examples)):
        save(name, np.asarray(column, dtype=np.int64))
    labels = [task['label'] for task in tasks]
    with open(os.path.join(out, 'tasks.json'), 'w') as file:
        json.dump([labels, {label: chances[label] for label in labels}], file)


def main(out, checkout, base, rows, width):
    os.environ['NANOCHAT_BASE_DIR'] = base
    sys.path.insert(0, checkout)
    sys.dont_write_bytecode = True
    from nanochat import core_eval
    from nanochat.dataloader import tokenizing_distributed_data_loader_bos_bestfit as loader
    from nanochat.tokenizer import get_token_bytes, get_tokenizer

    tokenizer = get_tokenizer()
    write_questions(out, core_eval, tokenizer, os.path.join(base, 'eval_bundle'))
    text, batches = [], loader(tokenizer, 8, int(width), 'val', device='cpu')
    while sum(map(len, text)) < int(rows):
        inputs, targets = next(batches)  # D3
        text.append(np.concatenate([inputs.numpy(), targets.numpy()[:, -1:]], axis=1).astype('<u2'))
    np.save(os.path.join(out, 'text.npy'), np.concatenate(text)[:int(rows)])
    np.save(os.path.join(out, 'token_bytes.npy'), get_token_bytes(device='cpu').numpy().astype(np.int64))


if __name__ == '__main__':
    main(*sys.argv[1:])
