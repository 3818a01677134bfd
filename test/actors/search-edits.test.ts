import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openParser } from '../../src/adapters/python/index.ts';
import { build, knobsOf, readEdit, type Built } from '../../src/actors/specialist/index.ts';
import { merge } from '../../src/actors/specialist/proposers/moves/merge.ts';
import { between, setKnob, step } from '../../src/actors/specialist/proposers/moves/knob.ts';
import type { Recipe } from '../../src/domain/recipe.ts';
import type { Syntax } from '../../src/ports.ts';

const parser = await openParser();
const syntax: Syntax = { symbols: (source) => parser.symbols(source), check: async () => ({ ok: true }) };

const MODEL = `"""A model.

def not_code(): inside a string
"""
from __future__ import annotations
import torch
from torch import nn

WIDTH = 64  # of every layer
ACTIVATION: Literal["gelu", "relu"] = "gelu"
RATE = 3e-4; SEED = 1
DEEP = (
    2
)


# keep me with norm
@torch.compile(
    dynamic=True,
)
def norm(x):
    return x


class Block(nn.Module):
    """One block."""
    heads = 4

    @property
    def size(self):
        return 1

    # how it goes
    @torch.no_grad()
    def forward(self, x):
        return norm(x)

    def tail(self): return 2


class Tiny: pass


def last():
    return Block()
`;
const HEADER = '# hypothesis: it should help a little\n# file: model.py\n# source: nobody\n';
const recipe: Recipe = { 'model.py': MODEL, 'other.py': 'KEEP = True\n' };
const apply = (text: string): string => {
  const merged = merge(recipe, readEdit('architecture', 'e', HEADER + text, syntax), syntax);
  if (merged.kind === 'refused') throw new Error(merged.reason);
  return merged.recipe['model.py'] ?? '';
};
/** Lines that only one of the two has. */
const changed = (before: string, after: string): { gone: string[]; come: string[] } => {
  const [a, b] = [before.split('\n'), after.split('\n')];
  const rest = [...b];
  const gone = a.filter((line) => { const at = rest.indexOf(line); if (at >= 0) rest.splice(at, 1); return at < 0; });
  return { gone, come: rest };
};
const ordered = (text: string, ...parts: string[]): boolean => parts.every((part, i) => text.includes(part) && (i === 0 || text.indexOf(parts[i - 1] ?? '') < text.indexOf(part)));

test('a function is replaced with its decorators, and everything else stays byte for byte', () => {
  const after = apply('def norm(x):\n    return x / 2\n');
  expect(changed(MODEL, after)).toEqual({ gone: ['@torch.compile(', '    dynamic=True,', ')', '    return x'], come: ['    return x / 2'] });
  expect(after).toContain('# keep me with norm\ndef norm(x):\n    return x / 2\n\n\nclass Block(nn.Module):');
});

test('a class merges by member, keeps its bases, and gains what it lacked', () => {
  const after = apply('class Block:\n    gain = 2.0\n\n    @torch.inference_mode()\n    def forward(self, x):\n        return x\n\n    # new\n    def extra(self):\n        return 3\n');
  expect(after).toContain('class Block(nn.Module):\n    """One block."""\n    heads = 4\n');
  expect(after).toContain('    # how it goes\n    @torch.inference_mode()\n    def forward(self, x):\n        return x\n\n    def tail(self): return 2\n\n    # new\n    def extra(self):\n        return 3\n\n\nclass Tiny: pass\n');
  expect(ordered(after, '    heads = 4', '    gain = 2.0', '    @property')).toBe(true);
  expect(changed(MODEL, after).gone).toEqual(['    @torch.no_grad()', '        return norm(x)']);
});

test('a class named in `replace:` and a class of one line are put in place whole', () => {
  expect(changed(MODEL, apply('# replace: Block\nclass Block(nn.Module):\n    def forward(self, x):\n        return 0\n')).gone).toContain('    heads = 4');
  expect(apply('class Tiny:\n    a = 1\n')).toContain('class Tiny:\n    a = 1\n\n\ndef last():');
});

test('other bases change the class line', () => {
  expect(apply('class Block(nn.Sequential):\n    heads = 8\n')).toContain('class Block(nn.Sequential):\n    """One block."""\n    heads = 8\n');
});

test('imports join the others once, and the future before them', () => {
  const after = apply('from __future__ import generators\nimport torch\nfrom math import (\n    pi,\n)\n\n\ndef last():\n    return pi\n');
  expect(after.match(/^import torch$/gm)).toHaveLength(1);
  expect(ordered(after, '"""\nfrom __future__ import generators\nfrom __future__ import annotations', 'from torch import nn\nfrom math import (\n    pi,\n)\n\nWIDTH')).toBe(true);
});

test('new constants stand with the constants, new definitions before the one that uses them', () => {
  const after = apply('STEPS = 5\nNAMES = ("a", "b")\n\n\nclass Muon:\n    def step(self):\n        return STEPS\n\n\ndef last():\n    return Muon()\n\n\ndef after_last():\n    return last()\n');
  expect(after).toContain('DEEP = (\n    2\n)\nSTEPS = 5\nNAMES = ("a", "b")\n');
  expect(after).toContain('class Tiny: pass\n\n\nclass Muon:\n    def step(self):\n        return STEPS\n\n\ndef last():\n    return Muon()\n\n\ndef after_last():\n    return last()\n');
});

