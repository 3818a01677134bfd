import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { directionOf, findPython, namesIn, patternFor, rangeOf, readCommand, valuesIn } from '../../src/adapters/starter/index.ts';
import { findToolchain, projectRoot } from '../../src/adapters/toolchain/index.ts';

test.each([
  ['python train.py --epochs 1', ['{python}', 'train.py', '--epochs', '1'], { kind: 'script', name: 'train.py' }],
  ['python3.11 -u ./src/train.py', ['{python}', '-u', './src/train.py'], { kind: 'script', name: 'src/train.py' }],
  ['uv run --extra cpu train.py --lr=0.1', ['{python}', 'train.py', '--lr=0.1'], { kind: 'script', name: 'train.py' }],
  ['conda run -n lm python -m lm.train', ['{python}', '-m', 'lm.train'], { kind: 'module', name: 'lm.train' }],
  ['torchrun --nproc_per_node=1 train.py', ['{python}', '-m', 'torch.distributed.run', '--nproc_per_node=1', 'train.py'], { kind: 'script', name: 'train.py' }],
  [`python train.py --title 'two words' "a \\"b\\""`, ['{python}', 'train.py', '--title', 'two words', 'a "b"'], { kind: 'script', name: 'train.py' }],
])('the command %s is read as its interpreter, script and words', (line, words, start) => {
  expect(readCommand(line)).toMatchObject({ kind: 'read', command: { words, start } });
});

test('variables in front of a command are its environment, and the options it is given are known', () => {
  expect(readCommand('FAST=1 NAME= python train.py --lr 0.1 --max_iters=5 -v')).toMatchObject({ command: { env: { FAST: '1', NAME: '' }, options: ['--lr', '--max_iters'] } });
});

test.each([['python a.py | tee log', '`|` needs a shell'], ['python a.py && python b.py', '`&` needs a shell'], ['python $SCRIPT', '`$` needs a shell'], ['python "a.py', 'is never closed'], ['X=1', 'it names no program']])('%s is refused, because there is no shell', (line, why) => {
  expect(readCommand(line)).toMatchObject({ kind: 'refused', why: expect.stringContaining(why) as string });
});

test.each([
  ['val_loss', 'step 20: train loss 4.28, val loss 4.1', 4.1], ['val_loss', '{"train_loss": 1, "val_loss": 2.5e-3}', 0.0025], ['accuracy', 'Test: Accuracy = 0.93', 0.93],
  ['valid_ppl', '| end of epoch 1 | valid loss 6.88 | valid ppl   972.97', 972.97], ['loss', 'my_loss: 3, loss: 1,234.5', 1234.5], ['val/loss', 'val/loss: nan', NaN], ['loss', 'loss: -inf', -Infinity],
  ['test_accuracy', '[49/50] | Test-Accuracy: \u001b[1;32m97.3%\u001b[0m |', 97.3],
])('%s is found in %j', (metric, line, value) => {
  expect(valuesIn(line, patternFor(metric))).toEqual([value]);
});

test('a metric is not found in another whose name ends or begins like it', () => {
  expect(valuesIn('total_loss: 3\nlossy: 4\nloss3 = 5', patternFor('loss'))).toEqual([]);
});

test('the names before the numbers of a log are listed, which way is better follows from a name that says so, and how large it can be from what was seen', () => {
  expect(namesIn('epoch: 1 val_loss: 2.0 acc: 0.3\nepoch: 2 val_loss: 1.0 acc: 0.4')).toEqual(expect.arrayContaining(['val_loss', 'epoch']));
  expect(namesIn('val_loss: \u001b[33m2.0\u001b[0m')).toEqual(['val_loss']);
  expect(['val_loss', 'accuracy', 'foo'].map(directionOf)).toEqual(['minimize', 'maximize', null]);
  expect([rangeOf('accuracy', [0.3]), rangeOf('accuracy', [93]), rangeOf('val_loss', [2]), rangeOf('reward', [-2])]).toEqual([[0, 1], [0, 100], [0, 1e9], [-1e9, 1e9]]);
});

let root: string;
let real: string;
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'brigade-environments-')));
  real = (await findToolchain(projectRoot())).python;
  for (const folder of ['active/bin', 'conda/bin', 'project/.venv/bin', 'path', 'bare']) await mkdir(join(root, folder), { recursive: true });
  for (const at of ['active/bin/python', 'conda/bin/python', 'project/.venv/bin/python', 'path/python3']) await symlink(real, join(root, at));
});
afterAll(() => rm(root, { recursive: true, force: true }));

test('the interpreter is the one named, else the active environment\'s, else the project\'s own, else the one on PATH', async () => {
  const find = async (folder: string, named: string | null, environment: Readonly<Record<string, string>>): Promise<string> => {
    const found = await findPython({ folder: join(root, folder), named, environment });
    return found.kind === 'found' ? found.python.path.slice(root.length + 1) : 'none';
  };
  const everything = { VIRTUAL_ENV: join(root, 'active'), CONDA_PREFIX: join(root, 'conda'), PATH: join(root, 'path') };
  expect(await find('project', join(root, 'conda'), everything)).toBe('conda/bin/python');
  expect(await find('project', null, everything)).toBe('active/bin/python');
  expect(await find('project', null, { ...everything, VIRTUAL_ENV: '' })).toBe('conda/bin/python');
  expect(await find('project', null, { PATH: everything.PATH })).toBe('project/.venv/bin/python');
  expect(await find('bare', null, { PATH: everything.PATH })).toBe('path/python3');
  expect(await find('bare', '../conda/bin/python', {})).toBe('conda/bin/python');
  expect(await find('bare', null, { PATH: join(root, 'bare') })).toBe('none');
});
