import { oneLine, plural } from '../../domain/figures.ts';
import { TOKEN, trialId, type TrialId } from '../../domain/ids.ts';
import type { TreeCheck } from '../../domain/imported.ts';
import { ROUNDING, numberIn, ordinalIn } from './columns.ts';
import type { Place, TraceRow } from './row.ts';

// tree.tsv, the same trials in preorder: a second record of where each stands, written without quoting.
//
//   X1. It never overrules a whole row of results.tsv: what differs is counted and shown.
//   X2. It may say where a damaged row stands, because it is a record of that row and no guess.

const COLUMNS = ['exp_id', 'parent_exp', 'specialist', 'status'] as const;

interface TreeRow { readonly line: number; readonly trial: TrialId; readonly number: number; readonly cells: Readonly<Record<string, string>> }
/** A tree as it was read. */
export interface Tree { readonly rows: ReadonlyMap<TrialId, TreeRow>; readonly unreadable: readonly { readonly line: number; readonly what: string }[] }

/** Reads a tree; rows that are not whole are told and passed over. */
export function readTree(text: string): Tree {
  const [first = '', ...lines] = text.replace(/^\ufeff/, '').split('\n').map((line) => line.replace(/\r$/, ''));
  const head = first.split('\t').map(oneLine);
  const rows = new Map<TrialId, TreeRow>();
  const unreadable: { line: number; what: string }[] = [];
  const missing = COLUMNS.filter((name) => !head.includes(name));
  if (missing.length > 0) return { rows, unreadable: [{ line: 1, what: `no column ${missing.join(', ')}` }] };
  for (const [i, raw] of lines.entries()) {
    if (raw.trim() === '') continue;
    const line = i + 2;
    const cells = raw.split('\t');
    const number = ordinalIn(cells[head.indexOf('exp_id')] ?? '');
    if (cells.length !== head.length) unreadable.push({ line, what: `${plural(cells.length, 'cell')} of ${head.length}` });
    else if (number === null) unreadable.push({ line, what: 'no id' });
    else rows.set(trialId(number), { line, number, trial: trialId(number), cells: Object.fromEntries(head.map((name, at) => [name, oneLine(cells[at] ?? '')])) });
  }
  return { rows, unreadable };
}

/** Where a tree says that a trial stands; null when it does not (X2). */
export function placeIn(tree: Tree, trial: TrialId): Place | null {
  const row = tree.rows.get(trial);
  const parent = ordinalIn(row?.cells.parent_exp ?? '');
  const specialist = row?.cells.specialist ?? '';
  return row && parent !== null && parent < row.number && TOKEN.test(specialist) ? { trial, specialist, parent: trialId(parent), at: null } : null;
}

/** How a tree says that a trial ended: its status and score; null when it does not know the trial. */
export function endingIn(tree: Tree, trial: TrialId, metric: string): string | null {
  const cells = tree.rows.get(trial)?.cells;
  return cells?.status ? [cells.status, cells[metric] ?? ''].filter(Boolean).join(' ').slice(0, 60) : null;
}

/** Compares a tree with the rows it should repeat (X1). */
export function checkTree(tree: Tree, rows: readonly TraceRow[], damaged: ReadonlySet<TrialId>, metric: string): TreeCheck {
  const differing: { line: number; what: string }[] = [...tree.unreadable];
  let reworded = 0;
  for (const row of rows) {
    const other = tree.rows.get(row.trial);
    if (!other) { differing.push({ line: 0, what: `${row.trial} is not in it` }); continue; }
    const { cells } = other;
    const parent = ordinalIn(cells.parent_exp ?? '');
    const says = (what: string, theirs: string | undefined, ours: string): void => { differing.push({ line: other.line, what: `${row.trial} ${what} ${theirs === '' || theirs === undefined ? 'empty' : theirs.slice(0, 60)}, not ${ours === '' ? 'empty' : ours}` }); };
    if ((parent === null ? null : trialId(parent)) !== row.parent) says('parent', cells.parent_exp, row.parent ?? '');
    if (cells.specialist !== row.specialist) says('specialist', cells.specialist, row.specialist);
    if (cells.status !== row.status) says('status', cells.status, row.status);
    if (isOther(cells[metric], row.score)) says(metric, cells[metric], row.score === null ? '' : String(row.score));
    if (isOther(cells.delta_vs_best, row.delta)) says('delta_vs_best', cells.delta_vs_best, row.delta === null ? '' : String(row.delta));
    if (cells.hypothesis !== undefined && cells.hypothesis !== row.hypothesis) reworded += 1;
  }
  const known = new Set(rows.map(({ trial }) => trial));
  for (const other of tree.rows.values()) if (!known.has(other.trial) && !damaged.has(other.trial)) differing.push({ line: other.line, what: `${other.trial} is not in results.tsv` });
  return { rows: tree.rows.size, compared: rows.length, differing, reworded };
}

function isOther(cell: string | undefined, value: number | null): boolean {
  if (cell === undefined) return false;
  const said = numberIn(cell);
  if (said === null || value === null) return said !== value;
  return !(Math.abs(said - value) <= ROUNDING); // NaN is other
}
