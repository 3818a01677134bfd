import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { patches } from '../../src/adapters/patches/index.ts';
import type { Recipe } from '../../src/domain/recipe.ts';

const recipe: Recipe = { 'model.py': 'WIDTH = 1\n\ndef f():\n    return WIDTH\n', 'empty.py': '' };
const applied = (before: Recipe, patch: string): Recipe => {
  const result = patches.apply(before, patch);
  if (result.kind === 'refused') throw new Error(result.message);
  return result.recipe;
};
const change = (name: string, headers = ''): string => `diff --git a/${name} b/${name}\n${headers}--- a/${name}\n+++ b/${name}\n@@ -1,2 +1,2 @@\n-WIDTH = 1\n+WIDTH = 2\n \n`;
const addition = (name: string, mode = '100644'): string => `diff --git a/${name} b/${name}\nnew file mode ${mode}\n--- /dev/null\n+++ b/${name}\n@@ -0,0 +1 @@\n+x = 1\n`;

describe('round trip', () => {
  const line = fc.constantFrom('', 'a', 'b', 'a = 1', '  b', '+x', '-y', '--- a', '+++ b', '@@ -1 +1 @@', '\\ No newline', 'c\r', '\r', 'naïve ⟨', '\t', 'diff --git a/x b/x');
  const text = fc.tuple(fc.array(line, { maxLength: 12 }), fc.boolean()).map(([lines, ends]) => lines.join('\n') + (ends && lines.length > 0 ? '\n' : ''));
  const files = fc.dictionary(fc.constantFrom('a.py', 'b.txt', 'deep/er/c.py', 'd-e_f.yaml'), text);

  test('applying the difference of two recipes to the first gives the second', () => {
    fc.assert(fc.property(files, files, (before, after) => {
      const patch = patches.diff(before, after);
      if (patch === '') expect(after).toEqual(before);
      else expect(applied(before, patch)).toEqual({ ...after });
    }), { numRuns: 1500, seed: 11 });
  });

  test('what a patch touched, added and deleted is said', () => {
    expect(patches.apply(recipe, patches.diff(recipe, { 'model.py': 'WIDTH = 2\n', 'new.py': '' }))).toEqual({
      kind: 'applied', recipe: { 'model.py': 'WIDTH = 2\n', 'new.py': '' }, touched: ['empty.py', 'model.py', 'new.py'], added: ['new.py'], deleted: ['empty.py'],
    });
  });

  test('equal recipes have no difference', () => { expect(patches.diff(recipe, { ...recipe })).toBe(''); });

  test('a patch of two unrelated changes fits after one of them moved', () => {
    const before = { 'a.py': Array.from({ length: 30 }, (_, i) => `x${i} = ${i}\n`).join('') };
    const patch = patches.diff(before, { 'a.py': (before['a.py'] ?? '').replace('x25 = 25', 'x25 = 0') });
    expect(applied({ 'a.py': `first = 1\nsecond = 2\n${before['a.py']}` }, patch)['a.py']).toContain('x25 = 0\n');
  });
});

describe('a patch is refused whole', () => {
  const refusals: readonly (readonly [string, string, string])[] = [
    ['context that is not there', change('model.py').replace(' \n', ' other\n'), 'apply'],
    ['a file that is not there', change('none.py'), 'apply'],
    ['a hunk whose lines do not add up', change('model.py').replace('-1,2', '-1,3'), 'apply'],
    ['words around it', `Here is the patch:\n${change('model.py')}`, 'apply'],
    ['a binary change', 'diff --git a/model.py b/model.py\nindex 1..2\nBinary files a/model.py and b/model.py differ\n', 'apply'],
    ['a git binary patch', 'diff --git a/model.py b/model.py\nGIT binary patch\nliteral 3\n', 'apply'],
    ['null bytes', change('model.py').replace('= 2', '= "\0"'), 'apply'],
    ['the same file twice', change('model.py') + change('model.py'), 'apply'],
    ['adding a file that exists', addition('model.py'), 'apply'],
    ['a mode change', change('model.py', 'old mode 100644\nnew mode 100755\n'), 'mode'],
    ['a new executable', addition('new.py', '100755'), 'mode'],
    ['a new link', addition('new.py', '120000'), 'mode'],
    ['a submodule', addition('new', '160000'), 'mode'],
    ['a rename', 'diff --git a/model.py b/other.py\nsimilarity index 100%\nrename from model.py\nrename to other.py\n', 'path'],
    ['a copy', 'diff --git a/model.py b/other.py\ncopy from model.py\ncopy to other.py\n', 'path'],
    ['a rename by its headers', change('model.py').replace('+++ b/model.py', '+++ b/other.py'), 'path'],
    ['headers of two names', change('model.py').replace('b/model.py\n---', 'b/other.py\n---'), 'path'],
    ['nothing at all', '', 'empty'],
    ['a change to the same', 'diff --git a/model.py b/model.py\n--- a/model.py\n+++ b/model.py\n@@ -1 +1 @@\n-WIDTH = 1\n+WIDTH = 1\n', 'empty'],
    ['too large a patch', change('model.py') + ' '.repeat(262_144), 'size'],
    ...['../out.py', '/etc/x.py', 'a/../b.py', '.git/config', '.GIT/config', 'a/.git/x', '.gitattributes', 'a\\b.py', 'a\rb.py', 'a b.py', '"q.py"', 'a//b.py', './a.py', 'sitecustomize.py', 'a/usercustomize.py', 'conftest.py', 'evil.pth', 'a.so', '__pycache__/a.pyc', 'nul\u0001.py', 'ｍodel.py']
      .map((name) => [`a file called ${JSON.stringify(name)}`, addition(name), 'path'] as const),
  ];
  test.each(refusals)('%s', (_, patch, rule) => {
    const result = patches.apply(recipe, patch);
    expect(result).toMatchObject({ kind: 'refused', rule });
  });

  test('a file that would grow beyond its cap', () => {
    const line = `x = "${'a'.repeat(1000)}"\n`;
    const nearly = { 'a.py': line.repeat(1044) };
    expect(patches.apply(nearly, patches.diff(nearly, { 'a.py': (nearly['a.py'] ?? '') + line.repeat(10) }))).toMatchObject({ kind: 'refused', rule: 'size', file: 'a.py' });
  });

  test('no text makes it throw', () => {
    const piece = fc.constantFrom('diff --git a/a.py b/a.py\n', '--- a/a.py\n', '+++ b/a.py\n', '--- /dev/null\n', '+++ /dev/null\n', '@@ -1 +1 @@\n', '@@ -0,0 +1 @@\n', '@@ -1,0 +1,0 @@\n', '@@ -999999999 +1 @@\n', '-a\n', '+b\n', ' c\n', '\\ No newline at end of file\n', '\n', 'new file mode 100644\n', 'deleted file mode 100644\n', 'index 0..1\n', 'junk');
    fc.assert(fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => { expect(['applied', 'refused']).toContain(patches.apply({ 'a.py': 'a\nc\n' }, pieces.join('')).kind); }), { numRuns: 2000, seed: 3 });
  });
});
