import { appendFile, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadSurface } from '../../src/adapters/surfaces/index.ts';
import { proveCompositions } from '../../src/cli/verify-compositions.ts';
import type { RunStarted } from '../../src/domain/fact.ts';
import type { Lineage } from '../../src/domain/lineage.ts';
import { canonicalRecipe, type Recipe } from '../../src/domain/recipe.ts';
import { HASH, story } from '../support/story.ts';

const project = join(import.meta.dirname, '..', '..');
const scene = (rate: number, width: number): Recipe => ({ 'train.py': `def main():\n    rate = ${rate}\n    warm = rate\n    cold = warm\n    width = ${width}\n    return rate * width + cold\n` });
const snapshots: Readonly<Record<string, Recipe>> = { ['0'.repeat(64)]: scene(1, 1), ['1'.repeat(64)]: scene(2, 1), ['2'.repeat(64)]: scene(1, 2), ['3'.repeat(64)]: scene(2, 2), ['4'.repeat(64)]: scene(7, 2), ['5'.repeat(64)]: scene(2, 9) };
const blobs = { get: (hash: string) => Promise.resolve(snapshots[hash] === undefined ? null : new TextEncoder().encode(canonicalRecipe(snapshots[hash]))) };
let root = '';

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'brigade-compositions-'));
  await cp(join(project, 'evaluators', 'tiny'), join(root, 'evaluators', 'tiny'), { recursive: true });
  const folder = join(root, 'surfaces', 'divided');
  await mkdir(join(folder, 'recipe'), { recursive: true });
  await writeFile(join(folder, 'recipe', 'train.py'), scene(1, 1)['train.py'] ?? '');
  await writeFile(join(folder, 'surface.yaml'), ['title: one function', 'evaluator: tiny', 'slots: {kind: cpu, count: 1, memory: 64MB}', 'calibration: {replicates: 3}', 'limits: {trials: 4, minutes: 5}',
    'roster: [whole]', 'partition: {whole: [train.py]}', 'protected: []', 'rosters:', '  two: {roster: [rate, width], partition: {rate: ["train.py#main@rate"], width: ["train.py#main@width"]}, protected: [train.py]}', ''].join('\n'));
  for (const who of ['whole', 'two/rate', 'two/width']) { await mkdir(join(folder, 'specialists', 'two'), { recursive: true }); await writeFile(join(folder, 'specialists', `${who}.md`), '# Scope\nIts own.\n# Non-scope\nAll else.\n# Edit radius\nA line.\n'); }
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Two blocks of one function were kept apart, and a composer, or one of their authors, put them together. */
async function composed(snapshot: string, author = 'composer', started: Partial<RunStarted> = {}): Promise<Lineage> {
  const { hash } = await loadSurface(root, 'divided');
  const told = story({ surface: 'divided', surfaceHash: hash, ...started });
  const kept = (trial: string, number: string): void => {
    told.tell('trial.admitted', [trial], { snapshot: number.repeat(64), feedback: null, clientId: trial, proposal: { specialist: 'rate', parent: 't0000', asOf: 1, hypothesis: 'better', expectedDelta: 0, patch: '', parts: trial === 't0003' ? ['t0001', 't0002'] : [], proposer: { kind: 'search', strategy: 'screen', moves: [] }, tokens: 0, money: 0, ...(trial === 't0003' ? { specialist: author } : {}) } });
    told.tell('trial.result', [trial], { status: 'keep', specialist: 'rate', parent: 't0000', hypothesis: 'better', score: 1, scoreSource: 'evaluator', deltaVsBest: -1, judgedAgainst: 't0000', judgedAt: 1, p: null, n: 1, sd: null, why: 'strict', failure: null, artifactBytes: 1, phases: [], attempt: 1, node: null, slots: [], device: null, evaluatorHash: HASH, snapshot: number.repeat(64) });
  };
  told.tell('run.best', ['0'], { trial: 't0000', score: 3, snapshot: '0'.repeat(64), judgedAt: 1 });
  kept('t0001', '1');
  kept('t0002', '2');
  kept('t0003', snapshot);
  const root0 = told.lineage.trials.get('t0000');
  if (root0) told.lineage.trials.set('t0000', { ...root0, snapshot: '0'.repeat(64) });
  return told.lineage;
}

test('a composition is proved by the roster that the run was started with: another divides the recipe otherwise', async () => {
  expect(await proveCompositions(root, { lineage: await composed('3'), blobs }, 'two')).toEqual([{ trial: 't0003', why: null }]);
  expect((await proveCompositions(root, { lineage: await composed('3'), blobs }, null))?.[0]?.why).toMatch(/`main` in train\.py/);
});

test('the roster that the journal names counts before the one that the folder says', async () => {
  expect(await proveCompositions(root, { lineage: await composed('3', 'composer', { rosterName: 'two' }), blobs }, null)).toEqual([{ trial: 't0003', why: null }]);
});

test('what a specialist merged is proved too: it may change what is its own besides, and what is another’s only as a part has it', async () => {
  const why = async (snapshot: string, started: Partial<RunStarted> = {}): Promise<string | null | undefined> => (await proveCompositions(root, { lineage: await composed(snapshot, 'rate', started), blobs }, 'two'))?.[0]?.why;
  expect(await why('3')).toBeNull();
  expect(await why('4')).toBeNull(); // its own rate, another than either part has
  expect(await why('2')).toBeNull(); // a part left out
  expect(await why('5')).toBe('`main@width` in train.py: as none of its parts has it, and not its author’s');
  expect(await why('5', { arm: { kind: 'specialists', agents: 2, ownership: 'advisory', lineage: true } })).toBeNull();
});

test('a composition that is not what its parts make is found', async () => {
  expect(await proveCompositions(root, { lineage: await composed('1'), blobs }, 'two')).toEqual([{ trial: 't0003', why: 'its parts merge to another recipe' }]);
});

test('a surface that has changed since proves nothing, and accuses nobody', async () => {
  const lineage = await composed('1');
  await appendFile(join(root, 'surfaces', 'divided', 'surface.yaml'), '# a word\n');
  expect(await proveCompositions(root, { lineage, blobs }, 'two')).toBe(null);
});
