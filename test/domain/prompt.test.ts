import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { loadEvaluator, loadSurface } from '../../src/adapters/surfaces/index.ts';
import { renderOpening, renderSystem, type SessionLimits, type Setting } from '../../src/domain/prompt.ts';

const LIMITS: SessionLimits = { turns: 24, tokens: 200_000, seconds: 900, output: 8_000, submissions: 3, money: null };
const folders: string[] = [];
afterEach(async () => { await Promise.all(folders.splice(0).map((each) => rm(each, { recursive: true, force: true }))); });

/** A project with the tiny surface, its files changed as given. */
async function settingOf(changes: Readonly<Record<string, (text: string) => string>> = {}, more: Partial<Setting> = {}): Promise<Setting> {
  const root = await mkdtemp(join(tmpdir(), 'brigade-prompt-'));
  folders.push(root);
  for (const part of ['surfaces/tiny', 'evaluators/tiny']) await cp(part, join(root, part), { recursive: true });
  for (const [file, change] of Object.entries(changes)) await writeFile(join(root, file), change(await readFile(join(root, file), 'utf8')));
  const surface = await loadSurface(root, 'tiny');
  const spec = await loadEvaluator(root, surface.evaluator, { dataDir: join(root, 'data') });
  return { surface, spec, slots: surface.slots, knowledge: [{ name: 'task', text: 'What is known.' }], roster: surface.roster, claims: surface.claims, addable: surface.addable, ownership: 'enforced', keep: { kind: 'confirmed', alpha: 0.01, replicates: 5 }, lineage: true, ...more };
}

test('a limit that is changed in evaluator.yaml is changed in the prompt', async () => {
  const before = renderSystem(await settingOf(), 'kernel', LIMITS);
  for (const told of ['6,000 bytes', 'at most 1.5 s', '0.5 s more are forgiven', 'worst_error must be at most 2.5', '128 MB of memory', 'error in rms, and lower is better', 'Protected, nobody may change it: recipe.py']) expect(before).toContain(told);
  const after = renderSystem(await settingOf({
    'evaluators/tiny/evaluator.yaml': (text) => text.replace('cap: 6000', 'cap: 7123').replace('budget: 1.5, tolerance: 0.5', 'budget: 4.5, tolerance: 0.7').replace('limit: 2.5', 'limit: 1.25').replace('memory: 128MB', 'memory: 96MB').replace('direction: minimize', 'direction: maximize'),
    'surfaces/tiny/surface.yaml': (text) => text.replace('addable: []', 'addable: [extra/]'),
  }), 'kernel', LIMITS);
  for (const told of ['7,123 bytes', 'at most 4.5 s', '0.7 s more are forgiven', 'worst_error must be at most 1.25', '96 MB of memory', 'higher is better', 'Files may be added under extra/']) { expect(after).toContain(told); expect(before).not.toContain(told); }
});

test('what differs from session to session stands last, and the brief is the specialist’s own', async () => {
  const setting = await settingOf();
  const [kernel, data] = [renderSystem(setting, 'kernel', LIMITS), renderSystem(setting, 'data', LIMITS)];
  let common = 0;
  while (kernel[common] === data[common]) common += 1;
  expect(common / kernel.length).toBeGreaterThan(0.7);
  expect(kernel.slice(common)).toContain('how weights become bytes');
  expect(kernel).not.toContain('which points are used');
  expect(renderSystem(setting, 'generalist-1', LIMITS)).toMatch(/every part[\s\S]*how weights become bytes/);
});

test('the keep rule, the owners and the session’s own bounds are told as they are', async () => {
  const setting = await settingOf();
  expect(renderSystem(setting, 'kernel', LIMITS)).toMatch(/5 fresh seeds[\s\S]*p < 0\.01/);
  expect(renderSystem({ ...setting, keep: { kind: 'strict', alpha: 0.01, replicates: 5 } }, 'kernel', LIMITS)).toContain('better than the best at all');
  expect(renderSystem({ ...setting, ownership: 'advisory' }, 'kernel', LIMITS)).toContain('Owners are told, not held');
  expect(renderSystem(setting, 'kernel', { ...LIMITS, turns: 7, tokens: 12_345 })).toMatch(/At most 7 answers[\s\S]*12,345 tokens/);
});

test('a model is told what ends its session, and which sign a gain has', async () => {
  const setting = await settingOf();
  expect(renderSystem(setting, 'kernel', LIMITS)).toMatch(/lower is better: an expectedDelta for the better is negative[\s\S]*A submission ends the session once it is measured, and give_up ends it without one\. You have up to 3: /);
  expect(renderSystem({ ...setting, lineage: false }, 'kernel', LIMITS)).toContain('You have one submission. The session ends with it, or with give_up.');
  const higher = { ...setting, spec: { ...setting.spec, objective: { ...setting.spec.objective, direction: 'maximize' as const } } };
  expect(renderSystem(higher, 'kernel', LIMITS)).toContain('higher is better: an expectedDelta for the better is positive');
});

test('without lineage the opening tells the best and nothing of any other trial', async () => {
  const stand = { parent: 't0007', score: 0.25, recipe: { 'kernel.py': 'DIGITS = 3\n' }, feedback: 't0003 crashed: a secret outcome' };
  const told = renderOpening(await settingOf(), 'kernel', stand);
  expect(told).toContain('| t0003 crashed');
  const bare = renderOpening(await settingOf({}, { lineage: false }), 'kernel', stand);
  expect(bare).toContain('t0007, with a score of 0.25');
  expect(bare).not.toContain('t0003');
  expect(renderSystem(await settingOf({}, { lineage: false }), 'kernel', LIMITS)).toContain('You have one submission.');
});
