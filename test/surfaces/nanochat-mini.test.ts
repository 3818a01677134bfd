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
const surface = join(root, 'surfaces/nanochat-mini');
const python = join(root, '.brigade/python/bin/python');

const Declared = z.object({ roster: z.array(z.string()), partition: z.record(z.string(), z.array(z.string())), protected: z.array(z.string()) });
const Examined = z.object({
  folder: z.string(), error: z.string().optional(), steps: z.number().optional(), artifactBytes: z.number().optional(), shape: z.array(z.number()).optional(), dtype: z.string().optional(),
  finite: z.boolean().optional(), sumError: z.number().optional(), leak: z.number().optional(), prefixError: z.number().optional(), companyError: z.number().optional(),
});

const declared = Declared.parse(parse(readFileSync(join(surface, 'surface.yaml'), 'utf8')));
const baseline: Recipe = Object.fromEntries(readdirSync(join(surface, 'recipe')).filter((name) => name.endsWith('.py')).map((name) => [name, readFileSync(join(surface, 'recipe', name), 'utf8')]));
const syntax = await openSyntax({ python });
const library: readonly Edit[] = declared.roster.flatMap((specialist) => readdirSync(join(surface, 'edits', specialist)).sort()
  .map((file) => readEdit(specialist, file.replace(/\.py$/, ''), readFileSync(join(surface, 'edits', specialist, file), 'utf8'), syntax)));
const editsOf = (specialist: string): readonly Edit[] => library.filter((edit) => edit.specialist === specialist);
const moveOf = (edit: Edit): string => `edit:${edit.specialist}/${edit.name}`;

/** Every name an edit defines, with the members of the classes it merges instead of the classes. */
const defined = (edit: Edit): string[] => edit.layout.definitions.flatMap(({ name, kind, members }) => (kind === 'class' && members.length > 0 ? members.map((member) => `${name}.${member.name}`) : [name]));

function built(moves: readonly string[]): Recipe {
  const result = build(baseline, moves, library, syntax);
  if (result.kind === 'refused') throw new Error(`${moves.join(' ')}: ${result.reason}`);
  return result.recipe;
}

let scratch = '';
beforeAll(() => { scratch = mkdtempSync(join(tmpdir(), 'brigade-nanochat-mini-')); });
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
  const { stdout } = await promisify(execFile)(python, ['-W', 'ignore', join(import.meta.dirname, 'nanochat_mini_examine.py'), ...folders], {
    env: { PATH: process.env['PATH'], HOME: scratch, TMPDIR: scratch, OMP_NUM_THREADS: '1' }, maxBuffer: 1 << 24,
  });
  return stdout.trim().split('\n').map((line) => Examined.parse(JSON.parse(line)));
}

/** What is wrong with an examined recipe; empty when it keeps the contract. */
function faults(seen: z.infer<typeof Examined>): string[] {
  if (seen.error !== undefined) return [seen.error];
  return [
    (seen.steps ?? 0) >= 1 || 'trained no step',
    ((seen.artifactBytes ?? 0) > 0 && (seen.artifactBytes ?? Infinity) < 15_000_000) || `saved ${seen.artifactBytes} bytes`,
    String(seen.shape) === '2,257,256' || `answered ${seen.shape}`,
    seen.dtype === 'torch.float32' || `answered in ${seen.dtype}`,
    seen.finite === true || 'answered infinities',
    (seen.sumError ?? 1) < 1e-4 || `rows sum to 1 ± ${seen.sumError}`,
    (seen.leak ?? 1) < 1e-4 || `a later byte moves an earlier answer by ${seen.leak}`,
    (seen.prefixError ?? 1) < 1e-3 || `a fresh predictor that sees only the prefix differs by ${seen.prefixError}`,
    (seen.companyError ?? 1) < 1e-3 || `a row asked alone differs by ${seen.companyError}`,
  ].filter((fault) => fault !== true);
}

test('every specialist has at least six program edits, twenty-four in all, each with a hypothesis, a file it owns and a source', () => {
  expect(library.length).toBeGreaterThanOrEqual(24);
  for (const specialist of declared.roster) expect(editsOf(specialist).length, specialist).toBeGreaterThanOrEqual(6);
  for (const edit of library) {
    expect(edit.hypothesis.split(' ').length, edit.name).toBeGreaterThan(8);
    expect(edit.source, edit.name).toMatch(/\b(19|20)\d\d\b/);
    expect(declared.partition[edit.specialist], edit.name).toContain(edit.file);
  }
});

test('every file of the recipe has one owner, and the glue is nobody\'s', () => {
  expect([...Object.values(declared.partition).flat(), ...declared.protected].sort()).toEqual(Object.keys(baseline).sort());
  expect(declared.protected).toEqual(['recipe.py']);
});

test('an edit excludes only edits of its own specialist, and they exclude it too', () => {
  const oneSided = library.flatMap((edit) => edit.excludes.filter((name) => !(editsOf(edit.specialist).find((other) => other.name === name)?.excludes.includes(edit.name))).map((name) => `${edit.name} excludes ${name}`));
  expect(oneSided).toEqual([]);
});

test('two edits that define the same name exclude each other', () => {
  const clashes = library.flatMap((a) => editsOf(a.specialist).filter((b) => b.name !== a.name && !a.excludes.includes(b.name))
    .map((b) => ({ pair: `${a.name} and ${b.name}`, names: defined(a).filter((name) => defined(b).includes(name)) })).filter(({ names }) => names.length > 0));
  expect(clashes).toEqual([]);
});

test('the baseline has at least twenty knobs over four partitions, and each is read', () => {
  const owners = declared.roster.map((specialist) => knobsOf(baseline, (file) => (declared.partition[specialist] ?? []).includes(file), syntax));
  expect(owners.flat().length).toBeGreaterThanOrEqual(20);
  const code = Object.values(baseline).join('\n');
  for (const [i, knobs] of owners.entries()) {
    expect(knobs.length, declared.roster[i]).toBeGreaterThanOrEqual(2);
    for (const { name } of knobs) expect(code.match(new RegExp(`\\b${name}\\b`, 'g'))?.length, name).toBeGreaterThanOrEqual(2);
  }
});

test('an edit changes its own file only', () => {
  for (const edit of library) {
    const recipe = built([moveOf(edit)]);
    expect(Object.keys(recipe).filter((file) => recipe[file] !== baseline[file]), edit.name).toEqual([edit.file]);
  }
});

test('the baseline, every edit, and edits of four specialists together train, save, load and answer with causal distributions that no other row moves', async () => {
  const mixes = [0, 3, 6, 9].map((pick) => declared.roster.map((specialist) => moveOf(editsOf(specialist)[pick % editsOf(specialist).length] as Edit)));
  const recipes = { baseline, ...Object.fromEntries([...library.map((edit) => [moveOf(edit)]), ...mixes].map((moves) => [moves.join(' ').replaceAll(/[/:]/g, '-'), built(moves)])) };
  const seen = await examine(recipes);
  expect(seen.length).toBe(1 + library.length + mixes.length);
  expect(seen.map((one) => [one.folder.split('/').at(-1), faults(one)]).filter(([, found]) => found?.length !== 0)).toEqual([]);
}, 600_000);
