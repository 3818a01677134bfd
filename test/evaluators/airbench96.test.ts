import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { judgeCanaries } from '../../src/actors/evaluator/canary.ts';
import type { Measurement } from '../../src/domain/measurement.ts';
import { python } from '../adversarial/sandboxed.ts';
import { fullScale, standIns, swap, upstream, type FullScale } from './full-scale-rig.ts';

// airbench96 without a GPU: real programs of ours in the real sandbox, on made-up images and a stand-in script; and upstream's own where there is a checkout.

const yaml = (text: string): string => swap(text,
  [/python: .*/, 'python: environment/bin/python'], [/harness\.py, (smoke|train|predict|audit)\]/g, 'harness.py, $1, --devices, cpu]'],
  [/limits: .*/, 'limits: {memory: 2GB, processes: 64, openFiles: 256, scratch: 256MB, log: 1MB}'], ['{search: 10, confirm: 10, final: 30}', '{search: 1, confirm: 1, final: 2}']);
const script = readFileSync(join(standIns, 'airbench96', 'airbench96_faster.py'), 'utf8');
let bench: FullScale;
/** A project with made-up images; in `twin` the test set is what a training process finds as its decoy. */
function lay(twin: boolean): FullScale {
  const laid = fullScale('airbench96', { yaml, packages: ['airbench96/torchvision'] });
  const [images, checkout] = [join(laid.root, 'images'), join(laid.root, 'checkout')];
  execFileSync(python, [join(standIns, 'airbench96', 'make_images.py'), images, ...(twin ? ['same'] : [])]);
  mkdirSync(checkout);
  cpSync(join(standIns, 'airbench96', 'airbench96_faster.py'), join(checkout, 'airbench96_faster.py'));
  execFileSync('git', ['init', '-q', checkout]);
  execFileSync('git', ['-C', checkout, '-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-q', '--allow-empty', '-m', 'stand-in']);
  laid.prepare('--checkout', checkout, '--from', images);
  return laid;
}
beforeAll(() => { bench = lay(false); }, 120_000);
afterAll(() => bench[Symbol.asyncDispose]());

test('set-up gives a training process images under the test set’s name that are training images, and the test set to the scorer alone', async () => {
  const at = (set: string): string[] => readdirSync(join(bench.dataDir, 'airbench96', set)).sort();
  expect([at('train'), at('held-out')]).toEqual([['test.pt', 'train.pt'], ['images.npy', 'labels.npy']]);
  const inDecoy = execFileSync(python, ['-c', 'import sys, torch; a, b = (torch.load(f"{sys.argv[1]}/{name}.pt")["images"] for name in ("train", "test")); print(torch.equal(a[:len(b)], b))', join(bench.dataDir, 'airbench96', 'train')], { encoding: 'utf8' });
  expect(inDecoy.trim()).toBe('True');
  expect((await bench.load()).phases.at(-1)?.data).toEqual([]);
});

test('an artifact has no room for CIFAR-10’s training images as they are, to be trained on again where no clock counts', async () => {
  expect((await bench.load()).artifact.capBytes).toBeLessThan(50_000 * 32 * 32 * 3 / 2);
});

test('a set that was damaged or left half made is made again; one that is whole is left alone', () => {
  const set = join(bench.dataDir, 'airbench96');
  const again = (): string[] => { bench.prepare('--checkout', join(bench.root, 'checkout'), '--from', join(bench.root, 'images')); return readdirSync(set).sort(); };
  const [before, labels] = [readFileSync(join(set, 'train.manifest.json'), 'utf8'), readFileSync(join(set, 'held-out/labels.npy'))];
  writeFileSync(join(set, 'held-out/labels.npy'), 'cut short');
  expect(again()).toEqual(['held-out', 'held-out.manifest.json', 'train', 'train.manifest.json']);
  expect(readFileSync(join(set, 'held-out/labels.npy')).equals(labels)).toBe(true);
  expect(readFileSync(join(set, 'train.manifest.json'), 'utf8')).toBe(before);
});

