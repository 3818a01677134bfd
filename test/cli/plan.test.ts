import { Command } from 'commander';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CalibrationKey } from '../../src/actors/broker/index.ts';
import { openCalibrations } from '../../src/adapters/calibrations/index.ts';
import { loadEvaluator, loadSurface } from '../../src/adapters/surfaces/index.ts';
import type { Place } from '../../src/cli/place.ts';
import { estimate, firstLimit } from '../../src/domain/estimate.ts';
import { NO_LIMITS } from '../../src/domain/budget.ts';
import { planCommand } from '../../src/cli/plan.ts';
import { measurement } from '../support/story.ts';

let place: Place;
beforeAll(async () => {
  const root = await mkdtemp(join(tmpdir(), 'brigade-plan-'));
  place = { root, runs: join(root, 'runs') };
  for (const part of ['surfaces/tiny', 'evaluators/tiny']) await cp(part, join(root, part), { recursive: true });
});
afterAll(() => rm(place.root, { recursive: true, force: true }));

async function plan(...args: string[]): Promise<string> {
  let out = '';
  const program = new Command();
  planCommand(program, place, { write: (text) => { out += text; } });
  await program.parseAsync(['plan', 'tiny', ...args], { from: 'user' });
  return out;
}

test('only a calibration of this surface and evaluator with as many replicates is counted on, and only perhaps', async () => {
  const surface = await loadSurface(place.root, 'tiny');
  const evaluator = await loadEvaluator(place.root, 'tiny', { dataDir: join(place.root, '.brigade', 'data') });
  const kept = openCalibrations<CalibrationKey>(join(place.root, '.brigade', 'calibrations'));
  const calibrated = { reusedFrom: 'night-1', device: 'cpu/test', evaluatorHash: evaluator.hash, environmentHash: 'e'.repeat(64), mean: 1, sd: 0.1, measurements: [measurement(1)] };
  const key = { surfaceHash: surface.hash, evaluatorHash: evaluator.hash, environmentHash: calibrated.environmentHash, device: calibrated.device, replicates: 3 };
  await kept.keep({ ...key, surfaceHash: 'f'.repeat(64) }, calibrated);
  expect(await plan()).toContain('nothing was measured here yet');
  await kept.keep(key, calibrated);
  expect(await plan()).toMatch(/from the calibration of night-1\ncalibration .*nothing to pay if a node is still as cpu\/test was\n/);
  expect(await plan('--calibration', '4')).toContain('nothing was measured here yet');
});

test('the limit that ends a run first is told: trials, time, or whichever the confirmations make it', async () => {
  expect(await plan('--trials', '2')).toMatch(/\nthe limit of 2 trials ends it first\n$/);
  expect(await plan('--trials', '50000', '--minutes', '10')).toMatch(/\nthe limit of 10 min ends it first, after \d+ to \d+ trials\n$/);
  const { calibrationSeconds, trialSeconds, confirmationSeconds } = JSON.parse(await plan('--trials', '10', '--slots', '1', '--json')) as ReturnType<typeof estimate>;
  const seconds = calibrationSeconds + 10 * trialSeconds + 4.5 * confirmationSeconds;
  expect(await plan('--trials', '10', '--slots', '1', '--slot-seconds', String(seconds))).toMatch(/slot-seconds ends it first when more than 3 trials need confirming, else that of 10 trials\n$/);
});

test('a first limit is only ever one that was given', () => {
  const planned = { from: 'budgets', replicateSeconds: 10, calibrationSeconds: 50, trialSeconds: 10, confirmationReplicates: 5, confirmationSeconds: 50, incumbentSeconds: 50, claimSeconds: 100, runSeconds: [0, 0] } as const;
  expect(firstLimit(planned, NO_LIMITS, 2)).toBeNull();
  expect(firstLimit(planned, { ...NO_LIMITS, trials: 5 }, 2)).toEqual({ limit: 'trials' });
  expect(firstLimit(planned, { ...NO_LIMITS, wallSeconds: 100 }, 2)).toEqual({ limit: 'wallSeconds', trials: [1, 15], confirmations: null });
  expect(firstLimit(planned, { ...NO_LIMITS, trials: 5, wallSeconds: 1e6, slotSeconds: 60 }, 2)).toEqual({ limit: 'slotSeconds', trials: [0, 1], confirmations: null });
  expect(firstLimit({ ...planned, confirmationSeconds: 0, incumbentSeconds: 0 }, { ...NO_LIMITS, trials: 5, wallSeconds: 100 }, 2)).toEqual({ limit: 'trials' });
});

