import { suggest } from '../../../domain/likeness.ts';
import type { Recipe } from '../../../domain/recipe.ts';
import type { EditBlock } from '../../../protocols/tools.ts';

// Search and replace on a recipe in work.
//
//   E1. A block fits exactly, and once unless it asks for all; it is never guessed at.
//   E2. All blocks are applied, in order, or none.
//   E3. A refusal says where the text nearly is, so that the next one fits.

export type Edited = { readonly kind: 'edited'; readonly recipe: Recipe; readonly touched: readonly string[] } | { readonly kind: 'refused'; readonly message: string };

const NEW_FILE = /^(?:[A-Za-z0-9_][A-Za-z0-9_.-]*\/)*[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
const FILE_CHARACTERS = 500_000;

/** Applies search-and-replace blocks to a recipe. */
export function applyEdits(recipe: Recipe, edits: readonly EditBlock[]): Edited {
  const work: Record<string, string> = { ...recipe };
  const touched = new Set<string>();
  for (const [i, { file, search, replace, all }] of edits.entries()) {
    const refuse = (why: string): Edited => ({ kind: 'refused', message: `block ${i + 1} of ${edits.length} (${JSON.stringify(file.slice(0, 120))}) does not fit, so none was applied: ${why}` }); // E2
    const before = Object.hasOwn(work, file) ? work[file] : undefined;
    if (before === undefined) {
      if (search !== '') return refuse(`there is no such file${suggest(file, Object.keys(work))}. The files are ${Object.keys(work).sort().slice(0, 60).join(', ')}`);
      if (!NEW_FILE.test(file) || file.length > 200 || file in {}) return refuse('that cannot be the name of a file of a recipe');
      if (replace === '') return refuse('a new file needs a text');
      work[file] = replace;
      touched.add(file);
      continue;
    }
    if (search === '') return refuse('search is empty, and the file is there already: quote the lines that are to change');
    if (search === replace) return refuse('search and replace are the same text: it would change nothing');
    const found = occurrences(before, search);
    if (found.length === 0) return refuse(absent(before, search, file)); // E1
    if (found.length > 1 && all !== true) return refuse(`the text occurs ${found.length} times (lines ${found.slice(0, 8).map((at) => lineAt(before, at)).join(', ')}): quote more lines around the one you mean, or set all`); // E1
    const after = before.split(search).join(replace);
    if (after.length > FILE_CHARACTERS) return refuse(`the file would have ${after.length} characters, and at most ${FILE_CHARACTERS} are taken`);
    work[file] = after;
    touched.add(file);
  }
  return { kind: 'edited', recipe: work, touched: [...touched].sort() };
}

function occurrences(text: string, part: string): number[] {
  const found: number[] = [];
  for (let at = text.indexOf(part); at >= 0 && found.length < 1000; at = text.indexOf(part, at + part.length)) found.push(at);
  return found;
}

const lineAt = (text: string, offset: number): number => text.slice(0, offset).split('\n').length;

/** Why a text is not there, with the lines that are most like it. */
function absent(text: string, search: string, file: string): string { // E3
  const lines = text.split('\n');
  const wanted = search.split('\n').slice(0, 24);
  const squeeze = (line: string): string => line.replaceAll(/\s+/g, ' ').trim();
  const squeezed = lines.map(squeeze);
  const meant = wanted.map(squeeze).filter((line) => line !== '');
  if (meant.length === 0) return 'search is only white space: quote the lines that are to change';
  let [best, at] = [0, 0];
  for (let start = 0; start < lines.length; start++) {
    let score = 0;
    for (const [k, line] of meant.entries()) score += likeness(squeezed[start + k] ?? '', line) / (k + 1);
    if (score > best) [best, at] = [score, start];
  }
  if (best === 0) return `nothing like it is in ${file}: read the file and quote what is there`;
  const shown = lines.slice(at, at + Math.min(12, wanted.length + 1)).map((line, k) => `${at + 1 + k}: ${line.slice(0, 200)}`).join('\n');
  const only = meant.every((line, k) => squeezed[at + k] === line) ? ' It differs in white space only.' : '';
  return `the text is not in ${file} as you wrote it.${only} Nearest are these lines:\n${shown}`;
}

/** 1 for equal lines, a share of common words for others, 0 for none in common. */
function likeness(a: string, b: string): number {
  if (a === b) return a === '' ? 0 : 1;
  const words = (line: string): Set<string> => new Set(line.split(/\W+/).filter((word) => word !== ''));
  const [one, other] = [words(a), words(b)];
  const common = [...one].filter((word) => other.has(word)).length;
  return common === 0 ? 0 : (0.9 * common) / Math.max(one.size, other.size);
}
