import { plural } from '../../domain/figures.ts';
import { BASELINE, type TrialId } from '../../domain/ids.ts';
import type { DamagedCell, DamagedRow, TreeCheck } from '../../domain/imported.ts';
import { findColumns, type Asked, type Columns } from './columns.ts';
import { readRow, type Place, type TraceRow } from './row.ts';
import { readTable } from './table.ts';
import { checkTree, endingIn, placeIn, readTree } from './tree.ts';

/** The text of a trace: results.tsv, and tree.tsv where it lies beside. */
export interface TraceText { readonly results: string; readonly tree: string | null }

/** A trace as it was read. */
export interface Trace {
  readonly columns: Columns;
  /** Lines below the head. */
  readonly lines: number;
  /** Whole rows and the places of damaged ones, in the order of the file. */
  readonly rows: readonly (({ readonly kind: 'whole' } & TraceRow) | ({ readonly kind: 'damaged'; readonly says: string } & Place))[];
  readonly damagedRows: readonly DamagedRow[];
  readonly damagedCells: readonly DamagedCell[];
  readonly notices: readonly string[];
  readonly tree: TreeCheck | null;
}

/** Reads a trace, whatever its columns between `status` and `notes`. Throws `BadTrace` when it is none. `file` names it in messages. */
export function readTrace(text: TraceText, asked: Asked, file: string): Trace {
  const { head, rows: lines } = readTable(text.results);
  const columns = findColumns(head, lines, asked, file);
  const tree = text.tree === null ? null : readTree(text.tree);
  const used = new Map<number, number>();
  const reads = lines.map((line) => {
    const read = readRow(line, head, columns, used);
    if (read.kind === 'whole') used.set(read.row.number, line.line);
    return { line, read };
  });
  const taken = new Set(reads.flatMap(({ read }) => (read.kind === 'whole' ? [read.row.trial] : []))); // whoever can be read whole has its id
  const rows: Trace['rows'][number][] = [];
  const damagedRows: DamagedRow[] = [];
  for (const { line, read } of reads) {
    if (read.kind === 'whole') { rows.push({ kind: 'whole', ...read.row }); continue; }
    const trial = read.trial === null || taken.has(read.trial) ? null : read.trial;
    const own = trial === null ? null : read.place;
    const fromTree = trial === null || tree === null ? null : placeIn(tree, trial);
    const agree = own === null || fromTree === null || (own.parent === fromTree.parent && own.specialist === fromTree.specialist);
    const place = agree ? own ?? fromTree : null;
    if (trial !== null) taken.add(trial);
    if (place !== null) rows.push({ kind: 'damaged', ...place, says: `(damaged row, line ${line.line}: ${read.reason}) ${read.hypothesis}` });
    damagedRows.push({ line: line.line, trial, reason: agree ? read.reason : `${read.reason}; tree.tsv puts it elsewhere`, place: place === null ? null : own === null ? 'tree.tsv' : 'its own cells', elsewhere: trial === null || tree === null ? null : endingIn(tree, trial, columns.metric), raw: line.raw });
  }
  const damagedCells: DamagedCell[] = reads.flatMap(({ read }) => (read.kind === 'whole' ? read.cells : []));
  const elsewhere = reads.filter(({ read }) => read.kind === 'whole' && read.elsewhere).length;
  const spelled = reads.filter(({ read }) => read.kind === 'whole' && read.spelled).length;
  const whole = rows.flatMap((row) => (row.kind === 'whole' ? [row] : []));
  const known = new Set(rows.map(({ trial }) => trial));
  const orphans = rows.filter(({ parent }) => parent !== null && parent !== BASELINE && !known.has(parent)).length;
  return {
    columns, lines: lines.length, rows, damagedRows, damagedCells,
    notices: [
      ...(whole.some(({ trial }) => trial === BASELINE) ? [] : ['there is no readable baseline row: the score of the root is unknown']),
      ...(spelled > 0 ? [`ids written exp_NNN are read as NNN: ${plural(spelled, 'row')}`] : []),
      ...(elsewhere > 0 ? [`domains other than the specialist's own: ${plural(elsewhere, 'row')}, counted under the specialist`] : []),
      ...(orphans > 0 ? [`parents without a place: ${plural(orphans, 'trial')}, shown as roots of their own`] : []),
    ],
    tree: tree && checkTree(tree, whole, new Set<TrialId>(damagedRows.flatMap(({ trial }) => trial ?? [])), columns.metric),
  };
}
