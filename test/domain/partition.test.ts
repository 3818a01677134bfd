import { beforeAll, describe, expect, test } from 'vitest';
import { openParser, type PythonParser } from '../../src/adapters/python/index.ts';
import { claimsAfter, judgeOwnership, type PatchedTables } from '../../src/domain/ownership.ts';
import { changedSymbols, ownerOf, validatePartition } from '../../src/domain/partition.ts';
import type { Recipe } from '../../src/domain/recipe.ts';
import type { Claim } from '../../src/domain/surface.ts';
import { plainTable, type Tables } from '../../src/domain/symbol.ts';

let parser: PythonParser;
beforeAll(async () => { parser = await openParser(); });

const claim = (owner: string, text: string, line = 1): Claim => { const [file = '', symbol = null] = text.split('#'); return { owner, file, symbol, line }; };
const claims: readonly Claim[] = [
  claim('optimizer', 'optimizer.py', 2), claim('architecture', 'model.py', 3), claim('kernel', 'kernel.py', 4), claim('kernel', 'model.py#Block.forward', 5),
  claim('optimizer', 'model.py#HYP["opt"]', 6), claim('protected', 'recipe.py', 7), claim('data', 'data.txt', 8), claim('protected', 'kernel.py#seal', 9),
];
const recipe: Recipe = {
  'optimizer.py': 'import torch\nRATE = 0.1\ndef make(): return RATE\n',
  'model.py': 'import math\nfrom kernel import fast\nWIDTH = 64\nDEPTH = 2\nHYP = {"opt": {"lr": 1}, "arch": 2}\n\nclass Block(Base):\n    size = 1\n    def __init__(self):\n        self.n = max(1, WIDTH)\n    def forward(self, x):\n        return fast(x)\n\ndef build():\n    return Block()\n',
  'kernel.py': 'from model import *\ndef fast(x): return helper(x)\ndef seal(): pass\n',
  'recipe.py': 'import model\ndef train(): pass  # sealed\n',
  'data.txt': 'one\n',
};
const tablesOf = (of: Recipe): Tables => Object.fromEntries(Object.entries(of).map(([file, text]) => [file, file.endsWith('.py') ? parser.symbols(text) : plainTable(text)]));
const patched = (author: string | readonly string[], after: Recipe, extra: Partial<PatchedTables> = {}): PatchedTables => ({
  authors: typeof author === 'string' ? [author] : author, parts: [tablesOf(after)], claims, addable: [], mode: 'enforced',
  before: { recipe, tables: tablesOf(recipe) }, after: { recipe: after, tables: tablesOf(after) }, ...extra,
});
const edit = (file: string, from: string, to: string): Recipe => {
  const text = recipe[file] ?? '';
  if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
  return { ...recipe, [file]: text.replace(from, to) };
};
const judge = (author: string | readonly string[], after: Recipe, extra: Partial<PatchedTables> = {}) => judgeOwnership(patched(author, after, extra));

describe('ownerOf', () => {
  test('the longest symbol claim wins, then the file’s', () => {
    expect(ownerOf(claims, 'model.py', 'Block.forward')).toBe('kernel');
    expect(ownerOf(claims, 'model.py', 'Block')).toBe('architecture');
    expect(ownerOf(claims, 'model.py', 'HYP["opt"]["lr"]')).toBe('optimizer');
    expect(ownerOf(claims, 'model.py', 'HYP["arch"]')).toBe('architecture');
    expect(ownerOf(claims, 'model.py', 'Block.forward_fast')).toBe('architecture');
    expect(ownerOf(claims, 'none.py', 'x')).toBeNull();
  });
});

