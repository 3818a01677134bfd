import { oneLine } from '../../domain/figures.ts';

// Tab-separated text as the reference's writer leaves it: a cell that holds a quotation mark, a tab or a line break is quoted, with its marks doubled.
//
//   T1. Every row knows the line it began at and its text as it was written.
//   T2. A quotation mark that does not open a whole quoted cell is only a character: it never swallows the rows after it.

/** One row of a table, its cells as the quoting means them. */
export interface Line { readonly line: number; readonly raw: string; readonly cells: readonly string[] }

/** A row that spans more lines than this has lost its closing mark. */
const LONGEST_ROW = 60;

/** Reads a table: its head, and every row that is not blank. */
export function readTable(text: string): { readonly head: readonly string[]; readonly rows: readonly Line[] } {
  const lines = text.replace(/^\ufeff/, '').split('\n').map((line) => line.replace(/\r$/, ''));
  const head = (quoted(lines[0] ?? '') ?? literal(lines[0] ?? '')).map(oneLine);
  const rows: Line[] = [];
  for (let i = 1; i < lines.length; i++) {
    const raw = lines[i] ?? '';
    if (raw.trim() === '') continue;
    const whole = quoted(raw);
    const joined = whole === null ? join(lines, i, head.length) : null;
    rows.push(joined ? { line: i + 1, raw: joined.raw, cells: joined.cells } : { line: i + 1, raw, cells: whole ?? literal(raw) }); // T2
    if (joined) i += joined.lines - 1;
  }
  return { head, rows };
}

const literal = (text: string): string[] => text.split('\t');

/** Cells of a text with quoting; null when a quoted cell does not end where a cell ends. */
function quoted(text: string): string[] | null {
  const cells: string[] = [];
  for (let at = 0; at <= text.length;) {
    if (text[at] === '"') {
      const cell = /"([^"]*(?:""[^"]*)*)"(?=\t|$)/y;
      cell.lastIndex = at;
      const found = cell.exec(text);
      if (!found) return null;
      cells.push((found[1] ?? '').replaceAll('""', '"'));
      at = cell.lastIndex + 1;
    } else {
      const tab = text.indexOf('\t', at);
      const end = tab < 0 ? text.length : tab;
      cells.push(text.slice(at, end));
      at = end + 1;
    }
  }
  return cells;
}

/** A row whose quoted cell holds line breaks; null when no number of further lines makes it a whole row. */
function join(lines: readonly string[], from: number, width: number): { readonly raw: string; readonly cells: string[]; readonly lines: number } | null {
  for (let count = 2; count <= LONGEST_ROW && from + count <= lines.length; count++) {
    const raw = lines.slice(from, from + count).join('\n');
    const cells = quoted(raw);
    if (cells !== null) return cells.length === width ? { raw, cells, lines: count } : null;
  }
  return null;
}
