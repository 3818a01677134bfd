import { beforeAll, describe, expect, test } from 'vitest';
import { patches } from '../../src/adapters/patches/index.ts';
import { openParser, type PythonParser } from '../../src/adapters/python/index.ts';
import { admit, type AdmissionCase } from '../../src/domain/admission.ts';
import type { Recipe } from '../../src/domain/recipe.ts';
import type { Claim } from '../../src/domain/surface.ts';
import type { Tables } from '../../src/domain/symbol.ts';

let parser: PythonParser;
beforeAll(async () => { parser = await openParser(); });

const claims: readonly Claim[] = [{ owner: 'optimizer', file: 'a.py', symbol: null, line: 1 }, { owner: 'data', file: 'b.py', symbol: null, line: 2 }];
const parent: Recipe = { 'a.py': 'RATE = 1\n', 'b.py': 'ROWS = 2\n' };
const tablesOf = (recipe: Recipe): Tables => Object.fromEntries(Object.entries(recipe).map(([file, text]) => [file, parser.symbols(text)]));
const proposed = (after: Recipe | string, more: Partial<AdmissionCase> = {}): AdmissionCase => {
  const patched = patches.apply(parent, typeof after === 'string' ? after : patches.diff(parent, after));
  return {
    authors: ['optimizer'], parts: [], claims, addable: [], mode: 'enforced', parent: { recipe: parent, tables: tablesOf(parent) }, patched,
    tables: patched.kind === 'applied' ? tablesOf(patched.recipe) : {}, errors: [], twin: null, ...more,
  };
};
const better = { ...parent, 'a.py': 'RATE = 2\n' };

describe('admit', () => {
  test('what keeps every rule is admitted with its recipe and who owns what in it', () => {
    expect(admit(proposed(better))).toEqual({ kind: 'admitted', recipe: better, claims });
    const both = { ...better, 'b.py': 'ROWS = 2\nMORE = 3\n' };
    expect(admit(proposed(both))).toEqual({ kind: 'admitted', recipe: both, claims: [...claims, { owner: 'optimizer', file: 'b.py', symbol: 'MORE', line: 0 }] });
  });

  test('the first rule broken is the one named', () => {
    const foreign = { ...parent, 'b.py': 'ROWS = = 3\n' };
    const errors = [{ file: 'b.py', line: 1, message: 'invalid syntax' }];
    const ruleOf = (of: AdmissionCase): string => { const said = admit(of); return said.kind === 'admitted' ? 'admitted' : said.rejection.rule; };
    expect(ruleOf(proposed(foreign, { errors, twin: 't0003', parent: null }))).toBe('parent');
    expect(ruleOf(proposed('nonsense', { errors, twin: 't0003' }))).toBe('apply');
    expect(ruleOf(proposed(foreign, { errors, twin: 't0003' }))).toBe('ownership');
    expect(ruleOf(proposed(better, { errors, twin: 't0003' }))).toBe('syntax');
    expect(ruleOf(proposed(better, { twin: 't0003' }))).toBe('duplicate');
    expect(ruleOf(proposed(better))).toBe('admitted');
  });

  test('a patch of comments and layout alone changes nothing', () => {
    expect(admit(proposed({ ...parent, 'a.py': '# faster\nRATE  =  1\n' }))).toMatchObject({ kind: 'rejected', rejection: { rule: 'empty', file: 'a.py' } });
  });

  test('another order of one’s own statements is a change', () => {
    const before = { 'a.py': 'A = 1\nB = 2\n' };
    const after = { 'a.py': 'B = 2\nA = 1\n' };
    expect(admit(proposed(better, { parent: { recipe: before, tables: tablesOf(before) }, patched: patches.apply(before, patches.diff(before, after)), tables: tablesOf(after) })).kind).toBe('admitted');
  });

  test('a duplicate names the trial that was the same', () => {
    expect(admit(proposed(better, { twin: 't0007' }))).toMatchObject({ rejection: { message: 't0007 is the same recipe: read its result, or change something more.' } });
  });

  test('a rejection fits the wire whatever the patch was called', () => {
    const said = admit(proposed(`--- a/${'x\u001b[31m'.repeat(200)}\n+++ b/${'x\u001b[31m'.repeat(200)}\n`));
    expect(said.kind === 'rejected' && [...(said.rejection.file ?? ''), ...said.rejection.message].every((letter) => letter >= ' ')).toBe(true);
    expect(said.kind === 'rejected' && (said.rejection.file ?? '').length <= 400 && said.rejection.message.length <= 1000).toBe(true);
  });
});
