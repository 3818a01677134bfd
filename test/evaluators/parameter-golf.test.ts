import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { python } from '../adversarial/sandboxed.ts';
import { fullScale, standIns, swap, upstream, type FullScale } from './full-scale-rig.ts';

// Parameter Golf without a GPU: real programs of ours in the real sandbox, on made-up shards and a stand-in script; and upstream's own where there is a checkout.

const yaml = (text: string): string => swap(text,
  [/python: .*/, 'python: environment/bin/python'], [/harness\.py, (smoke|train|predict|audit)\]/g, 'harness.py, $1, --devices, cpu]'],
  [/limits: .*/, 'limits: {memory: 2GB, processes: 64, openFiles: 256, scratch: 256MB, log: 1MB}'], ['budget: 600, tolerance: 60}', 'budget: 20, tolerance: 60}'], [/train: 60\}/g, 'train: 20}']);
const script = readFileSync(join(standIns, 'parameter-golf', 'train_gpt.py'), 'utf8');
let golf: FullScale;

beforeAll(() => {
  golf = fullScale('parameter-golf', { yaml, packages: ['parameter-golf/sentencepiece.py'] });
  const shards = join(golf.root, 'shards');
  execFileSync(python, [join(standIns, 'parameter-golf', 'make_shards.py'), shards]);
  const checkout = join(golf.root, 'checkout');
  mkdirSync(checkout);
  cpSync(join(standIns, 'parameter-golf', 'train_gpt.py'), join(checkout, 'train_gpt.py'));
  execFileSync('git', ['init', '-q', checkout]);
  execFileSync('git', ['-C', checkout, '-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-q', '--allow-empty', '-m', 'stand-in']);
  golf.prepare('--checkout', checkout, '--from', shards);
}, 120_000);
afterAll(() => golf[Symbol.asyncDispose]());

test('set-up lays out what each side may see: no validation shard for training but the decoy, no training text for evaluation', async () => {
  const at = (set: string): string[] => readdirSync(join(golf.dataDir, 'parameter-golf', set)).sort();
  expect(at('train')).toEqual(['fineweb_train_000000.bin', 'fineweb_train_000001.bin', 'fineweb_val_000000.bin']);
  expect(at('evaluation')).toEqual(['fineweb_train_000000.bin', 'fineweb_val_000000.bin']);
  expect(at('held-out')).toEqual(['account.json', 'bytes.npy', 'confirm.npy', 'decoy.npy', 'final.npy', 'search.npy']);
  const spec = await golf.load();
  expect(spec.missing).toEqual([]);
  expect(Object.fromEntries(spec.phases.map(({ name, data }) => [name, data]))).toEqual({ smoke: ['train', 'tokenizer'], train: ['train', 'tokenizer'], eval: ['evaluation', 'tokenizer'] });
});

test('compiling, training and packing have less together than each may take at most, so that none of them hides another training', () => {
  const declared = z.object({ phases: z.array(z.object({ name: z.string(), budget: z.number(), milestones: z.array(z.object({ name: z.string(), budget: z.number(), tolerance: z.number().default(0) })).default([]) })) })
    .parse(parse(readFileSync(join(import.meta.dirname, '../../evaluators/parameter-golf/evaluator.yaml'), 'utf8')));
  const train = declared.phases.find(({ name }) => name === 'train');
  expect(train?.milestones.map(({ name }) => name)).toEqual(['compile', 'train', 'pack']);
  expect(train?.budget).toBeLessThan(0.85 * (train?.milestones.reduce((sum, { budget, tolerance }) => sum + budget + tolerance, 0) ?? 0));
});

