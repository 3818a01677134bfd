import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { build, knobsOf, readEdit, type Edit } from '../../src/actors/specialist/index.ts';
import { openSyntax } from '../../src/adapters/python/index.ts';
import type { Recipe } from '../../src/domain/recipe.ts';

const root = join(import.meta.dirname, '../..');
const surface = join(root, 'surfaces/airbench-mini');
const python = join(root, '.brigade/python/bin/python');

const Declared = z.object({ roster: z.array(z.string()), partition: z.record(z.string(), z.array(z.string())), protected: z.array(z.string()) });
const Examined = z.object({
  folder: z.string(), error: z.string().optional(), steps: z.number().optional(), progress: z.array(z.number()).optional(), artifactBytes: z.number().optional(), shape: z.array(z.number()).optional(),
  dtype: z.string().optional(), finite: z.boolean().optional(), alone: z.number().optional(), shuffled: z.number().optional(), learnt: z.boolean().optional(), unspoilt: z.boolean().optional(),
});

const declared = Declared.parse(parse(readFileSync(join(surface, 'surface.yaml'), 'utf8')));
const baseline: Recipe = Object.fromEntries(readdirSync(join(surface, 'recipe')).filter((name) => name.endsWith('.py')).map((name) => [name, readFileSync(join(surface, 'recipe', name), 'utf8')]));
const syntax = await openSyntax({ python });
const library: readonly Edit[] = declared.roster.flatMap((specialist) => readdirSync(join(surface, 'edits', specialist)).sort()
  .map((file) => readEdit(specialist, file.replace(/\.py$/, ''), readFileSync(join(surface, 'edits', specialist, file), 'utf8'), syntax)));
const moveOf = (edit: Edit): string => `edit:${edit.specialist}/${edit.name}`;
const codeBytes = (recipe: Recipe): number => Object.values(recipe).reduce((sum, text) => sum + Buffer.byteLength(text), 0);

/** Every name an edit defines, with the members of the classes it merges instead of the classes. */
const defined = (edit: Edit): string[] => edit.layout.definitions.flatMap(({ name, kind, members }) => (kind === 'class' && members.length > 0 ? members.map((member) => `${name}.${member.name}`) : [name]));

function built(moves: readonly string[]): Recipe {
  const result = build(baseline, moves, library, syntax);
  if (result.kind === 'refused') throw new Error(`${moves.join(' ')}: ${result.reason}`);
  return result.recipe;
}

let scratch = '';
beforeAll(() => { scratch = mkdtempSync(join(tmpdir(), 'brigade-airbench-mini-')); });
afterAll(async () => {
  rmSync(scratch, { recursive: true, force: true });
  await syntax[Symbol.asyncDispose]();
});

async function examine(recipes: Readonly<Record<string, Recipe>>): Promise<z.infer<typeof Examined>[]> {
  const folders = Object.entries(recipes).map(([name, recipe]) => {
    const folder = join(scratch, name);
    mkdirSync(folder, { recursive: true });
    for (const [file, text] of Object.entries(recipe)) writeFileSync(join(folder, file), text);
    return folder;
  });
  const { stdout } = await promisify(execFile)(python, ['-W', 'ignore', join(import.meta.dirname, 'airbench_mini_examine.py'), ...folders], {
    env: { PATH: process.env['PATH'], HOME: scratch, TMPDIR: scratch, OMP_NUM_THREADS: '1' }, maxBuffer: 1 << 24,
  });
  return stdout.trim().split('\n').map((line) => Examined.parse(JSON.parse(line)));
}

/** What is wrong with an examined recipe; empty when it keeps the contract. */
function faults(seen: z.infer<typeof Examined>): string[] {
  if (seen.error !== undefined) return [seen.error];
  return [
    (seen.steps ?? 0) >= 2 || 'trained for less than two steps',
    ((seen.progress?.[0] ?? -1) >= 0 && (seen.progress?.[1] ?? 2) <= 1) || `progress went from ${seen.progress}`,
    (seen.artifactBytes ?? 0) > 0 || 'packed nothing',
    String(seen.shape) === '40,10' || `answered ${seen.shape}`,
    seen.dtype === 'torch.float32' || `answered in ${seen.dtype}`,
    seen.finite === true || 'answered infinities',
    (seen.alone ?? 1) < 1e-3 || `an image asked for alone is answered otherwise, by ${seen.alone}`,
    (seen.shuffled ?? 1) < 1e-3 || `the order of images moves an answer by ${seen.shuffled}`,
    seen.learnt === true || 'learnt nothing',
    seen.unspoilt === true || 'wrote into the images it was given',
  ].filter((fault) => fault !== true);
}

