import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openParser, type PythonParser } from '../../src/adapters/python/index.ts';
import { BadSurface, listEvaluators, listSurfaces, loadEvaluator, loadSurface } from '../../src/adapters/surfaces/index.ts';

const project = join(import.meta.dirname, '..', '..');
let parser: PythonParser;
let root = '';
beforeAll(async () => { parser = await openParser(); });
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'brigade-surfaces-'));
  for (const kind of ['surfaces', 'evaluators']) await cp(join(project, kind, 'tiny'), join(root, kind, 'mine'), { recursive: true });
  await edit('surfaces/mine/surface.yaml', (text) => text.replace('evaluator: tiny', 'evaluator: mine'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function edit(file: string, change: (text: string) => string): Promise<void> {
  const before = await readFile(join(root, file), 'utf8').catch(() => '');
  const after = change(before);
  expect(after).not.toBe(before);
  await mkdir(dirname(join(root, file)), { recursive: true });
  await writeFile(join(root, file), after);
}
const problems = async (reading: Promise<unknown>): Promise<readonly string[]> => {
  const error = await reading.then(() => null, (cause: unknown) => cause);
  if (!(error instanceof BadSurface)) throw new Error(`not refused as a bad folder: ${String(error)}`);
  return error.problems;
};
const surface = (name = 'mine') => loadSurface(root, name, parser);
const evaluator = (name = 'mine') => loadEvaluator(root, name, { dataDir: join(root, 'data') });

test('a folder that was copied is a surface; nothing else had to be touched', async () => {
  expect(await listSurfaces(root)).toEqual(['mine']);
  expect(await listEvaluators(root)).toEqual(['mine']);
  expect((await surface()).roster.map(({ specialist }) => specialist)).toEqual(['optimizer', 'architecture', 'data', 'kernel']);
  expect((await evaluator()).phases.map(({ name }) => name)).toEqual(['smoke', 'train', 'eval']);
});

test('an unknown surface is answered with the nearest and all there are', async () => {
  expect(await problems(surface('mime'))).toEqual(['no surface is called "mime"; did you mean `mine`? There is mine.']);
  expect(await problems(surface('quite-another'))).toEqual(['no surface is called "quite-another". There is mine.']);
});

describe('a broken surface.yaml is told with file, line, column, field and remedy', () => {
  const broken: readonly (readonly [string, (text: string) => string, RegExp])[] = [
    ['a field that is none', (text) => text.replace('roster:', 'rooster:'), /^surfaces\/mine\/surface\.yaml:\d+:1\d?  rooster: no such field; did you mean `roster`\? The fields are title, /m],
    ['a missing field', (text) => text.replace(/^title:.*\n/m, ''), /^surfaces\/mine\/surface\.yaml:1:1  title: is missing: add it/m],
    ['a wrong kind', (text) => text.replace('kind: cpu', 'kind: tpu'), /surface\.yaml:\d+:\d+  slots\.kind: "tpu" will not do: give cpu or gpu\./],
    ['a wrong size', (text) => text.replace('memory: 64MB', 'memory: 64 megs'), /slots\.memory: "64 megs" will not do: give a number with a unit such as 64KB, 256MB, 2GB\./],
    ['a wrong number', (text) => text.replace('trials: 24', 'trials: 0'), /limits\.trials: 0 will not do: give at least 1\./],
    ['broken YAML', (text) => text.replace('roster: [', 'roster: [['), /^surfaces\/mine\/surface\.yaml:\d+:\d+  .*correct the YAML there\./m],
    ['two owners of one file', (text) => text.replace('kernel: [kernel.py]', 'kernel: [kernel.py, model.py]'), /surface\.yaml:9:18  partition\.architecture: `model\.py` is also owned by kernel \(line 11\)\. A file has one owner: remove one of the two\./],
    ['a file that is not there', (text) => text.replace('data: [data.py]', 'data: [dato.py]'), /partition\.data: recipe\/dato\.py does not exist; did you mean `data\.py`\?/],
    ['a file without an owner', (text) => text.replace('protected: [recipe.py]', 'protected: []'), /partition: recipe\/recipe\.py has no owner: name the file under a specialist, or under protected\./],
    ['an owner outside the roster', (text) => text.replace('  kernel: [', '  kernels: ['), /partition\.kernels: kernels is not in the roster/],
    ['a symbol that is not there', (text) => text.replace('kernel: [kernel.py]', 'kernel: [kernel.py, "model.py#nothing_like_it"]'), /partition\.kernel: recipe\/model\.py defines no `nothing_like_it`/],
    ['a path that leaves the folder', (text) => text.replace('addable: []', 'addable: [../]'), /addable: "\.\.\/" will not do/],
    ['a package that would hide a module', (text) => text.replace('addable: []', 'addable: [model/]'), /addable: a package model\/ would hide recipe\/model\.py/],
    ['an evaluator that is not there', (text) => text.replace('evaluator: mine', 'evaluator: other'), /evaluator: evaluators\/other\/ does not exist: there is mine\./],
  ];
  test.each(broken)('%s', async (_, change, said) => {
    await edit('surfaces/mine/surface.yaml', change);
    expect((await problems(surface())).join('\n')).toMatch(said);
  });

  test('two faults are both told', async () => {
    await edit('surfaces/mine/surface.yaml', (text) => text.replace('kind: cpu', 'kind: tpu').replace('trials: 24', 'trials: many'));
    expect(await problems(surface())).toHaveLength(2);
  });
});

test('a brief without one of its parts, and a missing one, are told', async () => {
  await edit('surfaces/mine/specialists/data.md', (text) => text.replace(/^#+ Edit radius[\s\S]*/m, ''));
  expect(await problems(surface())).toEqual(['surfaces/mine/specialists/data.md says nothing under Edit radius: a brief has the heads Scope, Non-scope, Edit radius, each with a text.']);
  await rm(join(root, 'surfaces/mine/specialists/data.md'));
  expect((await problems(surface()))[0]).toMatch(/specialists\/data\.md is missing/);
});

test('a recipe holds plain text only', async () => {
  await writeFile(join(root, 'surfaces/mine/recipe/weights.txt'), Uint8Array.of(255, 254));
  expect((await problems(surface()))[0]).toMatch(/recipe\/weights\.txt is not UTF-8 text/);
  await rm(join(root, 'surfaces/mine/recipe/weights.txt'));
  await symlink('/etc/hostname', join(root, 'surfaces/mine/recipe/link.py'));
  expect((await problems(surface()))[0]).toMatch(/recipe\/link\.py is a link/);
});

test('the hash changes with what decides a score or an owner, and with nothing else', async () => {
  const { hash } = await surface();
  await edit('surfaces/mine/README.md', (text) => `${text}\nmore`);
  await edit('surfaces/mine/knowledge/x.md', () => 'a fact');
  expect((await surface()).hash).toBe(hash);
  await edit('surfaces/mine/recipe/model.py', (text) => `${text}\n# more\n`);
  expect((await surface()).hash).not.toBe(hash);
});

describe('a broken evaluator.yaml is told the same way', () => {
  const broken: readonly (readonly [string, (text: string) => string, RegExp])[] = [
    ['a phase of no role', (text) => text.replace('role: smoke', 'role: smoky'), /^evaluators\/mine\/evaluator\.yaml:\d+:\d+  phases\.role: "smoky" will not do: give smoke, train or eval\./m],
    ['a score that nobody measures', (text) => text.replace(/scorer: \[[^\]]*\], /, ''), /phases: no phase has the role eval and a scorer/],
    ['a range upside down', (text) => text.replace('[0, 1000]', '[1000, 0]'), /objective\.range: .*give the lowest possible score first/],
    ['a canary without files', (text) => text.replace('{name: good,', '{name: bad,'), /canaries\.name: canaries\/bad\/ holds no file/],
    ['data without a digest', (text) => text.replace('data: []', 'data: [train]'), /phases\.data: train has no digest under checksums/],
    ['a score in the seconds of no phase', (text) => `${text}\nscore: {seconds: [smoke]}\n`, /score\.seconds: smoke is no phase that trains or evaluates/],
    ['a score in seconds by the recipe\'s word', (text) => `${text}\nscoreSource: recipe\nscore: {seconds: [train]}\n`, /scoreSource: a score in seconds is the evaluator's own/],
    ['a confirmation that is neither way', (text) => text.replace('objective: {', 'objective: {confirm: stale, '), /objective\.confirm: .*give fresh/],
    ['no seeds', (text) => `${text}\nseeds: 0\n`, /seeds: /],
    ['a line that only JavaScript can look for', (text) => text.replace('budget: 1.5,', "milestones: [{name: train, until: '^(?<step>[0-9]+) ', budget: 2}], budget: 1.5,"), /^evaluators\/mine\/evaluator\.yaml:\d+:\d+  phases\.milestones\.until: .*has \(\?<step>, which the warden, being Python, may not read: give a regular expression of plain characters/m],
    ['a field that is none', (text) => `${text}\nwebhook: x\n`, /webhook: no such field/],
  ];
  test.each(broken)('%s', async (_, change, said) => {
    await edit('evaluators/mine/evaluator.yaml', change);
    expect((await problems(evaluator())).join('\n')).toMatch(said);
  });
});

test('data that are not prepared are listed, and data that differ are refused', async () => {
  await edit('evaluators/mine/evaluator.yaml', (text) => text.replace('checksums: {}', `checksums: {train: ${'a'.repeat(64)}}`));
  expect((await evaluator()).missing).toEqual(['train']);
  await mkdir(join(root, 'data/mine'), { recursive: true });
  await writeFile(join(root, 'data/mine/train.bin'), 'other');
  expect((await problems(evaluator()))[0]).toMatch(/checksums\.train: the prepared train\.bin has digest .*npm run setup/);
});

test('the columns have the change against the best after the metric', async () => {
  expect((await evaluator()).columns).toEqual(['error', 'delta_vs_best', 'artifact_bytes', 'train_s', 'eval_s', 'total_s']);
  await edit('evaluators/mine/evaluator.yaml', (text) => text.replace(/^columns:.*\n/m, ''));
  expect((await evaluator()).columns).toEqual(['error', 'delta_vs_best', 'artifact_bytes', 'train_s', 'eval_s', 'total_s']);
});

test('whose word the score is stands in the evaluator, and is its own where nothing else is said', async () => {
  expect((await evaluator()).scoreSource).toBe('evaluator');
  await edit('evaluators/mine/evaluator.yaml', (text) => `scoreSource: recipe\n${text}`);
  expect((await evaluator()).scoreSource).toBe('recipe');
});

test('the evaluator’s hash covers every program in its folder', async () => {
  const { hash } = await evaluator();
  await edit('evaluators/mine/scorer.py', (text) => `${text}\n`);
  expect((await evaluator()).hash).not.toBe(hash);
});