test('a download that fails is one line: what was run, the last that it said, where the rest lies, and what helps without a network', () => {
  const [checkout, out] = [join(golf.root, 'offline'), join(golf.root, 'offline-data')];
  mkdirSync(join(checkout, 'data'), { recursive: true });
  for (const file of ['train_gpt.py', 'requirements.txt']) writeFileSync(join(checkout, file), '');
  writeFileSync(join(checkout, 'data', 'cached_challenge_fineweb.py'), 'import sys\nfor i in range(30): print("Retrying", i, file=sys.stderr)\nraise OSError("no route to host")\n');
  execFileSync('git', ['init', '-q', checkout]);
  execFileSync('git', ['-C', checkout, '-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-q', '--allow-empty', '-m', 'stand-in']);
  const { status, stderr } = spawnSync(process.execPath, [join(golf.root, 'evaluators/parameter-golf/prepare.mjs'), out, '--checkout', checkout, '--python', golf.interpreter], { encoding: 'utf8' });
  expect(status).toBe(1);
  const [begun, refused, ...rest] = stderr.trim().split('\n');
  expect(begun).toContain('downloading 80 shards');
  expect(refused).toMatch(/^python .*cached_challenge_fineweb\.py --variant sp1024 ended with exit code 1: OSError: no route to host \(.*\/offline-data\/download\.log has the rest\)\. Without a network, give a folder with the shards and the tokenizer \(--data of brigade surfaces setup, --from here\)$/);
  expect(rest).toEqual([]);
  expect(readFileSync(join(out, 'download.log'), 'utf8')).toContain('Retrying 29');
});

test('an honest script is scored by the evaluator: stretches timed by its clock, size weighed on disk, claims beside what was recomputed', { timeout: 300_000 }, async () => {
  const measured = await golf.measure({ 'train_gpt.py': script }, { canaries: true });
  expect(measured.failure).toBeNull();
  expect(measured.scoreSource).toBe('evaluator');
  expect(measured.score).toBeGreaterThan(0.95);
  expect(measured.score).toBeLessThan(2.5);
  expect(measured.phases.map(({ name }) => name)).toEqual(['smoke', 'compile', 'train', 'pack', 'load', 'eval']);
  expect(measured.artifactBytes).toBe(measured.metrics['claimed_total_bytes']);
  expect(measured.metrics['claimed_bpb']).toBeCloseTo(measured.metrics['decoy_bpb'] ?? NaN, 2);
  expect(measured.gates.map(({ name, passed }) => [name, passed])).toEqual(['audit', 'drift', 'normalised', 'causal', 'claimed_bytes', 'claimed_decoy_bpb', 'claimed_train_ms', 'claimed_pace_ms', 'plausible'].map((name) => [name, true]));
});

describe('where set-up declared that the score is the script’s own claim', () => {
  let claims: FullScale;
  beforeAll(() => {
    claims = fullScale('parameter-golf', { yaml, packages: ['parameter-golf/sentencepiece.py'] });
    claims.prepare('--checkout', join(golf.root, 'checkout'), '--from', join(golf.root, 'shards'), '--score', 'claims', '--set=TTT_ENABLED=1');
  }, 120_000);
  afterAll(() => claims[Symbol.asyncDispose]());

  test('its last record on the validation text is the score, marked as the recipe’s word; forged lines are tampering there too', { timeout: 300_000 }, async () => {
    const told = swap(script, ['    print("peak memory', '    print("test-time training", os.environ.get("TTT_ENABLED"), os.path.isdir(os.environ["DATA_DIR"] + "/datasets/fineweb10B_sp96"))\n    print("peak memory']);
    const measured = await claims.measure({ 'train_gpt.py': told }, { canaries: ['forger', 'peeker'] });
    expect(measured.failure).toBeNull();
    expect(measured.scoreSource).toBe('recipe');
    expect(measured.score).toBeGreaterThan(0.95);
    expect(measured.score).toBeLessThan(2.5);
    expect(measured.artifactBytes).toBe(measured.metrics['claimed_total_bytes']);
    expect(measured.gates.map(({ name, passed }) => [name, passed])).toEqual([['claimed_bytes', true], ['claimed_train_ms', true], ['claimed_pace_ms', true], ['plausible', true]]);
    expect(measured.phases.map(({ name }) => name)).toEqual(['smoke', 'compile', 'train', 'pack', 'load', 'eval']);
  });

  test('the validation text is there for evaluation, and still not for training', async () => {
    const shard = (set: string): Buffer => readFileSync(join(claims.dataDir, 'parameter-golf', set, 'fineweb_val_000000.bin'));
    expect(shard('evaluation').equals(readFileSync(join(golf.root, 'shards/datasets/fineweb_val_000000.bin')))).toBe(true);
    expect(shard('train').equals(shard('evaluation'))).toBe(false);
    expect((await claims.load()).hash).not.toBe((await golf.load()).hash);
  });
});

