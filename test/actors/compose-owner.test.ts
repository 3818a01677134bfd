import { expect, test } from 'vitest';
import { openParser } from '../../src/adapters/python/index.ts';
import { claimsAfter, judgeOwnership } from '../../src/domain/ownership.ts';
import { ownerOf } from '../../src/domain/partition.ts';
import type { Recipe } from '../../src/domain/recipe.ts';
import type { Claim } from '../../src/domain/surface.ts';
import type { Tables } from '../../src/domain/symbol.ts';

const parser = await openParser();
const tablesOf = (recipe: Recipe): Tables => Object.fromEntries(Object.entries(recipe).map(([file, text]) => [file, parser.symbols(text)]));
const claims: readonly Claim[] = [{ owner: 'optimizer', file: 'o.py', symbol: null, line: 1 }, { owner: 'architecture', file: 'm.py', symbol: null, line: 2 }, { owner: 'kernel', file: 'm.py', symbol: 'fast', line: 3 }];
const BASE: Recipe = { 'o.py': 'import math\nRATE = 1\n', 'm.py': 'import math\nWIDTH = 8\n\n\ndef fast(x):\n    return x\n' };
const faster: Recipe = { ...BASE, 'm.py': 'import math\nWIDTH = 8\n\n\ndef fast(x):\n    return 2 * x\n' };
const wider: Recipe = { ...BASE, 'm.py': 'import math\nimport json\nWIDTH = 16\n\n\ndef fast(x):\n    return x\n' };
const both: Recipe = { ...BASE, 'm.py': 'import math\nimport json\nWIDTH = 16\n\n\ndef fast(x):\n    return 2 * x\n' };

const judge = (after: Recipe, parts: readonly (readonly [author: string, recipe: Recipe])[], proposer = 'composer') => judgeOwnership({
  authors: [...new Set([proposer, ...parts.map(([author]) => author)])], parts: parts.map(([, recipe]) => tablesOf(recipe)), partAuthors: parts.map(([author]) => [author]), claims, addable: [], mode: 'enforced',
  before: { recipe: BASE, tables: tablesOf(BASE) }, after: { recipe: after, tables: tablesOf(after) },
});

test('a composition that says of every symbol what a part of its owner says is admitted', () => {
  expect(judge(both, [['kernel', faster], ['architecture', wider]])).toBeNull();
});

test('a symbol as only a part of somebody else has it is refused, by name and owner', () => {
  const claimed: Recipe = { ...faster, 'o.py': 'import math\nRATE = 2\n' };
  expect(judge(claimed, [['kernel', claimed], ['optimizer', BASE]])).toMatchObject({ rule: 'ownership', file: 'o.py', symbol: 'RATE', owner: 'optimizer' });
  expect(judge(both, [['architecture', both], ['kernel', BASE]])).toMatchObject({ rule: 'ownership', file: 'm.py', symbol: 'fast', owner: 'kernel' });
});

test('a symbol as no part has it is refused, and so is one whose owner has no part', () => {
  expect(judge({ ...both, 'm.py': (both['m.py'] ?? '').replace('16', '17') }, [['kernel', faster], ['architecture', wider]])).toMatchObject({ symbol: 'WIDTH', owner: 'architecture' });
  expect(judge(both, [['kernel', faster]])).toMatchObject({ rule: 'ownership', owner: 'architecture' });
  expect(judge({ ...BASE, 'o.py': 'import math\n' }, [['kernel', faster], ['optimizer', { ...BASE, 'o.py': 'import math\nRATE = 3\n' }]])).toMatchObject({ symbol: 'RATE', owner: 'optimizer' });
});

test('a specialist that composes may change what is its own as it likes, and nothing else', () => {
  const own: Recipe = { ...faster, 'o.py': 'import math\nRATE = 7\n' };
  expect(judge(own, [['kernel', faster]], 'optimizer')).toBeNull();
  expect(judge({ ...own, 'm.py': (own['m.py'] ?? '').replace('2 * x', '3 * x') }, [['kernel', faster]], 'optimizer')).toMatchObject({ symbol: 'fast', owner: 'kernel' });
});

test('two parts that each import something merge, a statement that none of them has does not', () => {
  const other: Recipe = { ...BASE, 'm.py': 'import math\nimport os\nWIDTH = 8\n\n\ndef fast(x):\n    return 2 * x\n' };
  const merged: Recipe = { ...BASE, 'm.py': 'import math\nimport json\nimport os\nWIDTH = 16\n\n\ndef fast(x):\n    return 2 * x\n' };
  expect(judge(merged, [['kernel', other], ['architecture', wider]])).toBeNull();
  expect(judge({ ...merged, 'm.py': `${merged['m.py'] ?? ''}print(WIDTH)\n` }, [['kernel', other], ['architecture', wider]])).toMatchObject({ rule: 'ownership', symbol: '<module>' });
});

test('what a composition adds belongs to whose part added it, in whosever file it stands', () => {
  const added: Recipe = { ...BASE, 'm.py': `${BASE['m.py'] ?? ''}\n\nMOMENTUM = 1\n` };
  const after: Recipe = { ...added, 'm.py': (added['m.py'] ?? '').replace('WIDTH = 8', 'WIDTH = 16') };
  const then = claimsAfter({ authors: ['composer', 'optimizer', 'architecture'], parts: [tablesOf(added), tablesOf(wider)], partAuthors: [['optimizer'], ['architecture']], claims, before: { recipe: BASE, tables: tablesOf(BASE) }, after: { recipe: after, tables: tablesOf(after) } });
  expect(ownerOf(then, 'm.py', 'MOMENTUM')).toBe('optimizer');
});
