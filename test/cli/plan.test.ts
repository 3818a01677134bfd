import { Command } from 'commander';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CalibrationKey } from '../../src/actors/broker/index.ts';
import { openCalibrations } from '../../src/adapters/calibrations/index.ts';
import { loadEvaluator, loadSurface } from '../../src/adapters/surfaces/index.ts';
import type { Place } from '../../src/cli/place.ts';
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