interface Judged { readonly name: string; readonly kind: string; readonly score?: number | null; readonly metrics: Readonly<Record<string, number>>; readonly gates: readonly { readonly name: string; readonly value: number; readonly limit: number; readonly passed: boolean }[]; readonly what?: string; readonly who?: string; readonly why?: string }
interface Case { readonly name: string; readonly trick: string; readonly log?: string; readonly artifactBytes?: number; readonly purpose?: string }

/** The real scorer on predictors of ours, outside any sandbox. */
function judge(cases: readonly Case[], data = join(golf.dataDir, 'parameter-golf')): Map<string, Judged> {
  const said = execFileSync(python, [join(standIns, 'parameter-golf', 'ask.py'), join(golf.root, 'evaluators/parameter-golf/scorer.py'), data, join(golf.root, 'checkout'), JSON.stringify(cases)], { encoding: 'utf8' });
  return new Map(said.trim().split('\n').map((line): Judged => JSON.parse(line) as Judged).map((judged) => [judged.name, judged]));
}
const missed = (judged: Judged | undefined): readonly string[] => judged?.gates.filter(({ passed }) => !passed).map(({ name }) => name) ?? ['nothing was judged'];

const CODE = Buffer.byteLength(script);
const log = (lines: readonly string[]): string => lines.map((line, i) => `${(100 + i).toFixed(3)}\t${line}`).join('\n') + '\n';
const TAIL = ['peak memory allocated: 10184 MiB reserved: 10200 MiB', 'Serialized model: 67225431 bytes', `Code size: ${CODE} bytes`, `Total submission size: ${67225431 + CODE} bytes`, `Total submission size int8+zlib: ${1000 + CODE} bytes`];
const STEPS = [0, 1, 2, 3].map((k) => `step:${k + 1}/20000 train_loss:6.9${k}31 train_time:${1000 * (k + 1)}ms step_avg:43.54ms`);
const CAPPED = ['step:13780/20000 val_loss:2.0606 val_bpb:1.2172 train_time:600038ms step_avg:43.54ms', 'stopping_early: wallclock_cap train_time:600038ms step:13780/20000'];

