import type { Syntax } from '../../../../ports.ts';

// Where the definitions of a Python source lie, by line, so that one can be exchanged without touching another.
//
//   D1. A definition's lines include its decorators; a name defined twice spans both.

/** One named definition and the lines it takes, both ends included, counted from 1. */
export interface Definition {
  readonly name: string;
  readonly kind: 'function' | 'class' | 'assignment';
  readonly start: number;
  readonly end: number;
  /** Of a class: the last line of `class …:`; the whole class is one line when this is its end. */
  readonly headerEnd: number;
  readonly members: readonly Definition[];
}

/** A statement that imports something. */
export interface Import { readonly start: number; readonly end: number; readonly text: string }

export interface Layout {
  readonly lines: readonly string[];
  readonly definitions: readonly Definition[];
  readonly imports: readonly Import[];
  /** Last line of the opening comments and docstring. */
  readonly preambleEnd: number;
}

/** Lays out a source; nested definitions below a class member are part of that member. */
export function layOut(source: string, syntax: Syntax): Layout {
  const lines = source.split('\n');
  const symbols = syntax.symbols(source).symbols;
  const top = symbols.filter((symbol) => /^[^.[<]+$/.test(symbol.name) && ['function', 'class', 'assignment'].includes(symbol.kind) && indent(lines[symbol.line - 1]) === 0);
  const definitions = top.map((symbol): Definition => {
    const whole = { start: symbol.line, end: symbol.endLine }; // D1
    const members = symbol.kind === 'class'
      ? symbols.filter((inner) => inner.name.startsWith(`${symbol.name}.`) && !/[.[]/.test(inner.name.slice(symbol.name.length + 1)) && inner.line >= symbol.line && inner.line <= whole.end)
        .map((inner): Definition => ({ name: inner.name.slice(symbol.name.length + 1), kind: inner.kind === 'method' || inner.kind === 'function' ? 'function' : inner.kind === 'class' ? 'class' : 'assignment', start: inner.line, end: inner.endLine, headerEnd: inner.line, members: [] }))
      : [];
    return { name: symbol.name, kind: symbol.kind === 'class' ? 'class' : symbol.kind === 'function' ? 'function' : 'assignment', ...whole, headerEnd: symbol.kind === 'class' ? headerEnd(lines, whole.start) : whole.start, members };
  });
  const preambleEnd = endOfPreamble(lines);
  const taken = (line: number): boolean => definitions.some((definition) => line >= definition.start && line <= definition.end);
  const imports: Import[] = [];
  for (let at = preambleEnd + 1; at <= lines.length; at++) {
    if (taken(at) || !/^(?:import|from)\s/.test(lines[at - 1] ?? '')) continue;
    const end = endOfStatement(lines, at);
    imports.push({ start: at, end, text: lines.slice(at - 1, end).join(' ').replace(/#.*$/, '').replace(/\s+/g, ' ').trim() });
    at = end;
  }
  return { lines, definitions, imports, preambleEnd };
}

/** Columns by which a line is indented. */
export const indent = (line: string | undefined): number => (line ?? '').length - (line ?? '').trimStart().length;

/** The line on which the statement that begins at `at` closes its brackets. */
function endOfStatement(lines: readonly string[], at: number): number {
  let depth = 0;
  for (let line = at; line <= lines.length; line++) {
    const code = bare(lines[line - 1] ?? '');
    for (const character of code) depth += '([{'.includes(character) ? 1 : ')]}'.includes(character) ? -1 : 0;
    if (depth <= 0 && !code.trimEnd().endsWith('\\')) return line;
  }
  return lines.length;
}

function headerEnd(lines: readonly string[], start: number): number {
  let at = start;
  while (at < lines.length && !/^\s*class\b/.test(lines[at - 1] ?? '')) at++;
  return endOfStatement(lines, at);
}

/** A line without its strings and comment. */
export const bare = (line: string): string => line.replace(/("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')/g, '""').replace(/#.*$/, '');

function endOfPreamble(lines: readonly string[]): number {
  let at = 0;
  while (at < lines.length && /^\s*(?:#.*)?$/.test(lines[at] ?? '')) at++;
  const quote = /^[rRuU]?("""|''')/.exec(lines[at] ?? '')?.[1];
  if (quote === undefined) {
    if (/^[rRuU]?(?:"[^"]*"|'[^']*')\s*$/.test(lines[at] ?? '')) return at + 1;
    while (at > 0 && (lines[at - 1] ?? '').trim() === '') at--;
    return /^\s*#/.test(lines[0] ?? '') ? at : 0;
  }
  const rest = (lines[at] ?? '').slice((lines[at] ?? '').indexOf(quote) + 3);
  if (rest.includes(quote)) return at + 1;
  let end = at + 1;
  while (end < lines.length && !(lines[end] ?? '').includes(quote)) end++;
  return end + 1;
}