describe('validatePartition', () => {
  const roster = ['optimizer', 'architecture', 'kernel', 'data'];
  const faults = (of: readonly Claim[], names: readonly string[] = roster): readonly string[] => validatePartition(of, names, tablesOf(recipe)).map(({ message }) => message);

  test('a whole partition has no faults', () => { expect(faults(claims)).toEqual([]); });
  test('two owners of one symbol are told with the line of the other', () => {
    const both = [...claims, claim('architecture', 'model.py#Block.forward', 22)];
    expect(validatePartition(both, roster, tablesOf(recipe))).toEqual([{ claim: claims[3], message: '`Block.forward` is also owned by architecture (line 22). A symbol has one owner: remove one of the two.' }]);
  });
  test('a claim on what does not exist names what it may have meant', () => {
    expect(faults([...claims, claim('kernel', 'model.py#Block.foward', 9)])).toEqual(['recipe/model.py defines no `Block.foward`; did you mean `Block.forward`?']);
    expect(faults([...claims, claim('kernel', 'kernels.py', 9)])).toEqual(['recipe/kernels.py does not exist; did you mean `kernel.py`?']);
  });
  test('a symbol without an owner is told', () => {
    expect(faults(claims.filter(({ file, symbol }) => file !== 'model.py' || symbol !== null), ['optimizer', 'kernel', 'data'])).toEqual(['`<module>`, `WIDTH`, `DEPTH`, `HYP` and 5 more of recipe/model.py have no owner: name the file under a specialist, or under protected.']);
    expect(faults(claims.filter(({ file }) => file !== 'data.txt'), ['optimizer', 'architecture', 'kernel'])).toEqual(['recipe/data.txt has no owner: name the file under a specialist, or under protected.']);
  });
  test('an owner who is not in the roster, and one who owns nothing, are told', () => {
    expect(faults(claims, ['optimizer', 'architecture', 'kernel'])).toEqual(['data is not in the roster (optimizer, architecture, kernel): add it there, or give data.txt to one of them.']);
    expect(faults(claims, [...roster, 'idle'])).toEqual(['idle is in the roster and owns nothing: give it a file or a symbol, or take it off the roster.']);
  });
  test('one statement with two owners is told', () => {
    const tables = { 'a.py': parser.symbols('A, B = 1, 2\n') };
    expect(validatePartition([claim('x', 'a.py'), claim('y', 'a.py#B')], ['x', 'y'], tables).map(({ message }) => message)).toEqual(['`A` and `B` of recipe/a.py are defined by one statement and have several owners: give them to one, or write them as several statements.']);
  });
});

test('changedSymbols tells what was changed, added and deleted', () => {
  expect(changedSymbols(parser.symbols('A = 1\nB = 2\n'), parser.symbols('import x\nA = 3\nC = 2\n'))).toEqual([{ name: 'A', change: 'changed' }, { name: 'B', change: 'deleted' }, { name: '<module>', change: 'changed' }, { name: 'C', change: 'added' }]);
  expect(changedSymbols(parser.symbols('A = 1\n'), parser.symbols('# why\nA  =  1\n'))).toEqual([]);
});

describe('a patch keeps to its partition', () => {
  const allowed: readonly (readonly [string, string | readonly string[], () => Recipe])[] = [
    ['its own file', 'optimizer', () => edit('optimizer.py', '0.1', '0.2')],
    ['its own method in another’s class', 'kernel', () => edit('model.py', 'return fast(x)', 'return fast(fast(x))')],
    ['its own key in another’s dictionary', 'optimizer', () => edit('model.py', '"lr": 1', '"lr": 2')],
    ['a comment in another’s file', 'optimizer', () => edit('model.py', 'DEPTH = 2', 'DEPTH = 2  # layers')],
    ['a new function in another’s file', 'optimizer', () => edit('model.py', 'def build', 'def warm(n):\n    return n\n\ndef build')],
    ['a new import in another’s file', 'kernel', () => edit('model.py', 'import math\n', 'import math\nimport zlib\n')],
    ['a new class with members in another’s file', 'kernel', () => edit('model.py', 'def build', 'class Fused:\n    def forward(self): pass\n\ndef build')],
    ['everything of its file removed, by its owner', 'data', () => { const { 'data.txt': _, ...rest } = recipe; return rest; }],
    ['a member added to its own class', 'architecture', () => edit('model.py', '    size = 1', '    size = 1\n    depth = 2')],
    ['its own symbols in another order', 'architecture', () => edit('model.py', 'WIDTH = 64\nDEPTH = 2', 'DEPTH = 2\nWIDTH = 64')],
    ['symbols of both authors of a merged patch', ['optimizer', 'kernel'], () => ({ ...edit('optimizer.py', '0.1', '0.2'), 'model.py': edit('model.py', 'fast(x)', 'fast(1)')['model.py'] ?? '' })],
    ['a write to its own symbol from outside', 'architecture', () => edit('model.py', 'return Block()', 'Block.size = 2\n    return Block()')],
    ['a library’s attribute', 'optimizer', () => edit('optimizer.py', 'def make(): return RATE', 'def make():\n    torch.x = 1\n    return RATE')],
  ];
  test.each(allowed)('%s', (_, author, after) => { expect(judge(author, after())).toBeNull(); });
});