test('an edit that adds only goes to the end, and one of a missing file makes the file', () => {
  expect(apply('def quite_new():\n    return 1\n')).toBe(`${MODEL}\n\ndef quite_new():\n    return 1\n`);
  const edit = readEdit('architecture', 'e', '# hypothesis: a file of its own\n# file: extra.py\n\nX = 1\n', syntax);
  expect(merge(recipe, edit, syntax)).toEqual({ kind: 'merged', recipe: { ...recipe, 'extra.py': 'X = 1\n' } });
});

test('a definition that shares its line with another is not torn from it', () => {
  expect(merge(recipe, readEdit('architecture', 'e', `${HEADER}RATE = 1e-3\n`, syntax), syntax)).toEqual({ kind: 'refused', reason: 'RATE shares a line of model.py with SEED' });
});

test('an edit without a hypothesis, with nothing, or with a loose statement is refused by name and line', () => {
  expect(() => readEdit('data', 'e', '# file: a.py\nX = 1\n', syntax)).toThrow('edits/data/e.py: no `# hypothesis:`');
  expect(() => readEdit('data', 'e', HEADER, syntax)).toThrow('it defines nothing');
  expect(() => readEdit('data', 'e', `${HEADER}X = 1\nprint(X)\n`, syntax)).toThrow('edits/data/e.py:5: a statement that defines no name');
});

test('knobs are named literals of the right partition, and only their literal is rewritten', () => {
  const knobs = knobsOf(recipe, (file) => file === 'model.py', syntax);
  expect(knobs.map((knob) => [knob.name, knob.type, knob.value, knob.choices])).toEqual([
    ['WIDTH', 'int', '64', []], ['ACTIVATION', 'choice', '"gelu"', ['"gelu"', '"relu"']], ['RATE', 'float', '3e-4', []], ['Block.heads', 'int', '4', []],
  ]);
  expect(changed(MODEL, setKnob(recipe, 'model.py', 'WIDTH', '96')?.['model.py'] ?? '')).toEqual({ gone: ['WIDTH = 64  # of every layer'], come: ['WIDTH = 96  # of every layer'] });
  expect(setKnob(recipe, 'model.py', 'RATE', '0.001')?.['model.py']).toContain('RATE = 0.001; SEED = 1\n');
  expect(setKnob(recipe, 'model.py', 'RATE', '0.0003')).toEqual(recipe); // another spelling is no other value
  expect(setKnob(recipe, 'model.py', 'ABSENT', '1')).toBeNull();
});

test('steps stay of the knob\'s type, and shares near one never pass it', () => {
  const knob = (type: 'int' | 'float', value: string) => ({ file: 'a.py', name: 'K', type, value, choices: [] });
  expect([step(knob('int', '3'), '3', 'up', 1.5), step(knob('int', '1'), '1', 'down', 2), step(knob('int', '0'), '0', 'up', 2)]).toEqual(['5', null, '1']);
  expect([step(knob('float', '3e-4'), '3e-4', 'up', 2), step(knob('float', '0.95'), '0.95', 'up', 2), step(knob('float', '0.95'), '0.95', 'down', 2), step(knob('float', '1.0'), '1.0', 'up', 2)]).toEqual(['0.0006', '0.975', '0.9', '2.0']);
  expect([between(knob('int', '64'), '64', '128'), between(knob('int', '1'), '1', '2'), between(knob('float', '1.0'), '1.0', '4.0')]).toEqual(['91', null, '2.0']);
});

test('equal sets of moves build equal recipes, and moves that change nothing are dropped', () => {
  const library = [readEdit('architecture', 'steps', `${HEADER}STEPS = 5\n\n\ndef last():\n    return STEPS\n`, syntax)];
  const one = build(recipe, ['knob:model.py:STEPS=7', 'edit:architecture/steps', 'knob:model.py:WIDTH=64'], library, syntax);
  const two = build(recipe, ['edit:architecture/steps', 'knob:model.py:STEPS=7'], library, syntax);
  expect(one).toEqual(two);
  expect((one as Extract<Built, { kind: 'built' }>).moves).toEqual(['edit:architecture/steps', 'knob:model.py:STEPS=7']);
  expect((one as Extract<Built, { kind: 'built' }>).recipe['model.py']).toContain('STEPS = 7\n');
  expect(build(recipe, ['edit:architecture/unknown'], library, syntax)).toEqual({ kind: 'refused', reason: 'the library has no edit:architecture/unknown' });
});

const surfaces = readdirSync('surfaces').filter((name) => readdirSync(`surfaces/${name}`).includes('edits'));
test.each(surfaces)('every edit of %s can be read and merges into its baseline', (surface) => {
  const baseline = Object.fromEntries(readdirSync(`surfaces/${surface}/recipe`).filter((file) => file.endsWith('.py')).map((file) => [file, readFileSync(`surfaces/${surface}/recipe/${file}`, 'utf8')]));
  const edits = readdirSync(`surfaces/${surface}/edits`).flatMap((owner) => readdirSync(`surfaces/${surface}/edits/${owner}`).filter((file) => file.endsWith('.py'))
    .map((file) => readEdit(owner, file.slice(0, -3), readFileSync(`surfaces/${surface}/edits/${owner}/${file}`, 'utf8'), syntax)));
  expect(edits.length).toBeGreaterThan(0);
  for (const edit of edits) {
    const built = build(baseline, [`edit:${edit.specialist}/${edit.name}`], edits, syntax);
    expect(built.kind === 'built' ? built.moves : built.reason, edit.name).toEqual([`edit:${edit.specialist}/${edit.name}`]);
    if (built.kind === 'built') expect(parser.symbols(built.recipe[edit.file] ?? '').unreadable, edit.name).toBeNull();
  }
});
