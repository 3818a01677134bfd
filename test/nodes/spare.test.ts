import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { loadEvaluator } from '../../src/adapters/surfaces/index.ts';
import type { EvaluatorSpec } from '../../src/domain/surface.ts';
import { makeLast, stretched, type Stretch } from './spare.ts';

const ROOT = resolve(import.meta.dirname, '..', '..');
const EVALUATORS = (await readdir(join(ROOT, 'evaluators'), { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name);

/** An evaluator as nodes read it, before and after it was stretched. */
async function both(evaluator: string, stretch: Stretch): Promise<{ readonly before: EvaluatorSpec; readonly after: EvaluatorSpec }> {
  const root = await mkdtemp(join(tmpdir(), 'brigade-spare-'));
  try {
    await cp(join(ROOT, 'evaluators', evaluator), join(root, 'evaluators', evaluator), { recursive: true });
    const file = join(root, 'evaluators', evaluator, 'evaluator.yaml');
    await writeFile(file, stretched(await readFile(file, 'utf8'), stretch));
    const dataDir = join(root, 'none');
    return { before: await loadEvaluator(ROOT, evaluator, { dataDir }), after: await loadEvaluator(root, evaluator, { dataDir }) };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

const trainOf = ({ phases }: EvaluatorSpec): EvaluatorSpec['phases'][number] | undefined => phases.find(({ role }) => role === 'train');

test.each(EVALUATORS)('%s on a machine three times slower has three times as much time by the wall, in every phase and stretch of it, and trains for as long as before where seconds are calibrated', async (name) => {
  const { before, after } = await both(name, { slow: 3, lingerSeconds: 0, hasSpare: false });
  for (const [i, phase] of before.phases.entries()) {
    const longer = phase.clock === 'wall' ? 3 : 1;
    expect(after.phases[i]).toEqual({
      ...phase, wallSeconds: phase.wallSeconds * 3, budgetSeconds: phase.budgetSeconds * longer, toleranceSeconds: phase.toleranceSeconds * longer,
      milestones: phase.milestones.map((one) => ({ ...one, budgetSeconds: one.budgetSeconds * longer, toleranceSeconds: one.toleranceSeconds * longer })),
    });
  }
  const longer = trainOf(before)?.clock === 'wall' ? 3 : 1;
  expect(after.canaries).toEqual(before.canaries.map((canary) => ({ ...canary, trainSeconds: (canary.trainSeconds ?? 1) * longer })));
  expect({ ...after, phases: [], canaries: [], hash: '', dir: '' }, 'all else is what it was').toEqual({ ...before, phases: [], canaries: [], hash: '', dir: '' });
});

test('a canary of tiny trains for its second and for the nap of its measurements, which its phases have time for too', async () => {
  const { before, after } = await both('tiny', { slow: 2, lingerSeconds: 1.5, hasSpare: true });
  expect(after.canaries.map(({ name, trainSeconds }) => [name, trainSeconds])).toEqual([['good', 3.5], ['forger', 3.5], ['crasher', 3.5]]);
  expect(after.phases.map(({ budgetSeconds }) => budgetSeconds)).toEqual(before.phases.map(({ budgetSeconds }) => budgetSeconds * 2 + 1.5));
  expect(after.artifact.capBytes).toBe(60_000);
});

test('the seconds of golf-mini are not stretched for its canaries either: a slow machine would only train them for longer', async () => {
  const { after } = await both('golf-mini', { slow: 4, lingerSeconds: 0, hasSpare: false });
  expect(after.canaries.map(({ trainSeconds }) => trainSeconds)).toEqual([1, 1, 1, 1, 1]);
  expect(trainOf(after)).toMatchObject({ budgetSeconds: 10, wallSeconds: 480 });
});

test('measurements of tiny nap, each of its files has names to spare, and a recipe that the lab does not know is refused', async () => {
  const original = await mkdtemp(join(tmpdir(), 'brigade-spare-'));
  try {
    await cp(join(ROOT, 'surfaces', 'tiny'), join(original, 'surfaces', 'tiny'), { recursive: true });
    const recipe = join(original, 'surfaces', 'tiny', 'recipe');
    await makeLast(original, 'tiny', 1.5);
    expect(await readFile(join(recipe, 'recipe.py'), 'utf8')).toMatch(/^import time\n[\s\S]*^ {4}time\.sleep\(1\.5\)\n {4}generator = /m);
    for (const name of ['optimizer.py', 'model.py', 'data.py', 'kernel.py']) expect(await readFile(join(recipe, name), 'utf8')).toContain('\nSPARE_149 = 150.5\n');
    await writeFile(join(recipe, 'recipe.py'), 'def train(points, seed, most_steps):\n    return b""\n');
    await expect(makeLast(original, 'tiny', 1.5)).rejects.toThrow('is not what the lab knows');
  } finally {
    await rm(original, { recursive: true, force: true });
  }
});