describe('a patch that leaves its partition is refused, naming symbol and owner', () => {
  const inOptimizer = (body: string): Recipe => edit('optimizer.py', 'def make(): return RATE', `def make():\n    ${body}\n    return RATE`);
  const refused: readonly (readonly [string, string, () => Recipe, Readonly<Record<string, string | null>>])[] = [
    ['another’s function', 'kernel', () => edit('optimizer.py', 'return RATE', 'return 2'), { symbol: 'make', owner: 'optimizer' }],
    ['another’s method', 'architecture', () => edit('model.py', 'return fast(x)', 'return x'), { symbol: 'Block.forward', owner: 'kernel' }],
    ['another’s class body', 'kernel', () => edit('model.py', 'class Block(Base)', 'class Block(Other)'), { symbol: 'Block', owner: 'architecture' }],
    ['another’s key', 'architecture', () => edit('model.py', '"lr": 1', '"lr": 2'), { symbol: 'HYP["opt"]["lr"]', owner: 'optimizer' }],
    ['removing another’s symbol', 'optimizer', () => edit('model.py', 'DEPTH = 2\n', ''), { symbol: 'DEPTH', owner: 'architecture' }],
    ['removing another’s file', 'optimizer', () => { const { 'data.txt': _, ...rest } = recipe; return rest; }, { file: 'data.txt', owner: 'data' }],
    ['another’s file that is not Python', 'optimizer', () => edit('data.txt', 'one', 'two'), { file: 'data.txt', owner: 'data' }],
    ['defining another’s symbol again', 'kernel', () => edit('model.py', 'def build', 'DEPTH = 3\ndef build'), { symbol: 'DEPTH', owner: 'architecture' }],
    ['adding a member to another’s class', 'kernel', () => edit('model.py', '    size = 1', '    size = 1\n    def __call__(self, x): return x'), { symbol: 'Block.__call__', owner: 'architecture' }],
    ['adding a key to another’s dictionary', 'kernel', () => edit('model.py', '"arch": 2', '"arch": 2, "kern": 3'), { owner: 'architecture' }],
    ['shadowing a built-in that another’s code uses', 'kernel', () => edit('model.py', 'def build', 'def max(*a): return 0\n\ndef build'), { symbol: 'Block.__init__', owner: 'architecture' }],
    ['importing over a built-in that another’s code uses', 'kernel', () => edit('model.py', 'import math\n', 'import math\nfrom numpy import max\n'), { symbol: 'Block.__init__', owner: 'architecture' }],
    ['importing over another’s symbol', 'optimizer', () => edit('model.py', 'def build', 'from other import WIDTH\n\ndef build'), { symbol: 'WIDTH', owner: 'architecture' }],
    ['importing everything', 'optimizer', () => edit('model.py', 'import math\n', 'import math\nfrom numpy import *\n'), { symbol: '<module>', owner: 'architecture' }],
    ['a bare statement', 'optimizer', () => edit('model.py', 'def build', 'print(1)\n\ndef build'), { symbol: '<module>', owner: 'architecture' }],
    ['a changed import', 'optimizer', () => edit('model.py', 'from kernel import fast', 'from other import fast'), { symbol: '<module>', owner: 'architecture' }],
    ['a name with a meaning to Python', 'optimizer', () => edit('model.py', 'def build', 'def __getattr__(name): pass\n\ndef build'), { owner: 'architecture' }],
    ['another’s statements in another order', 'kernel', () => edit('model.py', 'WIDTH = 64\nDEPTH = 2', 'DEPTH = 2\nWIDTH = 64'), { symbol: 'WIDTH', owner: 'architecture' }],
    ['a name for one who imports everything', 'architecture', () => edit('model.py', 'def build', 'def helper(x): return x\n\ndef build'), { file: 'kernel.py', symbol: 'fast', owner: 'kernel' }],
    ['a write from outside', 'optimizer', () => inOptimizer('import model; model.WIDTH = 3'), { file: 'model.py', symbol: 'WIDTH', owner: 'architecture' }],
    ['a write to a class from outside', 'optimizer', () => inOptimizer('from model import Block; Block.forward = make'), { symbol: 'Block.forward', owner: 'kernel' }],
    ['a new member of a class from outside', 'optimizer', () => inOptimizer('from model import Block as B; B.extra = 1'), { symbol: 'Block.extra', owner: 'architecture' }],
    ['a write through a re-export', 'optimizer', () => inOptimizer('import recipe; recipe.model.WIDTH = 1'), { file: 'model.py', symbol: 'WIDTH', owner: 'architecture' }],
    ['a write through an import of everything', 'optimizer', () => inOptimizer('import kernel; kernel.Block.size = 1'), { file: 'model.py', symbol: 'Block.size', owner: 'architecture' }],
    ['a dynamic attribute of another’s module', 'optimizer', () => inOptimizer('import model; setattr(model, RATE, 3)'), { file: 'model.py', owner: 'architecture' }],
    ['a class that only running would tell', 'optimizer', () => inOptimizer('type(RATE).forward = 3'), { symbol: 'Block.forward', owner: 'kernel' }],
    ['a write into part of a holder one owns', 'architecture', () => edit('model.py', 'return Block()', 'HYP.update(opt=1)\n    return Block()'), { symbol: 'HYP["opt"]', owner: 'optimizer' }],
    ['a declaration that hands a name over', 'kernel', () => edit('model.py', 'return fast(x)', 'global DEPTH\n        DEPTH = 4\n        return fast(x)'), { symbol: 'DEPTH', owner: 'architecture' }],
  ];
  test('a merged patch that changes another’s symbol as none of its parts did', () => {
    const after = edit('model.py', 'fast(x)', 'fast(1)');
    const part = edit('model.py', 'fast(x)', 'fast(2)');
    expect(judge(['optimizer', 'kernel'], after, { parts: [tablesOf(part)] })).toMatchObject({ rule: 'ownership', symbol: 'Block.forward', owner: 'kernel' });
    expect(judge(['optimizer', 'kernel'], part, { parts: [tablesOf(part)] })).toBeNull();
    expect(judge(['kernel', 'optimizer'], after, { parts: [tablesOf(part)] })).toBeNull();
  });
  test.each(refused)('%s', (_, author, after, rejection) => {
    const said = judge(author, after());
    expect(said).toMatchObject({ rule: 'ownership', ...rejection });
    expect(said?.message).toContain(said?.owner);
  });

  test('a message says what, whose and what to do', () => {
    expect(judge('architecture', edit('model.py', 'return fast(x)', 'return x'))?.message).toBe('`Block.forward` in model.py is kernel\'s: the patch changes it; hand the idea to kernel, or keep to model.py.');
  });
});

