import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { build, readEdit, type Edit } from '../../src/actors/specialist/index.ts';
import { openParser } from '../../src/adapters/python/index.ts';
import { loadSurface } from '../../src/adapters/surfaces/index.ts';
import { openComponents } from '../../src/domain/components.ts';
import { compose, describeConflict, type Change } from '../../src/domain/compose.ts';
import { changedSymbols } from '../../src/domain/partition.ts';
import type { Recipe } from '../../src/domain/recipe.ts';
import { linesOf, segment } from '../../src/domain/segment.ts';
import { plainTable, type Tables } from '../../src/domain/symbol.ts';
import { weave } from '../../src/domain/weave.ts';
import { syntax } from './laboratory/simulation.ts';

const parser = await openParser();
const tablesOf = (recipe: Recipe): Tables => Object.fromEntries(Object.entries(recipe).map(([file, text]) => [file, file.endsWith('.py') ? parser.symbols(text) : plainTable(text)]));
const reading = { plain: tablesOf, divided: tablesOf };
const textsOf = (recipe: Recipe): Map<string, string> => new Map(Object.entries(tablesOf(recipe)).flatMap(([file, { symbols }]) => symbols.map(({ name, text }): [string, string] => [`${file}#${name}`, text])));
const change = (n: number, before: Recipe, after: Recipe): Change => ({ trial: `t${String(n).padStart(4, '0')}`, before, after });
const merged = (base: Recipe, ...changes: Change[]): Recipe => {
  const result = compose(base, changes, reading);
  if (result.kind === 'conflict') throw new Error(result.conflicts.map(describeConflict).join('; '));
  return result.recipe;
};

/** A recipe as a person thinks of it: constants, functions and classes with methods, each with a version. */
interface Model { readonly [symbol: string]: number }
const SHAPE = [['one.py', 'WIDTH'], ['one.py', 'RATE'], ['one.py', 'step'], ['one.py', 'Block.forward'], ['one.py', 'Block.norm'], ['one.py', 'last'], ['two.py', 'ORDER'], ['two.py', 'Reader.read'], ['two.py', 'pick']] as const;
const write = (model: Model): Recipe => {
  const body = (name: string): string[] => {
    const v = model[name] ?? 0;
    if (v < 0) return [];
    const [holder, method] = name.split('.');
    if (method !== undefined) return [`    # about ${method}, version ${v}`, `    def ${method}(self, x):`, ...Array.from({ length: 1 + (v % 3) }, (_, i) => `        x = x + ${v} * ${i}`), '        return x', ''];
    if (/^[A-Z]/.test(holder ?? '')) return [`${name} = ${v}  # how much`];
    return ['', '', `# what ${name} does`, `def ${name}(x):`, `    return x * ${v}`];
  };
  const file = (path: string): string => {
    const names = SHAPE.filter(([of]) => of === path).map(([, name]) => name);
    const classes = [...new Set(names.flatMap((name) => (name.includes('.') ? [name.split('.')[0] ?? ''] : [])))];
    const done = new Set<string>();
    const lines = ['"""A file."""', 'import math', ''];
    for (const name of names) {
      const holder = classes.find((one) => name.startsWith(`${one}.`));
      if (holder === undefined) { lines.push(...body(name)); continue; }
      if (done.has(holder)) continue;
      done.add(holder);
      lines.push('', '', `class ${holder}:`, '    """Holds methods."""', '', ...names.filter((one) => one.startsWith(`${holder}.`)).flatMap(body));
    }
    return `${lines.join('\n')}\n`;
  };
  return { 'one.py': file('one.py'), 'two.py': file('two.py') };
};
const NAMES = SHAPE.map(([, name]) => name);
const fileOf = (name: string): string => SHAPE.find(([, other]) => other === name)?.[0] ?? '';
const model = fc.record(Object.fromEntries(NAMES.map((name) => [name, fc.integer({ min: 0, max: 9 })])));
/** New versions of some symbols; −1 removes one that is no constant's holder. */
const changeOf = (names: readonly string[]) => fc.dictionary(fc.constantFrom(...names), fc.integer({ min: -1, max: 40 }), { minKeys: 1, maxKeys: 3 });
const disjoint = fc.shuffledSubarray([...NAMES], { minLength: NAMES.length, maxLength: NAMES.length }).chain((order) => fc.record({ base: model, one: changeOf(order.slice(0, 4)), other: changeOf(order.slice(4)) }));

