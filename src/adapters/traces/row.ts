import { oneLine, plural } from '../../domain/figures.ts';
import { BASELINE, TOKEN, trialId, type TrialId } from '../../domain/ids.ts';
import type { DamagedCell } from '../../domain/imported.ts';
import { STATUSES, type Status } from '../../domain/status.ts';
import { numberIn, ordinalIn, type Columns } from './columns.ts';
import type { Line } from './table.ts';

// One row of results.tsv, read strictly.
//
//   R1. A row whose cells cannot be told apart, or whose id, time, specialist, parent, status or any measured number cannot be read, is damaged: it has no ending.
//   R2. What an author typed freely (an expected change, a hypothesis, notes) damages only its own cell.
//   R3. The cells before leaked markup are where they were written; the cells after it are not.

/** A trial as its row tells it. */
export interface TraceRow {
  readonly line: number;
  readonly trial: TrialId;
  readonly number: number;
  /** Milliseconds; null where the trace has no times. */
  readonly at: number | null;
  readonly specialist: string;
  /** null for the baseline alone. */
  readonly parent: TrialId | null;
  /** The best it was compared with; null where the trace does not say. */
  readonly against: TrialId | null;
  readonly hypothesis: string;
  /** NaN is unknown. */
  readonly expectedDelta: number;
  readonly status: Status;
  readonly score: number | null;
  readonly delta: number | null;
  /** Every other number between status and notes. */
  readonly numbers: Readonly<Record<string, number>>;
  readonly notes: string;
}

/** Where a trial stands, as far as that can be read. */
export interface Place { readonly trial: TrialId; readonly specialist: string; readonly parent: TrialId; readonly at: number | null }

export type ReadRow =
  | { readonly kind: 'whole'; readonly row: TraceRow; readonly cells: readonly DamagedCell[]; readonly spelled: boolean; readonly elsewhere: boolean }
  | { readonly kind: 'damaged'; readonly trial: TrialId | null; readonly reason: string; readonly place: Place | null; readonly hypothesis: string };

