import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Recipe } from '../../src/domain/recipe.ts';
import { python } from '../adversarial/sandboxed.ts';
import { fullScale, standIns, swap, upstream, type FullScale } from './full-scale-rig.ts';

// nanochat-d12 without a GPU: real programs of ours in the real sandbox, on made-up text and questions and a stand-in checkout; and upstream's own code where there is one.

const from = join(standIns, 'nanochat-d12');
const packages = ['yaml', 'pyarrow', 'tiktoken', 'rustbpe'].map((name) => `nanochat-d12/packages/${name}.py`);
const yaml = (text: string): string => swap(text,
  [/python: .*/, 'python: environment/bin/python'], [/(smoke|train), --depth=12\]/g, '$1, --depth=2, --device-type=cpu]'], [/harness\.py, (predict|audit)\]/g, 'harness.py, $1, --device-type=cpu]'],
  [/limits: .*/, 'limits: {memory: 2GB, processes: 64, openFiles: 256, scratch: 256MB, log: 1MB}']);
const recipe: Recipe = Object.fromEntries(['nanochat/gpt.py', 'scripts/base_train.py'].map((path) => [path, readFileSync(join(from, 'checkout', path), 'utf8')]));
let chat: FullScale;

beforeAll(() => {
  chat = fullScale('nanochat-d12', { yaml, packages });
  const [base, checkout] = [join(chat.root, 'base'), join(chat.root, 'checkout')];
  execFileSync(python, [join(from, 'make_base.py'), base]);
  cpSync(join(from, 'checkout'), checkout, { recursive: true });
  execFileSync('git', ['init', '-q', checkout]);
  execFileSync('git', ['-C', checkout, 'add', '.']);
  execFileSync('git', ['-C', checkout, '-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-q', '-m', 'stand-in']);
  writeFileSync(join(checkout, 'nanochat', 'stray.py'), 'raise SystemExit("git does not have this")\n');
  chat.prepare('--checkout', checkout, '--from', base, '--rows', '48', '--width', '64');
}, 120_000);
afterAll(() => chat[Symbol.asyncDispose]());

test('set-up hides the validation shard and the questions from training, and keeps upstream’s own files beside', async () => {
  const at = (set: string): string[] => readdirSync(join(chat.dataDir, 'nanochat-d12', set)).sort();
  expect(at('train')).toEqual(['shard_00000.parquet', 'shard_00001.parquet', 'shard_06542.parquet']);
  const text = (path: string): string => readFileSync(path, 'utf8');
  expect(text(join(chat.dataDir, 'nanochat-d12/train/shard_06542.parquet'))).toBe(text(join(chat.root, 'base/base_data_climbmix/shard_00002.parquet')));
  expect(at('pristine')).toEqual(['nanochat', 'scripts']);
  const tracked = execFileSync('git', ['-C', join(chat.root, 'checkout'), 'ls-files', 'nanochat', 'scripts'], { encoding: 'utf8' }).trim().split('\n');
  expect(tracked).not.toContain('nanochat/stray.py');
  expect([...at('pristine/nanochat').map((name) => `nanochat/${name}`), ...at('pristine/scripts').map((name) => `scripts/${name}`)]).toEqual(tracked);
  const { phases } = await chat.load();
  expect(Object.fromEntries(phases.map(({ name, data }) => [name, data]))).toEqual({ smoke: ['train', 'tokenizer', 'pristine'], train: ['train', 'tokenizer', 'pristine'], eval: ['pristine'] });
});

test('a recipe is trained with the evaluator’s seed in upstream’s place for one, and its CORE and bits per byte are computed outside; all canaries end as they should', { timeout: 300_000 }, async () => {
  const measured = await chat.measure(recipe, { purpose: 'final', canaries: true });
  expect(measured.failure).toBeNull();
  expect(measured.scoreSource).toBe('evaluator');
  expect(measured.score).toBe(measured.metrics['core']);
  expect(measured.score).toBeGreaterThan(0.1);
  expect(Object.keys(measured.metrics).filter((name) => name.startsWith('accuracy_'))).toHaveLength(22);
  expect(measured.metrics['val_bpb']).toBeLessThan(3);
  for (const name of ['core_without_boolq', 'official_core', 'claimed_decoy_bpb', 'claimed_train_minutes', 'claimed_memory_mib']) expect(measured.metrics).toHaveProperty(name);
  expect(measured.phases.map(({ name }) => name)).toEqual(['smoke', 'startup', 'train', 'pack', 'load', 'eval']);
  expect(measured.gates.map(({ name, passed }) => [name, passed])).toEqual(['audit', 'drift', 'normalised', 'same_token', 'tasks', 'plausible'].map((name) => [name, true]));
});

