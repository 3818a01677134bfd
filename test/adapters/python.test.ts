import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { openSyntax } from '../../src/adapters/python/index.ts';
import { findToolchain } from '../../src/adapters/toolchain/index.ts';
import type { Syntax } from '../../src/ports.ts';

let syntax: Syntax & AsyncDisposable;
beforeAll(async () => { syntax = await openSyntax({ python: (await findToolchain(process.cwd())).python }); });
afterAll(() => syntax[Symbol.asyncDispose]());

const texts = (source: string): Record<string, string> => Object.fromEntries(syntax.symbols(source).symbols.map(({ name, text }) => [name, text]));
const assaults = (source: string): readonly string[] => syntax.symbols(source).assaults.map(({ module, target }) => (module === null ? target : `${module}:${target}`));
const inFunction = (line: string, top = ''): string => `import model\nimport model as m\nfrom model import Block as B\n${top}\ndef reach(block, width):\n    ${line}\n`;

describe('symbols', () => {
  const source = `"""A recipe."""
import os
from a.b import c as d

WIDTH: int = 64
LOW, HIGH = 1, 2
HYP = {"opt": {"lr": 0.1, "wd": 0.0}, "arch": 3}

@cached
class Block(Base):
    """A block."""
    scale = 1.0

    @property
    def size(self): return WIDTH

    class Inner:
        def act(self): pass

async def train(): pass

if os.name: print(WIDTH)
WIDTH += 1
`;

  test('functions, classes, methods, attributes, assignments and keys have names of their own, and the rest is <module>', () => {
    expect(syntax.symbols(source).symbols.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'module <module>', 'assignment WIDTH', 'assignment LOW', 'assignment HIGH', 'assignment HYP', 'key HYP["opt"]', 'key HYP["opt"]["lr"]', 'key HYP["opt"]["wd"]', 'key HYP["arch"]',
      'class Block', 'attribute Block.scale', 'method Block.size', 'class Block.Inner', 'method Block.Inner.act', 'function train',
    ]);
    expect(texts(source)['<module>']).toBe('"""A recipe."""\nimport os\nfrom a . b import c as d\nif os . name : ⟨ ; print ( WIDTH ) ⟩');
  });

  test('a change of one symbol changes the text of that symbol alone', () => {
    const changed = (edited: string): readonly string[] => { const now = texts(edited); return Object.entries(texts(source)).filter(([name, text]) => now[name] !== text).map(([name]) => name); };
    expect(changed(source.replace('return WIDTH', 'return 2'))).toEqual(['Block.size']);
    expect(changed(source.replace('scale = 1.0', 'scale = 2.0'))).toEqual(['Block.scale']);
    expect(changed(source.replace('(Base)', '(Other)'))).toEqual(['Block']);
    expect(changed(source.replace('@cached', '@plain'))).toEqual(['Block']);
    expect(changed(source.replace('0.1', '0.2'))).toEqual(['HYP["opt"]["lr"]']);
    expect(changed(source.replace('WIDTH += 1', 'WIDTH += 2'))).toEqual(['WIDTH']);
    expect(changed(source.replace('import os', 'import sys'))).toEqual(['<module>']);
    expect(changed(source.replace('A block.', 'A brick.'))).toEqual(['Block']);
    expect(changed(source.replace('HIGH = 1, 2', 'HIGH = 1, 3'))).toEqual(['LOW', 'HIGH']);
  });

  test('comments, blank lines, indentation and line breaks are no change', () => {
    const relaid = source.replaceAll('    ', '  ').replace('import os', '# why\nimport os  # because\n\n').replace('{"opt"', '{\n    "opt"').replace('1, 2', '1, \\\n  2').replaceAll('\n', '\r\n');
    expect(texts(relaid)).toEqual(texts(source));
  });

  test('the same statements under another indentation are a change', () => {
    expect(texts('def f():\n    if a:\n        b\n        c\n')).not.toEqual(texts('def f():\n    if a:\n        b\n    c\n'));
    expect(texts('def f():\n    """a  b"""\n')).not.toEqual(texts('def f():\n    """a b"""\n'));
  });

  test('a second definition changes the symbol it replaces', () => {
    expect(texts('def f(): return 1\n')['f']).not.toBe(texts('def f(): return 1\ndef f(): return 2\n')['f']);
  });

  test('names that Python takes for one are one', () => {
    expect(Object.keys(texts('ｗidth = 1\n'))).toEqual(['width']);
  });

  test('every token of code is in the text of a symbol', () => {
    fc.assert(fc.property(fc.shuffledSubarray(source.split('\n\n'), { minLength: 1 }), fc.nat(), (blocks, n) => {
      const text = `${blocks.join('\n\n')}\n`;
      const names = [...text.matchAll(/(?<![\w"])\d+(?:\.\d+)?/g)];
      const number = names[n % Math.max(1, names.length)];
      if (!number) return;
      const edited = `${text.slice(0, number.index)}98765${text.slice(number.index + number[0].length)}`;
      expect(texts(edited)).not.toEqual(texts(text));
    }), { seed: 7, numRuns: 100 });
  });
});

describe('assaults', () => {
  test.each([
    ['model.WIDTH = 3', 'model:WIDTH'], ['m.WIDTH += 3', 'model:WIDTH'], ['B.forward = width', 'model:Block.forward'], ['del B.forward', 'model:Block.forward'],
    ['m.Block.forward, width = 1, 2', 'model:Block.forward'], ['setattr(m, "WIDTH", 3)', 'model:WIDTH'], ['setattr(B, width, 3)', 'model:Block'],
    ['setattr(m, width, 3)', 'model:*'], ['delattr(B, "forward")', 'model:Block.forward'], ['type.__setattr__(B, "forward", 3)', 'model:Block.forward'],
    ['B.__setattr__("forward", 3)', 'model:Block.forward'], ['m.__dict__["WIDTH"] = 3', 'model:WIDTH'], ['vars(m)["WIDTH"] = 3', 'model:WIDTH'], ['m.__dict__.update(width)', 'model:*'],
    ['globals()["TOP"] = 3', 'TOP'], ['globals().update(width)', '*'], ['import sys; sys.modules["model"].WIDTH = 3', 'model:WIDTH'], ['__import__("model").WIDTH = 3', 'model:WIDTH'],
    ['import importlib; importlib.import_module("model").WIDTH = 3', 'model:WIDTH'], ['other = m; other.WIDTH = 3', 'model:WIDTH'], ['c = m.Block; d = c; d.forward = 3', 'model:Block.forward'],
    ['type(block).forward = 3', '?.forward'], ['block.__class__.forward = 3', '?.forward'], ['(type(block)).forward = 3', '?.forward'], ['getattr(m, "Block").forward = 3', 'model:Block.forward'],
    ['for m.WIDTH in width: pass', 'model:WIDTH'], ['with width as m.WIDTH: pass', 'model:WIDTH'], ['m.LIST.append(3)', 'model:LIST'], ['m.HYP["opt"]["lr"] = 3', 'model:HYP["opt"]["lr"]'],
    ['[0 for m in []]; m.WIDTH = 3', 'model:WIDTH'], ['(lambda m: 0)(1); m.WIDTH = 3', 'model:WIDTH'], ['from model import WIDTH as w, Block; Block.x = 1', 'model:Block.x'],
    ['from .deep import Block; Block.x = 1', '.deep:Block.x'],
  ])('%s reaches %s', (line, reached) => { expect(assaults(inFunction(line))).toEqual([reached]); });

  test.each(['block.forward = 3', 'width = 3', 'self = block; self.x = 2', 'block.items.append(3)', 'model = block(); model.WIDTH = 3', 'x = {}; x["a"] = 1', 'm.run(width)'])('%s reaches nothing', (line) => {
    expect(assaults(inFunction(line))).toEqual([]);
  });

  test('a symbol of the same file is reached by attribute, key, method and global declaration', () => {
    expect(assaults('class A:\n    def f(self): pass\nA.f = 1\n')).toEqual(['A.f']);
    expect(assaults('H = {"a": 1}\nH["a"] = 2\nH.update(b=1)\n')).toEqual(['H["a"]', 'H']);
    expect(assaults('W = 1\ndef f():\n    global W\n    W = 2\n')).toEqual(['W']);
    expect(assaults('W = 1\nif True:\n    W = 2\n')).toEqual(['W']);
    expect(assaults('W = 1\nif True:\n    from x import W\n')).toEqual(['W']);
    expect(assaults('W = 1\nfor W in []: pass\n')).toEqual(['W']);
    expect(assaults('W = 1\nW = 2\nclass A:\n    W = 3\n')).toEqual([]);
  });

  test('a parameter that is called like a module hides it, as in Python', () => {
    expect(assaults('import model\ndef f(model):\n    model.x = 1\n')).toEqual([]);
    expect(assaults('import model\ndef f():\n    model.x = 1\n')).toEqual(['model:x']);
    expect(assaults('import model\nf = lambda model: setattr(model, "x", 1)\n')).toEqual([]);
  });
});

describe('what Python and the grammar may read differently is unreadable', () => {
  test.each([
    ['a tab after spaces', 'if a:\n    \tb\n', 2], ['a form feed', 'a = 1\n\fb = 2\n', 2], ['another encoding', '# coding: utf-7\na = 1\n', 1], ['a null byte', 'a = "\0"\n', 1], ['broken code', 'def f(:\n', 1],
  ])('%s', (_, source, line) => { expect(syntax.symbols(source).unreadable).toBe(line); });

  test('code behind a carriage return in a comment is code', () => {
    expect(texts('# a\rW = 1\n')['W']).toBe('W = 1');
  });

  test('nesting that would exhaust the stack is unreadable, and the next source is read', () => {
    expect(syntax.symbols(`a = ${'-'.repeat(20_000)}1\n`).unreadable).toBe(1);
    expect(syntax.symbols('a = 1\n').unreadable).toBeNull();
  });
});

describe('check', () => {
  test('what compiles is taken', async () => { expect(await syntax.check('a.py', 'def f():\n    return 1\n')).toEqual({ ok: true }); });

  test('what does not compile is refused with its line', async () => {
    expect(await syntax.check('a.py', 'a = 1\nreturn 2\n')).toMatchObject({ ok: false, line: 2, message: "'return' outside function" });
    expect(await syntax.check('a.py', 'a = 1\nb = = 2\n')).toMatchObject({ ok: false, line: 2 });
    expect(await syntax.check('a.py', 'a = "\ud800"\n')).toMatchObject({ ok: false });
  });

  test('what the grammar cannot read is refused even where Python takes it', async () => {
    expect(await syntax.check('a.py', 'a = 1\n\fb = 2\n')).toMatchObject({ ok: false, line: 2 });
  });

  test('a source that exhausts the compiler is refused, and the next one is checked by a fresh child', async () => {
    for (const bomb of ['('.repeat(90_000), `a = ${'-'.repeat(400_000)}1\n`, `a = ${'[1,'.repeat(90_000)}\n`]) expect(await syntax.check('bomb.py', bomb)).toMatchObject({ ok: false });
    expect(await syntax.check('after.py', 'a = 1\n')).toEqual({ ok: true });
  });

  test('a compiler that a crowded machine keeps waiting refuses nobody: only its own seconds count', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'brigade-python-'));
    const slow = join(folder, 'python');
    await writeFile(slow, `#!/bin/sh\n/bin/sleep 6\nexec ${(await findToolchain(process.cwd())).python} "$@"\n`, { mode: 0o755 });
    try {
      await using patient = await openSyntax({ python: slow });
      expect(await patient.check('a.py', 'a = 1\n')).toEqual({ ok: true });
    } finally { await rm(folder, { recursive: true }); }
  });

  test('nothing is run: a source with a visible effect has none', async () => {
    expect(await syntax.check('a.py', 'import sys\nsys.stdout.write("[1, 2]\\n")\nraise SystemExit(3)\n')).toEqual({ ok: true });
    expect(await syntax.check('b.py', 'b = 1\n')).toEqual({ ok: true });
  });

  test('an interpreter that is not there is a refusal, not a crash', async () => {
    await using broken = await openSyntax({ python: '/nowhere/python' });
    expect(await broken.check('a.py', 'a = 1\n')).toMatchObject({ ok: false });
  });
});