describe('the scorer, on predictors of every kind', () => {
  let judged: Map<string, Judged>;
  beforeAll(() => {
    const honest = judge([{ name: 'first', trick: 'none' }]).get('first')?.metrics['decoy_bpb'] ?? NaN;
    const final = (bpb: number | string) => [`final_int8_zlib_roundtrip val_loss:2.0727 val_bpb:${bpb} eval_time:1432ms`, `final_int8_zlib_roundtrip_exact val_loss:2.07269931 val_bpb:${bpb}`];
    judged = judge([
      { name: 'honest', trick: 'none', log: log([...STEPS, ...CAPPED, ...TAIL, ...final(honest.toFixed(8))]) },
      { name: 'final', trick: 'none', purpose: 'final' },
      { name: 'peek-a-little', trick: 'peek-a-little', purpose: 'final' },
      ...['peek', 'peek-everywhere', 'below-zero', 'endless', 'no-context', 'one-token', 'later-tokens', 'not-normalised', 'not-a-number', 'early', 'stale', 'late', 'leaves'].map((trick) => ({ name: trick, trick })),
      { name: 'claims less weight', trick: 'none', artifactBytes: 1001, log: log(TAIL) },
      { name: 'claims a better score', trick: 'none', log: log(final((honest - 0.01).toFixed(8))) },
      { name: 'claims past the cap', trick: 'none', log: log(['stopping_early: wallclock_cap train_time:600501ms step:13780/20000']) },
      { name: 'claims a faster clock', trick: 'none', log: log(STEPS.map((line) => line.replace(/train_time:(\d+)000ms/, 'train_time:$100ms'))) },
      { name: 'claims in damaged lines', trick: 'none', log: log(['final_int8_zlib_roundtrip_exact val_loss:nan val_bpb:-+.', 'final_int8_zlib_roundtrip_exact val_loss:2.07 val_bpb:inf', 'Total submission size: 12 bytes', 'Total submission size int8+zlib: x bytes', 'stopping_early: wallclock_cap train_time:ms', `Total submission size int8+zlib: ${'9'.repeat(400)} bytes`, `stopping_early: wallclock_cap train_time:${'9'.repeat(400)}ms step:${'9'.repeat(400)}/1`, ...['1', '2'].map((loss) => `step:${'9'.repeat(400)}/2 train_loss:${loss} train_time:${'9'.repeat(400)}ms`)]) + 'Total submission size int8+zlib: 5 bytes\n12.5\tTotal submission size int8+zlib: 5 bytes\n' },
    ]);
  }, 120_000);

  test('an honest one scores, and its true claims stand beside it', () => {
    expect(judged.get('honest')).toMatchObject({ kind: 'scored', metrics: { context: 64, claimed_train_ms: 600_038, claimed_steps: 13_780, claimed_total_bytes: 1000 + CODE, claimed_memory_mib: 10_184, claimed_eval_ms: 1432 } });
    expect(missed(judged.get('honest'))).toEqual([]);
    expect(judged.get('honest')?.gates.map(({ name }) => name)).toEqual(['audit', 'drift', 'normalised', 'causal', 'claimed_bytes', 'claimed_decoy_bpb', 'claimed_train_ms', 'claimed_pace_ms', 'plausible']);
  });

  test('the final claim tells the whole validation set beside its own part', () => {
    expect(judged.get('final')?.metrics['official_bpb']).toBeGreaterThan(0.95);
    expect(judged.get('final')?.metrics['official_bpb']).not.toBe(judged.get('final')?.score);
    expect(judged.get('honest')?.metrics).not.toHaveProperty('official_bpb');
  });

  test('one that reads ahead at three places in a thousand does not survive the final claim, which asks again more often', () => {
    expect(missed(judged.get('peek-a-little'))).toContain('audit');
    expect([judged.get('honest')?.metrics['audited'], judged.get('final')?.metrics['audited']]).toEqual([256, 1600]);
    expect(missed(judged.get('final'))).toEqual([]);
  });

  test.each([['peek', 'audit'], ['peek-everywhere', 'plausible'], ['below-zero', 'normalised'], ['endless', 'context'], ['no-context', 'context'], ['one-token', 'context'], ['later-tokens', 'causal'], ['not-normalised', 'normalised'], ['not-a-number', 'not_finite']])('%s misses the gate %s', (trick, gate) => {
    expect(missed(judged.get(trick))).toContain(gate);
  });

  test.each([['early', 'the predictor was sent bytes that answer no question'], ['stale', 'bytes that answer no question'], ['late', 'was sent bytes']])('bytes that come %s are tampering', (trick, said) => {
    expect(judged.get(trick)).toMatchObject({ kind: 'tampered', what: expect.stringContaining(said), where: 'descriptor 3' });
  });

  test('one that leaves is told as that', () => { expect(judged.get('leaves')).toMatchObject({ kind: 'hung-up', who: 'predictor' }); });

  test.each([
    ['claims less weight', { name: 'claimed_bytes', value: 1000 + CODE, limit: 1001 + CODE }], ['claims past the cap', { name: 'claimed_train_ms', value: 600_501, limit: 600_500 }],
    ['claims a faster clock', { name: 'claimed_pace_ms', value: 300, limit: 3000 }], ['claims a better score', { name: 'claimed_decoy_bpb' }],
  ])('one that %s misses a gate with both numbers', (name, gate) => {
    expect(judged.get(name)?.gates.filter(({ passed }) => !passed)).toEqual([expect.objectContaining(gate)]);
  });

  test('damaged lines, lines without a stamp and numbers that are none claim nothing', () => {
    expect(judged.get('claims in damaged lines')).toMatchObject({ kind: 'scored' });
    expect(Object.keys(judged.get('claims in damaged lines')?.metrics ?? {}).filter((name) => name.startsWith('claimed_'))).toEqual([]);
    expect(missed(judged.get('claims in damaged lines'))).toEqual([]);
  });

  test('held-out text that does not stand for the bytes that were counted is our fault, and nobody is scored', () => {
    const damaged = join(golf.root, 'damaged');
    cpSync(join(golf.dataDir, 'parameter-golf'), damaged, { recursive: true });
    rmSync(join(damaged, 'held-out/account.json'));
    writeFileSync(join(damaged, 'held-out/account.json'), '{"search": 1, "confirm": 1, "final": 1}');
    expect(judge([{ name: 'any', trick: 'none' }], damaged).get('any')).toMatchObject({ kind: 'failed', why: expect.stringMatching(/search\.npy stands for \d+ bytes, and 1 were counted/) });
  });
});

