import type { Recipe } from '../../../../domain/recipe.ts';
import type { Syntax } from '../../../../ports.ts';
import { indent, layOut, type Definition, type Layout } from './definition.ts';
import type { Edit } from './edit.ts';

// Merges an edit into a recipe by symbol, never by line number or context.
//
//   E1. What the edit does not name stays byte for byte, so that diffs are small and owners are not crossed.
//   E2. A definition takes the place of its namesake. A new one follows the edit's previous definition, or precedes its next.
//   E3. A class merges by member unless the edit replaces it whole; its `class …:` line changes only when the edit names other bases.
//   E4. Imports are added once, after the last import of the file.

export type Merged = { readonly kind: 'merged'; readonly recipe: Recipe } | { readonly kind: 'refused'; readonly reason: string };

/** Lines `start` to `end` make way for `text`; when `end` is `start − 1` nothing makes way and the text goes before `start`. */
interface Splice { readonly start: number; readonly end: number; readonly text: readonly string[] }

/** Applies one edit. Refused when a definition it replaces shares its line with another. */
export function merge(recipe: Recipe, edit: Edit, syntax: Syntax): Merged {
  const source = recipe[edit.file];
  if (source === undefined) return { kind: 'merged', recipe: { ...recipe, [edit.file]: body(edit) } };
  const target = layOut(source, syntax);
  const splices: Splice[] = newImports(target, edit.layout);
  for (const [i, definition] of edit.layout.definitions.entries()) {
    const old = namesake(target.definitions, definition.name);
    if (old === undefined) { splices.push(addition(target, edit, i)); continue; }
    const crowd = target.definitions.find((other) => other !== old && other.start <= old.end && other.end >= old.start);
    if (crowd !== undefined) return { kind: 'refused', reason: `${old.name} shares a line of ${edit.file} with ${crowd.name}` };
    const memberwise = definition.kind === 'class' && old.kind === 'class' && !edit.replaces.includes(definition.name) && old.headerEnd < old.end && definition.headerEnd < definition.end;
    splices.push(...(memberwise ? mergeClass(target, old, edit.layout, definition) : [{ start: old.start, end: old.end, text: textOf(edit.layout, definition) }]));
  }
  const lines = [...target.lines];
  // From the bottom up, so that earlier line numbers still hold; at one place what makes way first, then insertions, the last one first.
  const isInsertion = (splice: Splice): number => (splice.end < splice.start ? 1 : 0);
  for (const { splice } of splices.map((splice, order) => ({ splice, order })).sort((a, b) => b.splice.start - a.splice.start || isInsertion(a.splice) - isInsertion(b.splice) || b.order - a.order)) {
    lines.splice(splice.start - 1, splice.end - splice.start + 1, ...splice.text);
  }
  return { kind: 'merged', recipe: { ...recipe, [edit.file]: lines.join('\n') } };
}

const namesake = (definitions: readonly Definition[], name: string): Definition | undefined => definitions.findLast((definition) => definition.name === name);
const textOf = (layout: Layout, { start, end }: { start: number; end: number }): string[] => layout.lines.slice(start - 1, end);
const body = (edit: Edit): string => `${edit.layout.lines.slice(edit.headerEnd).join('\n').trim()}\n`;

/** First line of the comment that stands directly above a line. */
function aboveComment(lines: readonly string[], line: number, floor: number): number {
  let at = line;
  while (at - 1 > floor && /^\s*#/.test(lines[at - 2] ?? '') && indent(lines[at - 2]) === indent(lines[line - 1])) at--;
  return at;
}

function addition(target: Layout, edit: Edit, index: number): Splice { // E2
  const definition = edit.layout.definitions[index] as Definition;
  const text = textOf(edit.layout, { start: aboveComment(edit.layout.lines, definition.start, edit.headerEnd), end: definition.end });
  const spaced = definition.kind === 'assignment' ? 0 : 2;
  const blank = Array.from({ length: spaced }, () => '');
  if (definition.kind === 'assignment' && isConstant(text)) return after(constantsEnd(target), text);
  for (let i = index - 1; i >= 0; i--) {
    const old = namesake(target.definitions, edit.layout.definitions[i]?.name ?? '');
    if (old !== undefined) return after(old.end, [...blank, ...text]);
  }
  for (const next of edit.layout.definitions.slice(index + 1)) {
    const old = namesake(target.definitions, next.name);
    if (old === undefined) continue;
    const start = aboveComment(target.lines, old.start, 0);
    return { start, end: start - 1, text: [...text, ...blank] };
  }
  const last = target.lines.findLastIndex((line) => line.trim() !== '') + 1;
  return after(last, [...blank, ...text]);
}

const after = (line: number, text: readonly string[]): Splice => ({ start: line + 1, end: line, text });

/** An assignment that names nothing else can stand with the constants, before anything that uses it. */
const isConstant = (text: readonly string[]): boolean =>
  !/[A-Za-z_]\w*/.test(text.filter((line) => !line.startsWith('#')).join(' ').replace(/^[^=]*=/, '').replace(/("[^"]*"|'[^']*')/g, '').replace(/#.*$/, '').replace(/\b(?:True|False|None)\b/g, '').replace(/\d[eE]/g, ''));

function constantsEnd(target: Layout): number {
  const firstBlock = target.definitions.find((definition) => definition.kind !== 'assignment')?.start ?? Infinity;
  const above = [...target.imports, ...target.definitions].filter((part) => part.end < firstBlock).map((part) => part.end);
  return Math.max(target.preambleEnd, ...above);
}

function newImports(target: Layout, edit: Layout): Splice[] { // E4
  const fresh = edit.imports.filter((statement) => !target.imports.some((present) => present.text === statement.text));
  const future = (text: string): boolean => text.startsWith('from __future__');
  const end = Math.max(target.preambleEnd, ...target.imports.map((statement) => statement.end));
  return fresh.map((statement) => after(future(statement.text) ? target.preambleEnd : end, textOf(edit, statement)));
}

function mergeClass(target: Layout, old: Definition, edit: Layout, wanted: Definition): Splice[] { // E3
  const splices: Splice[] = [];
  const header = (layout: Layout, definition: Definition): string[] => textOf(layout, { start: definition.start, end: definition.headerEnd });
  const plain = (lines: readonly string[]): string => lines.join(' ').replace(/#.*$/, '').replace(/\s+/g, ' ').trim();
  const wantedHeader = plain(header(edit, wanted));
  if (/[(@]/.test(wantedHeader) && wantedHeader !== plain(header(target, old))) splices.push({ start: old.start, end: old.headerEnd, text: header(edit, wanted) });
  const firstMethod = old.members.find((member) => member.kind !== 'assignment');
  for (const member of wanted.members) {
    const text = textOf(edit, { start: aboveComment(edit.lines, member.start, wanted.headerEnd), end: member.end });
    const present = namesake(old.members, member.name);
    if (present !== undefined) splices.push({ start: present.start, end: present.end, text: textOf(edit, member) });
    else if (member.kind === 'assignment' && firstMethod !== undefined) {
      const start = aboveComment(target.lines, firstMethod.start, old.headerEnd);
      splices.push({ start, end: start - 1, text: [...text, ''] });
    } else splices.push(after(old.end, member.kind === 'assignment' ? text : ['', ...text]));
  }
  return splices;
}
