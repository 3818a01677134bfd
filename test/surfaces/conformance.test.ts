import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build } from '../../src/actors/specialist/index.ts';
import { patches } from '../../src/adapters/patches/index.ts';
import { openSyntax } from '../../src/adapters/python/index.ts';
import { describeSurface, listEvaluators, listSurfaces, loadEvaluator, loadSurface, SurfaceNotSetUp, type LoadedSurface } from '../../src/adapters/surfaces/index.ts';
import { findToolchain } from '../../src/adapters/toolchain/index.ts';
import { loadLibrary } from '../../src/cli/library.ts';
import { admit, type Admission } from '../../src/domain/admission.ts';
import { divide } from '../../src/domain/block.ts';
import { changedSymbols, ownerOf, PROTECTED } from '../../src/domain/partition.ts';
import type { Recipe } from '../../src/domain/recipe.ts';
import { plainTable, type SymbolTable, type Tables } from '../../src/domain/symbol.ts';
import type { Syntax } from '../../src/ports.ts';

// Every folder found under surfaces/ and evaluators/ is held to the same.

const root = join(import.meta.dirname, '..', '..');
const surfaces = await listSurfaces(root);
const evaluators = await listEvaluators(root);
let syntax: Syntax & AsyncDisposable;
beforeAll(async () => { syntax = await openSyntax({ python: (await findToolchain(root)).python }); });
afterAll(() => syntax[Symbol.asyncDispose]());

/** Every surface under each of its rosters. */
const divisions = (await Promise.all(surfaces.map(async (name) => [null, ...Object.keys((await describeSurface(root, name)).value.rosters)].map((roster) => ({ name, roster, shown: roster === null ? name : `${name} with the roster ${roster}` }))))).flat();
const absent = new Map<string, string>();
for (const { name } of divisions.filter(({ roster }) => roster === null)) {
  const why = await loadSurface(root, name).then(() => null, (error: unknown) => (error instanceof SurfaceNotSetUp ? error.message : null));
  if (why !== null) { absent.set(name, why); process.stderr.write(`not held to the suite but for what can be seen without its files: ${why}\n`); }
}
const there = divisions.filter(({ name }) => !absent.has(name));
const load = (name: string, roster: string | null = null): Promise<LoadedSurface> => loadSurface(root, name, syntax, { roster });
const tablesOf = (recipe: Recipe): Tables => Object.fromEntries(Object.entries(recipe).map(([file, text]) => [file, file.endsWith('.py') ? syntax.symbols(text) : plainTable(text)]));

async function admission(surface: LoadedSurface, author: string, after: Recipe): Promise<Admission> {
  const patched = patches.apply(surface.recipe, patches.diff(surface.recipe, after));
  const errors = [];
  for (const [file, text] of Object.entries(after)) {
    if (!file.endsWith('.py') || text === surface.recipe[file]) continue;
    const said = await syntax.check(file, text);
    if (!said.ok) errors.push({ file, line: said.line, message: said.message });
  }
  return admit({
    authors: [author], parts: [], claims: surface.claims, addable: surface.addable, mode: surface.advisory.includes(author) ? 'advisory' : 'enforced', parent: { recipe: surface.recipe, tables: tablesOf(surface.recipe) },
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

describe.each(divisions)('surface $shown', ({ name, roster }) => {
  test('can be read as far as it is there, and its evaluator exists', async () => {
    const surface = await load(name, roster).catch((error: unknown) => { if (error instanceof SurfaceNotSetUp) return error.outline; throw error; });
    expect(evaluators).toContain(surface.evaluator);
    expect(surface.claims.length).toBeGreaterThan(0);
    for (const { specialist } of surface.roster) expect(surface.advisory.includes(specialist) || surface.claims.some(({ owner }) => owner === specialist), specialist).toBe(true);
  });
});

describe.each(there)('surface $shown', ({ name, roster }) => {
  test('every symbol has one owner, who is in the roster or nobody', async () => {
    const surface = await load(name, roster);
    const owners = [...surface.roster.map(({ specialist }) => specialist), PROTECTED];
    for (const [file, table] of Object.entries(tablesOf(surface.recipe))) for (const symbol of divide(table, surface.claims, file).symbols) expect(owners, `${file}#${symbol.name}`).toContain(ownerOf(surface.claims, file, symbol.name));
  });

  test('its baseline compiles and reaches into no symbol from outside', async () => {
    const { recipe } = await load(name, roster);
    for (const [file, text] of Object.entries(recipe)) {
      if (!file.endsWith('.py')) continue;
      expect(await syntax.check(file, text)).toEqual({ ok: true });
    }
  });

  test('a line edited at random is refused to all but the owner of the symbol it is in', async () => {
    const surface = await load(name, roster);
    const lines = Object.entries(surface.recipe).filter(([file]) => file.endsWith('.py')).flatMap(([file, text]) => text.split('\n').map((line, at) => ({ file, at, line })));
    const numbers = lines.flatMap(({ file, at, line }) => [...line.replace(/#.*$/, '').matchAll(/(?<![\w."'])\d+(?![\w.])/g)].map((match) => ({ file, at, column: match.index, length: match[0].length })));
    expect(numbers.length).toBeGreaterThan(0);
    await fc.assert(fc.asyncProperty(fc.constantFrom(...numbers), fc.constantFrom(...surface.roster), async ({ file, at, column, length }, { specialist }) => {
      const text = surface.recipe[file] ?? '';
      const edited = text.split('\n').map((line, i) => (i === at ? `${line.slice(0, column)}9173${line.slice(column + length)}` : line)).join('\n');
      const [before, after] = [text, edited].map((source) => divide(syntax.symbols(source), surface.claims, file)) as [SymbolTable, SymbolTable];
      const changes = changedSymbols(before, after);
      const gone = changes.find((each) => each.change === 'deleted'); // a condition or an argument that was a block's name
      const changed = changes.filter(({ change }) => change === 'changed').map((symbol) => symbol.name);
      const docstring = before.symbols.some(({ line, endLine, kind }) => kind === 'module' && at + 1 >= line && at + 1 <= endLine);
      expect(changes.length, `${file}:${at + 1}`).toBeGreaterThan(0);
      for (const symbol of changed) {
        const place = before.symbols.find((each) => each.name === symbol);
        expect(docstring || (place !== undefined && place.line <= at + 1 && at + 1 <= place.endLine), `${file}:${at + 1} ${symbol}`).toBe(true);
      }
      const owner = ownerOf(surface.claims, file, gone?.name ?? changed[0] ?? null);
      const said = await admission(surface, specialist, { ...surface.recipe, [file]: edited });
      if (owner === specialist || (surface.advisory.includes(specialist) && owner !== PROTECTED)) expect(said.kind === 'rejected' ? `${file}:${at + 1} ${said.rejection.message}` : said.kind).toBe('admitted');
      else if (gone) expect(said.kind, `${file}:${at + 1} ${gone.name}`).toBe('rejected');
      else expect(said).toMatchObject({ kind: 'rejected', rejection: { rule: owner === PROTECTED ? 'protected' : 'ownership', file, owner: owner === PROTECTED ? null : owner } });
    }), { seed: 2, numRuns: roster !== null ? 15 : surface.checkout === null ? 60 : 30 });
  });

  test('every edit of its library is admitted from its own specialist, and refused to every other', async () => {
    const surface = await load(name, roster);
    if (roster !== null) return; // a library is written for the surface's own roster
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