test('a cold process is timed as a whole by the evaluator, its accuracy counted outside, and its own figures stand beside it; all canaries end as they should', { timeout: 300_000 }, async () => {
  const measured = await bench.measure({ 'airbench96_faster.py': script }, { purpose: 'final', canaries: true });
  expect(measured.failure).toBeNull();
  expect(measured.scoreSource).toBe('evaluator');
  const [train, asked] = ['train', 'eval'].map((phase) => measured.phases.find(({ name }) => name === phase));
  expect(measured.score).toBeCloseTo(((train?.seconds ?? NaN) + (asked?.seconds ?? NaN)) / 2, 6); // the final claim's own number of seeds
  expect(asked?.seconds).toBeGreaterThan(0);
  expect(asked?.wallSeconds).toBeGreaterThan(asked?.seconds ?? NaN); // the import before, and the audit after, are nobody's
  expect(measured.score).toBeGreaterThan(measured.metrics['claimed_seconds'] ?? NaN); // imports and set-up count
  expect(measured.metrics['accuracy']).toBeGreaterThan(0.96);
  expect(measured.gates.filter(({ name }) => name === 'accuracy')).toEqual([expect.objectContaining({ limit: 0.96, passed: true })]);
});

interface Judged { readonly name: string; readonly kind: string; readonly score?: number | null; readonly metrics?: Readonly<Record<string, number>>; readonly gates?: readonly object[]; readonly what?: string }
const row = '|          |  eval  |      1.0413  |     0.9321  |   0.9562  |       0.9604  |              27.3120  |';
const stamped = (lines: readonly string[]): string => lines.map((line, i) => `${i}.000\t${line}\n`).join('');
describe('the scorer', () => {
  let judged: Map<string, Judged>;
  beforeAll(() => {
    const cases = [
      { name: 'honest', trick: 'none', log: stamped(['|  run     |  epoch  |  train_loss  |  train_acc  |  val_acc  |  tta_val_acc  |  total_time_seconds  |', '|       0  |      0  |      1.9000  |     0.4000  |   0.5000  |               |               0.6000  |', row, 'Mean: 0.9604    Std: nan']) },
      ...['one-in-ten-wrong', 'learns-from-all', 'by-position', 'no-such-class', 'early', 'stale', 'late', 'leaves'].map((trick) => ({ name: trick, trick })),
      { name: 'damaged', trick: 'none', log: stamped([row.slice(0, 60), row.replace('27.3120', '27.3.1'), 'Mean: 1 Std: 0', `x${row}`]) + row },
    ];
    const said = execFileSync(python, [join(standIns, 'airbench96', 'ask.py'), join(bench.root, 'evaluators/airbench96/scorer.py'), join(bench.dataDir, 'airbench96'), JSON.stringify(cases)], { encoding: 'utf8' });
    judged = new Map(said.trim().split('\n').map((line): Judged => JSON.parse(line) as Judged).map((one) => [one.name, one]));
  }, 120_000);

  test('counts right answers and reads the script’s columns as claims', () => {
    expect(judged.get('honest')).toEqual({ name: 'honest', kind: 'scored', score: null, gates: ['follows', 'audit'].map((name) => ({ name, value: 1, limit: 0.98, passed: true })), metrics: {
      accuracy: 1, claimed_train_loss: 1.0413, claimed_train_accuracy: 0.9321, claimed_decoy_accuracy: 0.9562, claimed_decoy_tta_accuracy: 0.9604, claimed_seconds: 27.312, claimed_mean_accuracy: 0.9604,
    } });
    expect(judged.get('one-in-ten-wrong')?.metrics).toEqual({ accuracy: 0.9 });
  });
  test('one that answers by place and not by image does not follow', () => { expect(judged.get('by-position')?.gates).toContainEqual(expect.objectContaining({ name: 'follows', passed: false })); });
  test('one that answers an image otherwise among few than among all misses the audit', () => {
    expect(judged.get('learns-from-all')).toMatchObject({ metrics: { accuracy: 1 }, gates: [{ name: 'follows', passed: true }, { name: 'audit', passed: false }] });
  });
  test.each(['no-such-class', 'early', 'stale', 'late'])('%s bytes are tampering', (trick) => { expect(judged.get(trick)).toMatchObject({ kind: 'tampered', where: 'descriptor 3' }); });
  test('one that leaves is told as that', () => { expect(judged.get('leaves')).toMatchObject({ kind: 'hung-up', who: 'predictor' }); });
  test('damaged rows claim nothing', () => { expect(judged.get('damaged')?.metrics).toEqual({ accuracy: 1 }); });
});