test('every specialist has at least six program edits, twenty-four in all, each with a hypothesis, a file it owns and a source', () => {
  expect(library.length).toBeGreaterThanOrEqual(24);
  for (const specialist of declared.roster) expect(library.filter((edit) => edit.specialist === specialist).length).toBeGreaterThanOrEqual(6);
  for (const edit of library) {
    expect(edit.hypothesis.split(' ').length, edit.name).toBeGreaterThan(8);
    expect(edit.source, edit.name).toMatch(/\b(19|20)\d\d\b/);
    expect(declared.partition[edit.specialist], edit.name).toContain(edit.file);
  }
});

test('every file of the recipe has one owner, and the glue is nobody\'s', () => {
  const owned = [...Object.values(declared.partition).flat(), ...declared.protected].sort();
  expect(owned).toEqual(Object.keys(baseline).sort());
  expect(declared.protected).toEqual(['recipe.py']);
});

test('an edit excludes only edits of its own specialist, and they exclude it too', () => {
  for (const edit of library) {
    for (const name of edit.excludes) {
      const other = library.find((candidate) => candidate.specialist === edit.specialist && candidate.name === name);
      expect(other?.excludes, `${edit.name} excludes ${name}`).toContain(edit.name);
    }
  }
});

test('two edits that define the same name exclude each other', () => {
  const clashes = library.flatMap((a) => library.filter((b) => b.specialist === a.specialist && b.name !== a.name && !a.excludes.includes(b.name))
    .map((b) => ({ pair: `${a.name} and ${b.name}`, names: defined(a).filter((name) => defined(b).includes(name)) })).filter(({ names }) => names.length > 0));
  expect(clashes).toEqual([]);
});

test('the baseline has at least twenty knobs over four partitions, and each is read', () => {
  const owners = declared.roster.map((specialist) => knobsOf(baseline, (file) => (declared.partition[specialist] ?? []).includes(file), syntax));
  expect(owners.flat().length).toBeGreaterThanOrEqual(20);
  const code = [...Object.values(baseline)].join('\n');
  for (const [i, knobs] of owners.entries()) {
    expect(knobs.length, declared.roster[i]).toBeGreaterThanOrEqual(2);
    for (const { name } of knobs) expect(code.match(new RegExp(`\\b${name}\\b`, 'g'))?.length, name).toBeGreaterThanOrEqual(2);
  }
});

test('an edit changes its own file only, leaves what it does not name as it was, and stays short', () => {
  for (const edit of library) {
    const recipe = built([moveOf(edit)]);
    expect(Object.keys(recipe).filter((file) => recipe[file] !== baseline[file]), edit.name).toEqual([edit.file]);
    expect(codeBytes(recipe) - codeBytes(baseline), edit.name).toBeLessThan(3000);
  }
});

test('the baseline, every edit, and edits of four specialists together train, pack, load and answer for each image by itself', async () => {
  const mixes = [0, 3, 5, 8].map((pick) => declared.roster.map((specialist) => library.filter((edit) => edit.specialist === specialist)).map((edits) => moveOf(edits[pick % edits.length] as Edit)));
  const recipes = { baseline, ...Object.fromEntries([...library.map((edit) => [moveOf(edit)]), ...mixes].map((moves) => [moves.join(' ').replaceAll(/[/:]/g, '-'), built(moves)])) };
  const seen = await examine(recipes);
  expect(seen.length).toBe(1 + library.length + mixes.length);
  expect(seen.map((one) => [one.folder.split('/').at(-1), faults(one)]).filter(([, found]) => found?.length !== 0)).toEqual([]);
  for (const { artifactBytes } of seen) expect(artifactBytes ?? Infinity).toBeLessThan(330_000);
}, 600_000);
