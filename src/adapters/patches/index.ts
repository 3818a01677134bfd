import { applyPatch, structuredPatch } from 'diff';
import type { Recipe } from '../../domain/recipe.ts';
import type { PatchResult, Patches } from '../../ports.ts';
import { readPatch, type FilePatch } from './hunk.ts';

// Recipes to unified diffs and back.
//
//   D1. A patch applies exactly or not at all: every line of context must be there.
//   D2. A name is plain: letters, digits, `_`, `-` and `.`, in folders, no part of it starting with a dot; and no file that Python or git obeys unasked.
//   D3. Files are plain text of mode 100644.
//   D4. Applying the difference of two recipes to the first gives the second.

const PATCH_BYTES = 262_144; // as the wire says; a whole recipe is far smaller
const FILE_BYTES = 1_048_576; // staged once a replicate, hashed and parsed
const NAME = /^(?:[A-Za-z0-9_][A-Za-z0-9_.-]*\/)*[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
const OBEYED = /(?:^|\/)(?:sitecustomize|usercustomize|conftest)\.py$|\.pth$|(?:^|\/)__pycache__\/|\.(?:so|pyc|pyd)$/i;

/** Makes and applies unified diffs of whole recipes. */
export const patches: Patches = { diff, apply };

function diff(before: Recipe, after: Recipe): string {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.filter((name) => before[name] !== after[name]).map((name) => diffFile(name, before[name], after[name])).join('');
}

function diffFile(name: string, before: string | undefined, after: string | undefined): string {
  const { hunks } = structuredPatch(name, name, before ?? '', after ?? '', '', '', { context: 3 });
  const mode = before === undefined ? 'new file mode 100644\n' : after === undefined ? 'deleted file mode 100644\n' : '';
  const names = hunks.length === 0 ? '' : `--- ${before === undefined ? '/dev/null' : `a/${name}`}\n+++ ${after === undefined ? '/dev/null' : `b/${name}`}\n`;
  const start = (line: number, count: number): string => `${count === 0 ? line - 1 : line},${count}`;
  return `diff --git a/${name} b/${name}\n${mode}${names}${hunks.map((hunk) =>
    `@@ -${start(hunk.oldStart, hunk.oldLines)} +${start(hunk.newStart, hunk.newLines)} @@\n${hunk.lines.join('\n')}\n`).join('')}`;
}

function apply(before: Recipe, patch: string): PatchResult {
  if (Buffer.byteLength(patch) > PATCH_BYTES) return refuse('size', null, `the patch is ${Buffer.byteLength(patch)} bytes, and at most ${PATCH_BYTES} are taken: send a smaller change.`);
  if (patch.includes('\0')) return refuse('apply', null, 'the patch holds null bytes: a recipe is text.');
  const read = readPatch(patch);
  if (!('files' in read)) return refuse(read.rule, read.file, read.message);
  const recipe: Record<string, string> = { ...before };
  const touched: string[] = [];
  const added: string[] = [];
  const deleted: string[] = [];
  for (const file of read.files) {
    const name = file.newName ?? file.oldName ?? '';
    const refused = refuseName(file, name) ?? (touched.includes(name) ? refuse('apply', name, `the patch names ${name} twice: make it one change.`) : null);
    if (refused) return refused;
    const old = Object.hasOwn(recipe, name) ? recipe[name] : undefined;
    if (file.oldName === null && old !== undefined) return refuse('apply', name, `the patch adds ${name}, which exists already: change it instead.`);
    if (file.oldName !== null && old === undefined) return refuse('apply', name, `there is no ${name} in the parent's recipe: its files are ${Object.keys(before).sort().join(', ')}.`);
    const text = applyHunks(old ?? '', file);
    if (text === null) return refuse('apply', name, `the patch does not fit ${name} as it is in the parent: read the file again and make the change anew.`);
    touched.push(name);
    if (file.newName === null) {
      if (text !== '') return refuse('apply', name, `the patch removes ${name} without all of its lines: name each of them.`);
      delete recipe[name];
      deleted.push(name);
      continue;
    }
    if (Buffer.byteLength(text) > FILE_BYTES) return refuse('size', name, `${name} would be ${Buffer.byteLength(text)} bytes, and at most ${FILE_BYTES} are taken: make it smaller.`);
    if (file.oldName === null) added.push(name);
    recipe[name] = text;
  }
  const changes = touched.some((name) => before[name] !== recipe[name]);
  return changes ? { kind: 'applied', recipe, touched, added, deleted } : refuse('empty', null, 'the patch changes nothing: change something that runs.');
}

function applyHunks(text: string, file: FilePatch): string | null {
  if (file.hunks.length === 0) return text;
  const lines = text.split('\n').length;
  if (file.hunks.some(({ oldStart }) => oldStart > lines + 1)) return null; // a hunk is looked for line by line from where it says it is
  try {
    const result = applyPatch(text, { oldFileName: '', newFileName: '', oldHeader: '', newHeader: '', hunks: [...file.hunks] }, { fuzzFactor: 0, autoConvertLineEndings: false }); // D1
    return result === false ? null : result;
  } catch {
    return null; // hunks that contradict themselves are hunks that do not fit
  }
}

function refuseName(file: FilePatch, name: string): PatchResult | null {
  const shown = JSON.stringify(name.slice(0, 120));
  if (!NAME.test(name) || name.length > 200) return refuse('path', name, `${shown} cannot be a file of a recipe: use letters, digits, _, - and . inside the recipe's own folder.`); // D2
  if (OBEYED.test(name)) return refuse('path', name, `${shown} is a name that is obeyed unasked: choose another.`); // D2
  const mode = file.newMode ?? file.oldMode ?? '100644';
  if (mode !== '100644') return refuse('mode', name, `the patch gives ${name} mode ${mode}: a recipe's files are plain text of mode 100644.`); // D3
  return null;
}

const refuse = (rule: Extract<PatchResult, { kind: 'refused' }>['rule'], file: string | null, message: string): PatchResult => ({ kind: 'refused', rule, file, message });