test('without a GPU the unmodified command refuses with a sentence', () => {
  if (existsSync('/dev/nvidia0')) { console.warn('not seen here: this machine has a GPU'); return; }
  const said = (): string => { try { return execFileSync(python, ['-I', join(golf.root, 'evaluators/parameter-golf/harness.py'), 'train'], { encoding: 'utf8', stdio: 'pipe', env: { BRIGADE_EVAL: '/e', BRIGADE_RECIPE: '/r', BRIGADE_DATA: '/d', BRIGADE_WORK: '/w' } }); } catch (error) { return String(error); } };
  expect(said()).toMatch(/parameter-golf runs on GPUs and this sandbox has none: give its slots GPUs, or run golf-mini/);
});

const real = upstream('BRIGADE_UPSTREAM_PARAMETER_GOLF', 'parameter-golf');
test.skipIf(real === null)('upstream’s own train_gpt.py, unmodified but for smaller defaults, trains, packs and is scored through its own loader', { timeout: 300_000 }, async () => {
  const text = readFileSync(join(real ?? '', 'train_gpt.py'), 'utf8');
  const small = swap(text, ['"NUM_LAYERS", 9', '"NUM_LAYERS", 2'], ['"MODEL_DIM", 512', '"MODEL_DIM", 32'], ['"NUM_HEADS", 8', '"NUM_HEADS", 2'], ['"NUM_KV_HEADS", 4', '"NUM_KV_HEADS", 1'], ['"TRAIN_BATCH_TOKENS", 524_288', '"TRAIN_BATCH_TOKENS", 2_048'], ['"TRAIN_SEQ_LEN", 1024', '"TRAIN_SEQ_LEN", 64'], ['"ITERATIONS", 20000', '"ITERATIONS", 6'], ['"VAL_BATCH_SIZE", 524_288', '"VAL_BATCH_SIZE", 8_192'], ['"WARMUP_STEPS", 20', '"WARMUP_STEPS", 2']);
  const measured = await golf.measure({ 'train_gpt.py': small });
  expect(measured.failure).toBeNull();
  expect(measured.gates.filter(({ passed }) => !passed)).toEqual([]);
  expect(measured.metrics['claimed_bpb']).toBeCloseTo(measured.metrics['decoy_bpb'] ?? NaN, 3);
  expect(measured.artifactBytes).toBe(measured.metrics['claimed_total_bytes']);
  expect(measured.phases.map(({ name }) => name)).toEqual(['smoke', 'compile', 'train', 'pack', 'load', 'eval']);
});