interface Judged { readonly name: string; readonly kind: string; readonly score?: number | null; readonly metrics: Readonly<Record<string, number>>; readonly gates: readonly { readonly name: string; readonly value: number; readonly limit: number; readonly passed: boolean }[] }
const stamped = (lines: readonly string[]): string => lines.map((line, i) => `${i}.000\t${line}\n`).join('');
const missed = (judged: Judged | undefined): readonly string[] => judged?.gates.filter(({ passed }) => !passed).map(({ name }) => name) ?? ['nothing was judged'];
describe('the scorer, on predictors and logs of every kind', () => {
  let judged: Map<string, Judged>;
  beforeAll(() => {
    const [labels] = JSON.parse(readFileSync(join(chat.dataDir, 'nanochat-d12/held-out/tasks.json'), 'utf8')) as [string[]];
    const task = (label: string): string => `Evaluating: ${label} (10-shot, type: language_modeling)... accuracy: 0.5500 | centered: 0.4000 | time: 12.31s`;
    const chances: Readonly<Record<string, number>> = { copa: 50, boolq: 62, hellaswag: 25, jeopardy: 0 };
    const core = labels.reduce((sum, label) => { const b = (chances[label] ?? 25) / 100; return sum + (0.55 - b) / (1 - b); }, 0) / 22;
    const rest = ['✓ Using Flash Attention 3: efficient, new and awesome.', 'Total training FLOPs estimate: 1.003700e+18', 'Step 02520 | Validation bpb: 0.846512', 'Peak memory usage: 60123.45MiB', 'Total training time: 4.71m', 'Minimum validation bpb: 0.846512'];
    const cases = [
      { name: 'honest', trick: 'none', log: stamped([...rest, ...labels.map(task), `Step 02520 | CORE metric: ${core.toFixed(4)}`]) },
      ...['reads-ahead', 'all-but-last', 'below-zero', 'others-than-likeliest', 'not-normalised', 'not-a-number', 'early', 'stale', 'leaves'].map((trick) => ({ name: trick, trick })),
      { name: 'one task short', trick: 'none', log: stamped(labels.slice(1).map(task)) },
      { name: 'another mean', trick: 'none', log: stamped([...labels.map(task), `Step 02520 | CORE metric: ${(core + 0.0002).toFixed(4)}`]) },
      { name: 'damaged', trick: 'none', log: stamped(['Step 02520 | CORE metric: nan', 'Step 2520 | CORE metric: 0.3000', 'Evaluating: x (0-shot, type: y)... accuracy: 0.5 | centered: 0.1 | time: 1s', 'Step 02520 | Validation bpb: inf', 'Total training time: 4.71']) },
    ];
    const said = execFileSync(python, [join(from, 'ask.py'), join(chat.root, 'evaluators/nanochat-d12/scorer.py'), join(chat.dataDir, 'nanochat-d12'), JSON.stringify(cases)], { encoding: 'utf8' });
    judged = new Map(said.trim().split('\n').map((line): Judged => JSON.parse(line) as Judged).map((one) => [one.name, one]));
  }, 120_000);

  test('an honest one scores, and every line of upstream’s is read as a claim', () => {
    const honest = judged.get('honest');
    expect(missed(honest)).toEqual([]);
    expect(honest?.metrics).toMatchObject({ claimed_decoy_bpb: 0.846512, claimed_least_decoy_bpb: 0.846512, claimed_memory_mib: 60123.45, claimed_train_minutes: 4.71, claimed_train_flops: 1.0037e18, claimed_flash_attention_3: 1 });
    expect(honest?.gates.map(({ name }) => name)).toEqual(expect.arrayContaining(['core_tasks', 'claimed_core']));
  });
  test.each([['reads-ahead', ['audit', 'same_token']], ['all-but-last', ['audit']], ['below-zero', ['normalised']], ['others-than-likeliest', ['same_token']], ['not-normalised', ['normalised']], ['not-a-number', ['not_finite']]])('%s misses %s', (trick, gates) => { expect(missed(judged.get(trick))).toEqual(expect.arrayContaining(gates)); });
  test.each(['early', 'stale'])('%s bytes are tampering', (trick) => { expect(judged.get(trick)).toMatchObject({ kind: 'tampered' }); });
  test('one that leaves is told as that', () => { expect(judged.get('leaves')).toMatchObject({ kind: 'hung-up', who: 'predictor' }); });
  test('a CORE that is not the mean of its 22 tasks misses a gate with both numbers', () => {
    const gate = judged.get('another mean')?.gates.find(({ name }) => name === 'claimed_core');
    expect(gate).toMatchObject({ passed: false });
    expect((gate?.value ?? 0) - (gate?.limit ?? 0)).toBeCloseTo(0.0002, 3);
  });
  test('21 tasks are not CORE', () => { expect(judged.get('one task short')?.gates).toContainEqual({ name: 'core_tasks', value: 21, limit: 22, passed: false }); });
  test('damaged lines claim nothing', () => { expect(Object.keys(judged.get('damaged')?.metrics ?? {}).filter((name) => name.startsWith('claimed_'))).toEqual(['claimed_flash_attention_3']); });
});

