import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadEvaluator } from '../../src/adapters/surfaces/index.ts';
import type { Recipe } from '../../src/domain/recipe.ts';
import { edit, rig, root, type Rig } from '../actors/evaluator-rig.ts';

// airbench-mini's own programs in their real sandboxes, on trainings of a moment: what a recipe does decides how it ends, not how well it learns.

let node: Rig;
beforeAll(async () => {
  const { phases } = await loadEvaluator(root, 'airbench-mini', { dataDir: join(root, '.brigade', 'data') });
  node = await rig('airbench-mini', { spec: { seeds: 2, phases: phases.filter(({ role }) => role !== 'smoke') } }); // as for a canary
  await node.start({ slots: 2 });
});
afterAll(() => node[Symbol.asyncDispose]());

const brief = (recipe: Recipe): Recipe => edit(recipe, 'optimizer.py', 'EPOCHS = 3.0', 'EPOCHS = 0.2');
const canary = async (name: string): Promise<Recipe> => brief(await node.workbench.canary(name));
let count = 0;
async function measure(recipe: Recipe) {
  const trial = `t${String(++count).padStart(4, '0')}`;
  await node.lease(trial, recipe, { slots: [`cpu${count % 2}`], ttlMs: 120_000 });
  const measurement = await node.measured(trial);
  const log = measurement.log === null ? '' : new TextDecoder().decode(await node.ports.blobs.get(measurement.log) ?? undefined);
  return { ...measurement, log };
}

test.concurrent('a recipe that learns too little is disqualified by its accuracy, with the seconds it took as its score', async () => {
  const { score, failure, gates, metrics, phases } = await measure(brief(node.baseline));
  expect(failure).toMatchObject({ kind: 'disqualified', gate: 'accuracy', limit: 0.985, standardErrors: expect.any(Number) });
  expect(metrics).toMatchObject({ images: 667, audited: 128 });
  expect(gates.filter(({ name }) => name !== 'accuracy').map(({ name, passed }) => [name, passed])).toEqual([['audit', true], ['flips', true]]);
  const timed = phases.reduce((sum, { seconds }) => sum + seconds, 0);
  expect(score).toBeCloseTo(timed / 2, 9);
}, 240_000);

test.concurrent('a predictor that looks at the other images and remembers its answers is caught by the audit', async () => {
  expect((await measure(await canary('peeker'))).failure).toMatchObject({ kind: 'disqualified', gate: 'audit' });
}, 240_000);

test.concurrent('a model that was left behind for the next seed is not found', async () => {
  const { log, phases } = await measure(edit(await canary('hoarder'), 'recipe.py', '    torch.manual_seed(seed)', '    print("trained", seed)\n    torch.manual_seed(seed)'));
  expect(log).not.toContain('found');
  expect(log.match(/trained \d+/g)).toHaveLength(2);
  expect(phases.map(({ name }) => name)).toEqual(['train', 'eval']);
}, 240_000);

test.concurrent('a forged answer is tampering, and a predictor without room a crash', async () => {
  expect((await measure(await canary('forger'))).failure).toMatchObject({ kind: 'tampered', where: 'descriptor 3' });
  expect((await measure(await canary('crasher'))).failure).toMatchObject({ kind: 'crash', phase: 'eval' });
}, 240_000);
