import type { Line } from './table.ts';

// Which column is the metric, and which way it improves, from what the rows themselves show.
//
//   M1. The metric is the column whose differences the changes are: `delta_vs_best` is a score minus the score of `baseline_exp`.
//   M2. Without such evidence it is the column right after `status`, and whoever imports is told so.
//   M3. The direction is the sign in which kept trials changed. Without a sign nothing is guessed but from names that leave no doubt.

/** Columns every trace has and its evaluator does not choose. */
const FIXED = ['exp_id', 'timestamp', 'specialist', 'parent_exp', 'baseline_exp', 'domain', 'hypothesis', 'expected_delta', 'status', 'job_name', 'snapshot_path', 'notes'] as const;
/** Without one of these there is no lineage to read. */
const NEEDED = ['exp_id', 'specialist', 'parent_exp', 'hypothesis', 'status'] as const;

/** Scores and changes are written with six digits: a difference of two is off by this much at most. */
export const ROUNDING = 1.6e-6;

export type Direction = 'minimize' | 'maximize';
/** What the user says of the metric; null is to be found out. */
export interface Asked { readonly metric: string | null; readonly direction: Direction | null }
export interface Columns { readonly metric: string; readonly direction: Direction; readonly own: readonly string[]; readonly grounds: string }

/** The file is no trace, or does not show what it measures; the message says what is missing and the remedy. */
export class BadTrace extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BadTrace';
  }
}

/** A number as traces write them; null for an empty cell, NaN for anything that is not one. */
export function numberIn(cell: string): number | null {
  const text = cell.trim();
  if (text === '') return null;
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;
  return Number.isFinite(value) ? value : NaN;
}

/** The ordinal in an id, written `017` or, as some authors did, `exp_017`; null for anything else. */
export const ordinalIn = (cell: string): number | null => { const found = /^(?:exp_?)?(\d{1,7})$/i.exec(cell.trim()); return found ? Number(found[1]) : null; };

/** Finds metric and direction. Throws `BadTrace` where the head is not that of a trace or the rows show neither. */
export function findColumns(head: readonly string[], rows: readonly Line[], asked: Asked, file: string): Columns {
  if (head.every((name) => name === '')) throw new BadTrace(`${file} begins with an empty line, or is empty: a results.tsv begins with the names of its columns`);
  const missing = NEEDED.filter((name) => !head.includes(name));
  if (missing.length > 0) throw new BadTrace(`${file}:1 has no column ${missing.join(', ')}: this is not a results.tsv of the reference, or its head was lost`);
  const twice = head.find((name, i) => head.indexOf(name) !== i);
  if (twice !== undefined) throw new BadTrace(`${file}:1 names the column ${twice} twice: remove one`);
  const own = head.filter((name) => !(FIXED as readonly string[]).includes(name) && name !== '');
  const whole = rows.filter((row) => row.cells.length === head.length);
  const at = (row: Line, name: string): string => row.cells[head.indexOf(name)] ?? '';
  const candidates = own.filter((name) => name !== 'delta_vs_best' && name !== 'artifact_bytes');
  if (asked.metric !== null && !candidates.includes(asked.metric)) throw new BadTrace(`${file} has no column ${asked.metric} to be the metric: it has ${candidates.join(', ') || 'none'}`);

  const changes = whole.flatMap((row) => { const change = numberIn(at(row, 'delta_vs_best')); return change === null || Number.isNaN(change) ? [] : [{ row, change }]; });
  const shown = candidates.map((name) => ({ name, explained: explainedBy(name, changes, whole, at) })).sort((a, b) => b.explained - a.explained)[0];
  const proved = shown !== undefined && shown.explained * 2 > changes.length;
  const [first] = candidates;
  const metric = asked.metric ?? (proved ? shown.name : first);
  if (metric === undefined) throw new BadTrace(`${file}:1 has no column of measurements between status and notes: name the metric's own column in the head`);
  const how = asked.metric !== null ? 'as asked' : proved ? `${shown.explained} of ${changes.length} changes are its differences` : 'from its place after status: no change proves it';

  const signs = changes.filter(({ row, change }) => at(row, 'status') === 'keep' && change !== 0 && numberIn(at(row, metric)) !== null).map(({ change }) => Math.sign(change));
  const fell = signs.filter((sign) => sign < 0).length;
  const direction = asked.direction ?? (signs.length > 0 && fell * 2 !== signs.length ? (fell * 2 > signs.length ? 'minimize' : 'maximize') : byDiscards(changes, at) ?? byName(metric));
  if (direction === null) throw new BadTrace(`${file} does not show which way ${metric} improves: say --direction minimize or --direction maximize`);
  const why = asked.direction !== null ? 'as asked' : signs.length > 0 ? `${direction === 'minimize' ? fell : signs.length - fell} of ${signs.length} keeps ${direction === 'minimize' ? 'fell' : 'rose'}` : byDiscards(changes, at) !== null ? 'what was discarded was worse' : 'by its name';
  return { metric, direction, own, grounds: `metric ${metric} (${how}), ${direction === 'minimize' ? 'minimized' : 'maximized'} (${why})` };
}

type Cell = (row: Line, name: string) => string;
interface Change { readonly row: Line; readonly change: number }

/** How many changes are a column's difference between a row and the row it was compared with (M1). */
function explainedBy(name: string, changes: readonly Change[], whole: readonly Line[], at: Cell): number {
  const scores = new Map<number, number>();
  for (const row of whole) {
    const id = ordinalIn(at(row, 'exp_id'));
    const score = numberIn(at(row, name));
    if (id !== null && score !== null && !scores.has(id)) scores.set(id, score); // an id that is used again is damage
  }
  return changes.filter(({ row, change }) => {
    const mine = numberIn(at(row, name));
    const theirs = scores.get(ordinalIn(at(row, 'baseline_exp')) ?? -1);
    return mine !== null && theirs !== undefined && Math.abs(mine - theirs - change) <= ROUNDING * Math.max(1, Math.abs(mine));
  }).length;
}

/** A discard is never better: its changes point the worse way (M3). */
function byDiscards(changes: readonly Change[], at: Cell): Direction | null {
  const signs = changes.filter(({ row, change }) => at(row, 'status') === 'discard' && change !== 0).map(({ change }) => Math.sign(change));
  const rose = signs.filter((sign) => sign > 0).length;
  return signs.length === 0 || rose * 2 === signs.length ? null : rose * 2 > signs.length ? 'minimize' : 'maximize';
}

/** Names that leave no doubt (M3). */
function byName(metric: string): Direction | null {
  if (/(^|_)(bpb|loss|perplexity|ppl|error|seconds|s)$/i.test(metric)) return 'minimize';
  return /(^|_)(accuracy|acc|core|core_metric|auc|reward|bleu)$/i.test(metric) ? 'maximize' : null;
}