test('without a GPU the unmodified command refuses with a sentence', () => {
  if (existsSync('/dev/nvidia0')) { console.warn('not seen here: this machine has a GPU'); return; }
  const said = (): string => { try { return execFileSync(python, ['-I', join(chat.root, 'evaluators/nanochat-d12/harness.py'), 'train'], { encoding: 'utf8', stdio: 'pipe', env: {} }); } catch (error) { return String(error); } };
  expect(said()).toMatch(/nanochat-d12 runs on GPUs and this sandbox has none: give its slots GPUs, or run nanochat-mini/);
});

const real = upstream('BRIGADE_UPSTREAM_NANOCHAT', 'nanochat-d12');
describe.skipIf(real === null)('on upstream’s own tree', () => {
  test('our count of every task is that of upstream’s own core_eval, on its own GPT, and its audit agrees with itself', { timeout: 120_000 }, () => {
    const said = JSON.parse(execFileSync(python, [join(from, 'against_upstream.py'), real ?? '', join(chat.root, 'evaluators/nanochat-d12'), ''], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })) as { ours: Record<string, number>; theirs: Record<string, number>; audit: number[]; audited: number };
    expect(Object.keys(said.ours)).toHaveLength(22);
    for (const [task, accuracy] of Object.entries(said.theirs)) expect(said.ours[task], task).toBeCloseTo(accuracy, 6);
    expect(said.audited).toBeGreaterThan(20);
    expect(said.audit[0]).toBeLessThan(1e-3);
    expect(said.audit[3]).toBe(1);
  });

  test('its unmodified base_train, made small by its own options, trains, saves and is scored, with nothing but packages stood in for', { timeout: 600_000 }, async () => {
    const small = ['--max-seq-len=64', '--aspect-ratio=16', '--head-dim=16', '--num-iterations=12', '--device-batch-size=2', '--total-batch-size=128', '--eval-every=6', '--eval-tokens=256', '--window-pattern=L', '--device-type=cpu'];
    await using own = fullScale('nanochat-d12', {
      yaml: (text) => swap(yaml(text), [/(smoke|train), --depth=2, --device-type=cpu\]/g, `$1, --depth=2, ${small.join(', ')}]`]),
      packages: [...['yaml'].map((name) => `nanochat-d12/packages/${name}.py`), ...['tiktoken.py', 'rustbpe.py', 'requests.py', 'wandb.py', 'pyarrow'].map((name) => `nanochat-d12/real/${name}`)],
    });
    const base = join(own.root, 'base');
    execFileSync(python, [join(from, 'make_base.py'), base]);
    execFileSync(own.interpreter, ['-I', '-c', `import sys, runpy; sys.argv = ['', ${JSON.stringify(join(base, 'tokenizer'))}]; runpy.run_path(${JSON.stringify(join(from, 'real', 'make_tokenizer.py'))}, run_name='__main__')`]);
    own.prepare('--checkout', real ?? '', '--from', base, '--rows', '48', '--width', '64');
    const files = ['nanochat', 'scripts'].flatMap((part) => readdirSync(join(real ?? '', part)).filter((name) => name.endsWith('.py')).map((name) => `${part}/${name}`));
    const measured = await own.measure(Object.fromEntries(files.map((path) => [path, readFileSync(join(real ?? '', path), 'utf8')])));
    expect(measured.failure).toBeNull();
    expect(measured.phases.map(({ name }) => name)).toEqual(['smoke', 'startup', 'train', 'pack', 'load', 'eval']);
    expect(Object.keys(measured.metrics).filter((name) => name.startsWith('accuracy_'))).toHaveLength(22);
    expect(measured.metrics['val_bpb']).toBeCloseTo(measured.metrics['claimed_decoy_bpb'] ?? NaN, 0); // the same kind of text, by upstream's count and by ours
    expect(measured.gates.filter(({ passed }) => !passed)).toEqual([]);
  });

  test('what the harness relies on is there: the options, the seed, the names of checkpoints and the files of the model', () => {
    const text = (path: string): string => readFileSync(join(real ?? '', path), 'utf8');
    for (const option of ['--depth', '--run', '--model-tag', '--core-metric-every', '--sample-every', '--save-every', '--num-iterations', '--eval-every', '--device-type']) expect(text('scripts/base_train.py')).toContain(`"${option}"`);
    expect(text('nanochat/common.py')).toContain('manual_seed(42)');
    expect(text('nanochat/checkpoint_manager.py')).toMatch(/f"model_\{step:06d\}\.pt"[\s\S]*f"meta_\{step:06d\}\.json"/);
    for (const path of ['gpt', 'flash_attention', 'fp8', 'optim']) expect(existsSync(join(real ?? '', `nanochat/${path}.py`))).toBe(true);
    expect(text('scripts/base_train.py')).toMatch(/print0\(f"step \{step:05d\}\/[\s\S]*print0\(f"Total training time: /);
  });
});