test('a source taken apart and put together again is the same, byte for byte', () => {
  const sources = ['surfaces', 'evaluators', 'src'].flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.py')).map((path) => readFileSync(join(folder, path), 'utf8')));
  expect(sources.length).toBeGreaterThan(60);
  for (const source of [...sources, '', '\n\n', 'x = 1', 'A = 1; B = 2\nif A:\n    B = 3\n', '# only a comment\n']) {
    const { segments, tail } = segment(source, parser.symbols(source));
    expect([...segments.flatMap(linesOf), ...tail].join('\n')).toBe(source);
  }
});

test('changes of different symbols are both there afterwards, nothing else moved, and their order is of no account', () => {
  fc.assert(fc.property(disjoint, ({ base, one, other }) => {
    const [before, a, b] = [write(base), write({ ...base, ...one }), write({ ...base, ...other })];
    const both = merged(before, change(1, before, a), change(2, before, b));
    expect(merged(before, change(2, before, b), change(1, before, a))).toEqual(both);
    expect(merged(before, change(1, before, b), change(2, before, a))).toEqual(both); // nothing was added, so that nothing has a place to choose
    expect(textsOf(merged(a, change(2, before, b)))).toEqual(textsOf(merged(b, change(1, before, a))));
    const wanted = new Map(Object.entries({ ...base, ...one, ...other }).map(([name, version]) => [`${fileOf(name)}#${name}`, version]));
    const found = textsOf(both);
    for (const [name, version] of wanted) expect([name, found.get(name)]).toEqual([name, version < 0 ? undefined : textsOf(write({ ...base, ...one, ...other })).get(name)]);
    for (const file of Object.keys(both)) expect(parser.symbols(both[file] ?? '').unreadable).toBeNull();
  }), { numRuns: 80 });
});

test('what two changes add stands beside what it stood beside, and both are there', () => {
  fc.assert(fc.property(disjoint, ({ base, one, other }) => {
    const without = (changed: Model): Model => Object.fromEntries(Object.keys(changed).map((name) => [name, -1]));
    const start = { ...base, ...without(one), ...without(other) };
    const up = (changed: Model): Model => Object.fromEntries(Object.entries(changed).map(([name, version]) => [name, Math.max(0, version)]));
    const before = write(start);
    const both = merged(before, change(1, before, write({ ...start, ...up(one) })), change(2, before, write({ ...start, ...up(other) })));
    expect([...textsOf(both)].sort()).toEqual([...textsOf(write({ ...start, ...up(one), ...up(other) }))].sort());
  }), { numRuns: 60 });
});

test('two ideas of one symbol are a conflict, the same one whoever came first, and the symbol and both trials are named', () => {
  fc.assert(fc.property(disjoint, fc.constantFrom(...NAMES), fc.integer({ min: 41, max: 60 }), fc.integer({ min: 61, max: 80 }), ({ base, one, other }, name, left, right) => {
    const before = write(base);
    const [a, b] = [write({ ...base, ...one, [name]: left }), write({ ...base, ...other, [name]: right })];
    const [first, second] = [compose(before, [change(1, before, a), change(2, before, b)], reading), compose(before, [change(1, before, b), change(2, before, a)], reading)];
    if (first.kind === 'composed' || second.kind === 'composed') throw new Error('one symbol was given two texts');
    expect(first.conflicts).toEqual([{ file: fileOf(name), symbol: name, trial: 't0002', other: 't0001' }]);
    expect(second.conflicts).toEqual(first.conflicts);
  }), { numRuns: 60 });
});

test('a change that builds on another needs it: alone it is a conflict with what it is merged onto', () => {
  const [base, first, second] = [write({}), write({ WIDTH: 5 }), write({ WIDTH: 9, step: 2 })];
  expect(merged(base, change(1, base, first), change(2, first, second))).toEqual(second);
  expect(compose(base, [change(2, first, second)], reading)).toEqual({ kind: 'conflict', conflicts: [{ file: 'one.py', symbol: 'WIDTH', trial: 't0002', other: null }] });
});

test('imports of two authors are both added, and an import that is there already is not added again', () => {
  const base = { 'a.py': 'import math\n\nX = 1\n' };
  const [one, other] = [{ 'a.py': 'import math\nimport os\n\nX = 1\n' }, { 'a.py': 'import math\nfrom json import (\n    loads,\n)\nimport os\n\nX = 2\n' }];
  const text = merged(base, change(1, base, one), change(2, base, other))['a.py'] ?? '';
  expect(text.split('\n').filter((line) => line.startsWith('import os'))).toHaveLength(1);
  expect(text).toContain('from json import (\n    loads,\n)\n');
  expect(text).toContain('X = 2');
});