/** Reads one row under a head. `used` are the ids of the rows before it. */
export function readRow(line: Line, head: readonly string[], columns: Columns, used: ReadonlyMap<number, number>): ReadRow {
  const markup = markupOf(head);
  const leak = line.cells.findIndex((cell) => markup.test(cell));
  const isWhole = line.cells.length === head.length;
  /** Cells that are surely in their column (R3). */
  const sure = isWhole ? head.length : leak < 0 ? 1 : leak;
  const cell = (name: string): string | null => { const i = head.indexOf(name); return i < 0 || i >= sure ? null : oneLine(line.cells[i] ?? ''); };
  const number = ordinalIn(cell('exp_id') ?? '');
  const trial = number === null ? null : trialId(number);
  const damaged = (reason: string): ReadRow => ({
    kind: 'damaged', trial: number !== null && used.has(number) ? null : trial, reason, hypothesis: line.cells[head.indexOf('hypothesis')] ?? '',
    place: number === null || used.has(number) ? null : placeOf(number, cell),
  });

  if (!isWhole) return damaged(`${plural(line.cells.length, 'cell')} of ${head.length}${leak < 0 ? '' : `; tool markup leaked into ${head[leak] ?? 'a cell'}`}`);
  if (number === null || trial === null) return damaged(`exp_id ${shown(cell('exp_id'))} is no id`);
  if (used.has(number)) return damaged(`exp_id ${number} was used on line ${used.get(number) ?? 0}`);
  const at = timeIn(cell('timestamp'));
  if (Number.isNaN(at)) return damaged(`timestamp ${shown(cell('timestamp'))} is no time`);
  const specialist = cell('specialist') ?? '';
  if (!TOKEN.test(specialist)) return damaged(`specialist ${shown(specialist)} is no name`);
  const status = STATUSES.find((one) => one === cell('status'));
  if (status === undefined) return damaged(`status ${shown(cell('status'))} is unknown`);
  const isRoot = trial === BASELINE;
  if (isRoot !== (status === 'baseline')) return damaged(isRoot ? `exp_id 0 is ${status}, not the baseline` : 'a second baseline');
  const parentNumber = ordinalIn(cell('parent_exp') ?? '');
  if (!isRoot && (parentNumber === null || parentNumber >= number)) return damaged(parentNumber === null ? `parent_exp ${shown(cell('parent_exp'))} is no id` : `parent_exp ${parentNumber} does not come before it`);

  const numbers: Record<string, number> = {};
  for (const name of columns.own) {
    const value = numberIn(cell(name) ?? '');
    if (value === null) continue;
    if (Number.isNaN(value) || (name !== columns.metric && name !== 'delta_vs_best' && impossible(name, value))) return damaged(`${name} ${shown(cell(name))} is no ${/_bytes$|^n_/.test(name) ? 'count' : 'measurement'}`);
    numbers[name] = value;
  }
  const { [columns.metric]: score = null, delta_vs_best: delta = null, ...others } = numbers;
  if (status === 'keep' && score === null) return damaged(`keep without ${columns.metric}`);

  const cells: DamagedCell[] = [];
  const note = (column: string, reason: string): void => { cells.push({ line: line.line, trial, column, reason, raw: line.cells[head.indexOf(column)] ?? '' }); };
  const expected = numberIn(cell('expected_delta') ?? '');
  if (Number.isNaN(expected)) note('expected_delta', `${shown(cell('expected_delta'))} is no number`); // R2
  for (const name of head) if (markup.test(line.cells[head.indexOf(name)] ?? '')) note(name, 'tool markup leaked into it'); // R2
  const against = ordinalIn(cell('baseline_exp') ?? '');
  return {
    kind: 'whole', cells, elsewhere: cell('domain') !== null && cell('domain') !== specialist, spelled: ['exp_id', 'parent_exp', 'baseline_exp'].some((name) => /^exp/i.test(cell(name) ?? '')),
    row: {
      line: line.line, trial, number, at, specialist, parent: isRoot || parentNumber === null ? null : trialId(parentNumber), against: against === null ? null : trialId(against),
      hypothesis: cell('hypothesis') ?? '', expectedDelta: expected ?? NaN, status, score, delta, numbers: others, notes: cell('notes') ?? '',
    },
  };
}

/** The place that the sure cells of a damaged row tell; null when one of them cannot be read either. */
function placeOf(number: number, cell: (name: string) => string | null): Place | null {
  const specialist = cell('specialist') ?? '';
  const parent = ordinalIn(cell('parent_exp') ?? '');
  const at = timeIn(cell('timestamp'));
  if (!TOKEN.test(specialist) || parent === null || parent >= number) return null;
  return { trial: trialId(number), specialist, parent: trialId(parent), at: at === null || Number.isNaN(at) ? null : at };
}

/** Tags by which models call tools, and the closing tags of the columns themselves. */
const markupOf = (head: readonly string[]): RegExp => new RegExp(`</?(?:\\w+:)?(?:parameter|invoke|function|function_calls|tool_call|tool_use|tool_result)\\b[^>]*>|</(?:${head.map((name) => name.replace(/\W/g, '\\$&')).join('|')})>`, 'i');

/** Milliseconds of an ISO time; null where there is no such column, NaN where it cannot be read. */
function timeIn(cell: string | null): number | null {
  if (cell === null) return null;
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(cell) ? Date.parse(cell) : NaN;
}

const impossible = (name: string, value: number): boolean => (/_bytes$|^n_/.test(name) ? !Number.isInteger(value) || value < 0 : /_s$/.test(name) && value < 0);

/** A cell as a message quotes it: short, and unable to drive a terminal. */
const shown = (cell: string | null): string => (cell === null ? 'missing' : `"${cell.length > 40 ? `${[...cell].slice(0, 40).join('')}…` : cell}"`);
