import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build } from '../../src/actors/specialist/index.ts';
import { patches } from '../../src/adapters/patches/index.ts';
import { openSyntax } from '../../src/adapters/python/index.ts';
import { listEvaluators, listSurfaces, loadEvaluator, loadSurface } from '../../src/adapters/surfaces/index.ts';
import { findToolchain } from '../../src/adapters/toolchain/index.ts';
import { loadLibrary } from '../../src/cli/library.ts';
import { admit, type Admission } from '../../src/domain/admission.ts';
import { changedSymbols, ownerOf, PROTECTED } from '../../src/domain/partition.ts';
import type { Recipe } from '../../src/domain/recipe.ts';
import { plainTable, type Tables } from '../../src/domain/symbol.ts';
import type { Syntax } from '../../src/ports.ts';

// Every folder found under surfaces/ and evaluators/ is held to the same.

const root = join(import.meta.dirname, '..', '..');
const surfaces = await listSurfaces(root);
const evaluators = await listEvaluators(root);
let syntax: Syntax & AsyncDisposable;
beforeAll(async () => { syntax = await openSyntax({ python: (await findToolchain(root)).python }); });
afterAll(() => syntax[Symbol.asyncDispose]());

const load = (name: string) => loadSurface(root, name, syntax);
const tablesOf = (recipe: Recipe): Tables => Object.fromEntries(Object.entries(recipe).map(([file, text]) => [file, file.endsWith('.py') ? syntax.symbols(text) : plainTable(text)]));

async function admission(surface: Awaited<ReturnType<typeof load>>, author: string, after: Recipe): Promise<Admission> {
  const patched = patches.apply(surface.recipe, patches.diff(surface.recipe, after));
  const errors = [];
  for (const [file, text] of Object.entries(after)) {
    if (!file.endsWith('.py') || text === surface.recipe[file]) continue;
    const said = await syntax.check(file, text);
    if (!said.ok) errors.push({ file, line: said.line, message: said.message });
  }
  return admit({
    authors: [author], parts: [], claims: surface.claims, addable: surface.addable, mode: 'enforced', parent: { recipe: surface.recipe, tables: tablesOf(surface.recipe) },
    patched, tables: patched.kind === 'applied' ? tablesOf(patched.recipe) : {}, errors, twin: null,
  });
}

test('there are surfaces, and evaluators to measure them', () => {
  expect(surfaces).toContain('golf-mini');
  expect(evaluators).toContain('golf-mini');
});

describe.each(evaluators)('evaluator %s', (name) => {
  test('can be read', async () => {
    const evaluator = await loadEvaluator(root, name, { dataDir: join(root, '.brigade', 'data') });
    expect(evaluator.phases.some(({ role }) => role === 'eval')).toBe(true);
    expect(evaluator.canaries.some(({ expect: ending }) => ending === 'scores' || ending === 'measures')).toBe(true);
    expect(evaluator.canaries.some(({ expect: ending }) => ending === 'tampered')).toBe(true);
  });
});

describe.each(surfaces)('surface %s', (name) => {
  test('can be read, and its evaluator exists', async () => { expect(evaluators).toContain((await load(name)).evaluator); });

  test('every symbol has one owner, who is in the roster or nobody', async () => {
    const surface = await load(name);
    const owners = [...surface.roster.map(({ specialist }) => specialist), PROTECTED];
    for (const [file, table] of Object.entries(tablesOf(surface.recipe))) for (const symbol of table.symbols) expect(owners, `${file}#${symbol.name}`).toContain(ownerOf(surface.claims, file, symbol.name));
  });

  test('its baseline compiles and reaches into no symbol from outside', async () => {
    const { recipe } = await load(name);
    for (const [file, text] of Object.entries(recipe)) {
      if (!file.endsWith('.py')) continue;
      expect(await syntax.check(file, text)).toEqual({ ok: true });
    }
  });

  test('a line edited at random is refused to all but the owner of the symbol it is in', async () => {
    const surface = await load(name);
    const lines = Object.entries(surface.recipe).filter(([file]) => file.endsWith('.py')).flatMap(([file, text]) => text.split('\n').map((line, at) => ({ file, at, line })));
    const numbers = lines.flatMap(({ file, at, line }) => [...line.replace(/#.*$/, '').matchAll(/(?<![\w."'])\d+(?![\w.])/g)].map((match) => ({ file, at, column: match.index, length: match[0].length })));
    expect(numbers.length).toBeGreaterThan(0);
    await fc.assert(fc.asyncProperty(fc.constantFrom(...numbers), fc.constantFrom(...surface.roster), async ({ file, at, column, length }, { specialist }) => {
      const text = surface.recipe[file] ?? '';
      const edited = text.split('\n').map((line, i) => (i === at ? `${line.slice(0, column)}9173${line.slice(column + length)}` : line)).join('\n');
      const before = syntax.symbols(text);
      const changed = changedSymbols(before, syntax.symbols(edited)).filter(({ change }) => change === 'changed').map((symbol) => symbol.name);
      const docstring = before.symbols.some(({ line, endLine, kind }) => kind === 'module' && at + 1 >= line && at + 1 <= endLine);
      expect(changed.length, `${file}:${at + 1}`).toBeGreaterThan(0);
      for (const symbol of changed) {
        const place = before.symbols.find((each) => each.name === symbol);
        expect(docstring || (place !== undefined && place.line <= at + 1 && at + 1 <= place.endLine), `${file}:${at + 1} ${symbol}`).toBe(true);
      }
      const owner = ownerOf(surface.claims, file, changed[0] ?? null);
      const said = await admission(surface, specialist, { ...surface.recipe, [file]: edited });
      if (owner === specialist) expect(said.kind).toBe('admitted');
      else expect(said).toMatchObject({ kind: 'rejected', rejection: { rule: owner === PROTECTED ? 'protected' : 'ownership', file, owner: owner === PROTECTED ? null : owner } });
    }), { seed: 2, numRuns: 60 });
  });

  test('every edit of its library is admitted from its own specialist, and refused to every other', async () => {
    const surface = await load(name);
    const library = await loadLibrary(surface.dir, syntax);
    for (const edit of library) {
      const move = `edit:${edit.specialist}/${edit.name}`;
      const built = build(surface.recipe, [move], library, syntax);
      if (built.kind === 'refused') throw new Error(`${move}: ${built.reason}`);
      const said = await admission(surface, edit.specialist, built.recipe);
      expect(said.kind === 'rejected' ? `${move}: ${said.rejection.message}` : said.kind).toBe('admitted');
      const other = surface.roster.find(({ specialist }) => specialist !== edit.specialist);
      if (other) expect((await admission(surface, other.specialist, built.recipe)).kind, move).toBe('rejected');
    }
  });
});