describe('what is protected', () => {
  test('nobody may change, in any mode, not even by a comment in a file protected whole', () => {
    for (const mode of ['enforced', 'advisory'] as const) {
      expect(judge('kernel', edit('recipe.py', '# sealed', '# open'), { mode })).toMatchObject({ rule: 'protected', file: 'recipe.py', owner: null });
      expect(judge('kernel', edit('kernel.py', 'def seal(): pass', 'def seal(): return 1'), { mode })).toMatchObject({ rule: 'protected', symbol: 'seal' });
      expect(judge('kernel', edit('kernel.py', 'return helper(x)', 'import recipe; recipe.train = x'), { mode })).toMatchObject({ rule: 'protected', file: 'recipe.py', symbol: 'train' });
      expect(judge('kernel', edit('kernel.py', 'def seal(): pass', ''), { mode })).toMatchObject({ rule: 'protected', symbol: 'seal' });
    }
  });
  test('is named before anything else that is wrong', () => {
    expect(judge('data', { ...edit('model.py', 'WIDTH = 64', 'WIDTH = 65'), 'recipe.py': '' })).toMatchObject({ rule: 'protected' });
  });
  test('is all that binds in advisory mode', () => {
    expect(judge('generic-1', edit('model.py', 'WIDTH = 64', 'WIDTH = 65'), { mode: 'advisory' })).toBeNull();
    expect(judge('generic-1', edit('model.py', 'WIDTH = 64', 'WIDTH = 65'))).toMatchObject({ rule: 'ownership' });
  });
});

describe('added files and symbols', () => {
  test('a file is added under an addable prefix only', () => {
    expect(judge('kernel', { ...recipe, 'extra/a.py': 'x = 1\n' })).toMatchObject({ rule: 'path', file: 'extra/a.py' });
    expect(judge('kernel', { ...recipe, 'extra/a.py': 'x = 1\n' }, { addable: ['extra/'] })).toBeNull();
    expect(judge('kernel', { ...recipe, 'extra.py': 'x = 1\n' }, { addable: ['extra/'] })).toMatchObject({ rule: 'path' });
  });
  test('what a patch adds belongs to its author, and the next patch of another may not change it', () => {
    const added = edit('model.py', 'def build', 'def warm(n):\n    return n\n\ndef build');
    const first = patched('optimizer', { ...added, 'extra/a.py': 'x = 1\n' });
    const later = claimsAfter(first);
    expect(ownerOf(later, 'model.py', 'warm')).toBe('optimizer');
    expect(ownerOf(later, 'extra/a.py', 'x')).toBe('optimizer');
    expect(claimsAfter(patched('architecture', added))).toBe(claims);
    const next = { ...first.after.recipe, 'model.py': (added['model.py'] ?? '').replace('return n', 'return -n') };
    expect(judgeOwnership({ ...patched('architecture', next), claims: later, before: first.after })).toMatchObject({ symbol: 'warm', owner: 'optimizer' });
    expect(judgeOwnership({ ...patched('optimizer', next), claims: later, before: first.after })).toBeNull();
  });
});