test('keys of one dictionary that two changed are woven, and one key that both changed is a conflict', () => {
  const base = { 'a.py': 'HYP = {\n    "rate": 1,\n    "decay": 2,\n    "width": 3,\n}\n' };
  const set = (rate: number, decay: number): Recipe => ({ 'a.py': `HYP = {\n    "rate": ${rate},\n    "decay": ${decay},\n    "width": 3,\n}\n` });
  expect(merged(base, change(1, base, set(9, 2)), change(2, base, set(1, 8)))).toEqual(set(9, 8));
  expect(compose(base, [change(1, base, set(9, 2)), change(2, base, set(7, 2))], reading).kind).toBe('conflict');
});

test('files that come, go or are not Python are taken whole, and two ideas of one are a conflict', () => {
  const base = { 'a.py': 'X = 1\n', 'notes.txt': 'one\n' };
  const [adds, writes, removes] = [{ ...base, 'b.py': 'Y = 1\n' }, { ...base, 'notes.txt': 'two\n' }, { 'a.py': 'X = 1\n' }];
  expect(merged(base, change(1, base, adds), change(2, base, writes))).toEqual({ ...adds, 'notes.txt': 'two\n' });
  expect(merged(base, change(1, base, adds), change(2, base, removes))).toEqual({ 'a.py': 'X = 1\n', 'b.py': 'Y = 1\n' });
  expect(compose(base, [change(1, base, writes), change(2, base, removes)], reading).kind).toBe('conflict');
});

test('lines that touch are woven, lines that overlap are not', () => {
  expect(weave(['a', 'b', 'c'], ['A', 'b', 'c'], ['a', 'B', 'c'])).toEqual(['A', 'B', 'c']);
  expect(weave(['a', 'b', 'c'], ['x', 'c'], ['a', 'B', 'c'])).toBeNull();
  expect(weave(['a'], ['a', 'x'], ['a', 'y'])).toBeNull();
  expect(weave(['a', 'b'], ['b'], ['b'])).toEqual(['b']);
});

test('any two edits of golf-mini by different specialists compose to what building both makes', async () => {
  const surface = await loadSurface('.', 'golf-mini');
  const library: Edit[] = readdirSync('surfaces/golf-mini/edits').flatMap((owner) => readdirSync(`surfaces/golf-mini/edits/${owner}`).map((file) => readEdit(owner, file.slice(0, -3), readFileSync(`surfaces/golf-mini/edits/${owner}/${file}`, 'utf8'), syntax)));
  const built = (...edits: readonly Edit[]): Recipe => { const made = build(surface.recipe, edits.map((edit) => `edit:${edit.specialist}/${edit.name}`), library, syntax); if (made.kind === 'refused') throw new Error(made.reason); return made.recipe; };
  const singles = new Map(library.map((edit) => [edit, built(edit)]));
  let tried = 0;
  for (const [i, one] of library.entries()) {
    const other = library[(i * 7 + 13) % library.length];
    if (other === undefined || other.specialist === one.specialist) continue;
    tried += 1;
    const composed = merged(surface.recipe, change(1, surface.recipe, singles.get(one) ?? {}), change(2, surface.recipe, singles.get(other) ?? {}));
    const [mine, theirs] = [tablesOf(composed), tablesOf(built(one, other))];
    for (const file of Object.keys(theirs)) expect([one.name, other.name, file, changedSymbols(mine[file] ?? null, theirs[file] ?? null)]).toEqual([one.name, other.name, file, []]);
  }
  expect(tried).toBeGreaterThan(20);
});

test('what a kept trial is made of: what it merges, or what it was built on and itself', () => {
  const made = (trial: string, parent: string, isKept = true, parts: string[] = []) => ({ trial, parent, isKept, parts });
  const components = openComponents([made('t0000', 't0000'), made('t0001', 't0000'), made('t0002', 't0000'), made('t0003', 't0002', false), made('t0004', 't0003'), made('t0005', 't0004', true, ['t0001', 't0004']), made('t0006', 't0001', true, ['t0001', 't0004'])]);
  expect([...components.of('t0004')]).toEqual(['t0002', 't0004']);
  expect([...components.of('t0005')]).toEqual(['t0001', 't0002', 't0004']);
  expect([...components.of('t0003')]).toEqual(['t0002']);
  expect([...components.of('t0006')]).toEqual(['t0001', 't0004']); // what t0004 changed, without t0002 that it was built on
  expect([components.ground('t0004'), components.ground('t0001')]).toEqual(['t0002', 't0000']);
  expect([components.apart('t0004'), components.apart('t0005'), components.apart('t0001')]).toEqual([['t0001'], [], ['t0002', 't0004']]);
  expect([...openComponents([made('t0001', 't0001', true, ['t0001'])]).of('t0001')]).toEqual([]); // a forged circle
});