test('where the incumbent is measured anew beside every contender, a confirmation is of both, and nothing is paid once', async () => {
  const evaluator = await loadEvaluator(place.root, 'tiny', { dataDir: join(place.root, '.brigade', 'data') });
  const settings = { trials: 4, keep: { kind: 'confirmed', alpha: 0.01, replicates: 5 }, calibrationReplicates: 3, slotsPerReplicate: 1 } as const;
  const [reused, fresh] = [evaluator, { ...evaluator, objective: { ...evaluator.objective, confirm: 'fresh' } } as const].map((one) => estimate(one, null, settings));
  const confirming = ({ runSeconds, claimSeconds, replicateSeconds }: ReturnType<typeof estimate>): number => Math.round((runSeconds[1] - runSeconds[0] - claimSeconds) / replicateSeconds);
  expect(reused && [reused.confirmationReplicates, reused.incumbentSeconds / reused.replicateSeconds, confirming(reused)]).toEqual([5, 5, 25]);
  expect(fresh && [fresh.confirmationReplicates, fresh.incumbentSeconds, confirming(fresh)]).toEqual([10, 0, 40]);
  expect(await plan()).toMatch(/\na confirmation +5 replicates .*and as many once for the incumbent/);
  const file = join(place.root, 'evaluators/tiny/evaluator.yaml');
  const before = await readFile(file, 'utf8');
  await writeFile(file, before.replace('direction: minimize', 'direction: minimize, confirm: fresh'));
  expect(await plan()).toMatch(/\na confirmation +10 replicates .*half of them of the incumbent, turn by turn\n/);
  await writeFile(file, before);
});

test('a replicate on several slots costs all of them, and the final claim as many more seeds as it takes', async () => {
  const evaluator = await loadEvaluator(place.root, 'tiny', { dataDir: join(place.root, '.brigade', 'data') });
  const settings = { trials: 4, keep: { kind: 'confirmed', alpha: 0.01, replicates: 5 }, calibrationReplicates: 3 } as const;
  const [one, eight] = [1, 8].map((slotsPerReplicate) => estimate(evaluator, null, { ...settings, slotsPerReplicate }).runSeconds[1]);
  expect((eight ?? 0) / (one ?? 1)).toBeCloseTo(8, 9);
  const seeded = estimate({ ...evaluator, seeds: 10, seedsFor: { search: 10, confirm: 20, final: 30 } }, { reusedFrom: 'x', device: 'd', evaluatorHash: '', environmentHash: '', mean: 1, sd: 0, measurements: [measurement(1)] }, { ...settings, slotsPerReplicate: 1 });
  expect([seeded.confirmationSeconds, seeded.claimSeconds].map((seconds) => Math.round(seconds / seeded.replicateSeconds))).toEqual([10, 30]);
  const file = join(place.root, 'surfaces/tiny/surface.yaml');
  const before = await readFile(file, 'utf8');
  await writeFile(file, before.replace(/slots: .*/, 'slots: {kind: cpu, count: 2, memory: 1GB}'));
  const wide = JSON.parse(await plan('--slots', '5', '--trials', '4', '--minutes', '100000', '--json')) as { slots: number; trialSeconds: number };
  await writeFile(file, before);
  const narrow = JSON.parse(await plan('--slots', '5', '--trials', '4', '--minutes', '100000', '--calibration', '7', '--json')) as { slots: number; trialSeconds: number };
  expect([wide.slots, narrow.slots]).toEqual([4, 5]);
  expect(wide.trialSeconds).toBeCloseTo(2 * narrow.trialSeconds, 9);
});

test('thinking with a model is planned by what its limits allow, and by what bounds the run; a run that searches says nothing of it', async () => {
  const llm = ['--proposer', 'llm', '--model', 'm', '--base-url', 'http://127.0.0.1:1/v1', '--trials', '10'];
  expect(await plan('--trials', '10')).not.toContain('tokens');
  expect(await plan(...llm, '--price', '1,3')).toMatch(/\na session {7}at most 200,000 tokens, money 0\.5840\n10 of them {6}at most 2,000,000 tokens, money 5\.84: one a trial; .* on top\nall thinking is bounded by nothing: give --tokens or --money\n$/);
  expect(await plan(...llm, '--price', '1,3', '--money', '2')).toMatch(/\nall thinking is bounded by money 2\.00: as many as 3 sessions at their dearest\n$/);
  expect(await plan(...llm, '--tokens', '500000')).toMatch(/\n10 of them {6}at most 2,000,000 tokens, money unknown without --price: .*\nall thinking is bounded by 500,000 tokens: as many as 2 sessions at their dearest\n$/);
  expect(await plan('--proposer', 'llm')).toContain('a session       at most 200,000 tokens, money unknown without --price\n');
  const file = join(place.root, 'models.yaml');
  await writeFile(file, 'model: m\nbaseURL: http://127.0.0.1:1/v1\nprice: {input: 2, output: 1}\nlimits: {tokens: 10000}\nbudget: {tokens: 30000}\nspecialists: {kernel: {limits: {tokens: 20000, money: 0.01}}}\n');
  expect(JSON.parse(await plan('--proposer', 'llm', '--models', file, '--trials', '4', '--json')) as object).toMatchObject({ thinking: { session: { tokens: 20_000, money: 0.02 }, trials: { sessions: 4, tokens: 80_000, money: 0.08 }, bound: { tokens: 120_000, money: null } } });
  await expect(plan(...llm, '--money', '5')).rejects.toThrow('nobody said what m costs');
  await expect(plan('--model', 'm')).rejects.toThrow('--model is for specialists that think with a model: add --proposer llm');
});