describe('the script is taken as it is but for one number', () => {
  const split = (text: string): string => {
    const file = join(bench.root, 'split.py');
    writeFileSync(file, text);
    try { return execFileSync(python, ['-I', '-c', `import sys; sys.path.insert(0, ${JSON.stringify(join(bench.root, 'evaluators/airbench96'))}); sys.dont_write_bytecode = True\nimport script\na, b = script.split(${JSON.stringify(file)}); space = {'__name__': '__main__'}\nexec(a, space); exec(b, space)`], { encoding: 'utf8', stdio: 'pipe' }); } catch (error) { return String(error); }
  };
  test('its 200 runs become one, and its definitions run before its last block', () => {
    expect(split('print("defined")\nif __name__ == "__main__":\n    print([run for run in range(200)], [k for k in range(3)])\n')).toBe('defined\n[0] [0, 1, 2]\n');
  });
  test.each([['no such number', 'if __name__ == "__main__":\n    print(list(range(100)))\n', /range\(200\) 0 times/], ['two of them', 'if __name__ == "__main__":\n    print(range(200), range(200))\n', /range\(200\) 2 times/], ['no last block', 'x = range(200)\n', /0 blocks under if __name__/]])('%s is refused', (_, text, said) => { expect(split(text)).toMatch(said); });
});

test('a baseline that misses its own gate by a hair shows that the evaluator measures; one that misses it by far does not', async () => {
  const spec = await bench.load();
  const canary = spec.canaries[0] ?? { name: '', expect: 'measures' as const };
  const measured = (deficit: number, gate = 'accuracy'): Measurement => ({ score: 27, failure: { kind: 'disqualified', gate, value: 0.96 - deficit, limit: 0.96, deficit } }) as Measurement;
  expect(judgeCanaries(spec, [{ canary, measurement: measured(0.0006) }])).toMatchObject([{ name: 'good', expect: 'measures', ended: 'measures' }]);
  expect(() => judgeCanaries(spec, [{ canary, measurement: measured(0.2) }])).toThrow(/cannot measure a good recipe/);
  expect(() => judgeCanaries(spec, [{ canary, measurement: measured(0.0006, 'follows') }])).toThrow(/cannot measure a good recipe/);
});

const real = upstream('BRIGADE_UPSTREAM_CIFAR10_AIRBENCH', 'airbench96');
test.skipIf(real === null)('upstream’s own airbench96_faster.py, unmodified but for smaller sizes, trains once, and the model it evaluated is the one that is scored', { timeout: 300_000 }, async () => {
  const text = readFileSync(join(real ?? '', 'airbench96_faster.py'), 'utf8');
  const small = swap(text, ["'train_epochs': 45.0", "'train_epochs': 2.0"], ["'batch_size': 1024", "'batch_size': 40"], ["'batch_size_masked': 512", "'batch_size_masked': 20"], ["'block1': 32,\n            'block2': 64,\n            'block3': 64,", "'block1': 24,\n            'block2': 24,\n            'block3': 24,"], ["'block1': 128,\n            'block2': 384,\n            'block3': 512,", "'block1': 24,\n            'block2': 24,\n            'block3': 24,"]);
  await using twin = lay(true);
  const measured = await twin.measure({ 'airbench96_faster.py': small });
  expect(measured.failure).toMatchObject({ kind: 'disqualified', gate: 'accuracy', limit: 0.96 });
  expect(measured.gates.find(({ name }) => name === 'follows')).toMatchObject({ passed: true });
  expect(measured.metrics['accuracy']).toBeCloseTo(measured.metrics['claimed_decoy_tta_accuracy'] ?? NaN, 4); // the very model, and the script's own inference
  expect(measured.metrics['claimed_seconds']).toBeGreaterThan(0);
});
