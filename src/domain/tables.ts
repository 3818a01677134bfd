import type { BlobHash, TrialId } from './ids.ts';
import { BASELINE } from './ids.ts';
import { bylineOf } from './authors.ts';
import { describeEnding } from './evidence.ts';
import { oneLine } from './figures.ts';
import { best, statusOf, type Lineage, type TrialRow } from './lineage.ts';
import type { Measurement } from './measurement.ts';
import { isValid } from './status.ts';

// The tables a run leaves behind, in the columns of the reference, so that its tools and ours read each other.
//
//   B1. An unknown value is an empty cell, never a zero.
//   B2. One trial is one line: tabs and line breaks inside a text become spaces.
//   B3. A cell of results.tsv with a quotation mark is quoted and its marks doubled, as the reference's reader expects; tree.tsv is never quoted.

/** Columns between `status` and `job_name` when a surface names none: those of Parameter Golf. */
export const defaultColumns = (metric: string): readonly string[] => [metric, 'delta_vs_best', 'artifact_bytes', 'train_s', 'eval_s', 'total_s'];

const BEFORE = ['exp_id', 'timestamp', 'specialist', 'parent_exp', 'baseline_exp', 'domain', 'hypothesis', 'expected_delta', 'status'] as const;
const AFTER = ['job_name', 'snapshot_path', 'notes'] as const;

/** The reference's name of a trial: three digits, `007` for t0007. */
export const experimentId = (trial: TrialId): string => trial.replace(/^t0*(?=\d)/, '').padStart(3, '0');

/** Trials that have ended, in the order of their numbers: these are the rows of every table. */
export const endedRows = (lineage: Lineage): TrialRow[] =>
  [...lineage.trials.values()].filter((row) => statusOf(row) !== null).sort((a, b) => a.number - b.number);

/** A surface's columns with the change against the best among them: after the metric where the surface does not place it. */
function withDelta(columns: readonly string[], metric: string): readonly string[] {
  if (columns.includes('delta_vs_best')) return columns;
  const place = columns.indexOf(metric) + 1;
  return [...columns.slice(0, place), 'delta_vs_best', ...columns.slice(place)];
}

/** Where a kept recipe lies, relative to the run's folder; empty for a trial that was not kept. */
export const snapshotPath = (row: TrialRow): string =>
  (row.result?.status === 'keep' || row.result?.status === 'baseline' ? `snapshots/${experimentId(row.trial)}_${owner(row)}` : '');

/** results.tsv: one line a trial, with the surface's own columns between status and job name. */
export function resultsTable(run: string, lineage: Lineage, own: readonly string[]): string {
  const columns = withDelta(own, lineage.started?.objective.metric ?? '');
  const lines = endedRows(lineage).map((row) => {
    const isRoot = row.trial === BASELINE;
    const fixed = [
      experimentId(row.trial), timestamp(row), owner(row), isRoot ? '' : experimentId(row.proposal.parent),
      isRoot ? '' : experimentId(row.result?.judgedAgainst ?? bestAt(lineage, row)), owner(row), row.proposal.hypothesis,
      isRoot ? '0' : asText(row.proposal.expectedDelta), statusOf(row) ?? '',
    ];
    return [...fixed, ...columns.map((column) => cell(row, column, lineage)), row.result && lineage.imported === null ? `${run}-${row.trial}` : '', lineage.imported && isRoot ? '' : snapshotPath(row), notes(row, lineage)];
  });
  return table([[...BEFORE, ...columns, ...AFTER], ...lines.map((cells) => cells.map((text) => quoted(oneLine(text))))]);
}

/** tree.tsv: the same trials in preorder, each with its path from the baseline. */
export function treeTable(lineage: Lineage): string {
  const metric = lineage.started?.objective.metric ?? 'score';
  const path: string[] = [];
  const lines = preorder(lineage, () => true).flatMap(({ row, depth }) => {
    path.splice(depth, Infinity, experimentId(row.trial));
    return statusOf(row) === null ? [] : [[
      experimentId(row.trial), row.trial === BASELINE ? '' : experimentId(row.proposal.parent), String(depth), path.join('/'),
      owner(row), statusOf(row) ?? '', cell(row, metric, lineage), cell(row, 'delta_vs_best', lineage), row.proposal.hypothesis,
    ]];
  });
  return table([['exp_id', 'parent_exp', 'depth', 'path', 'specialist', 'status', metric, 'delta_vs_best', 'hypothesis'], ...lines]);
}

/** A trial's place in the tree. */
export interface TreeNode { readonly row: TrialRow; readonly depth: number; readonly isLast: boolean }

/** The lineage in preorder, children by number; without recursion, because a chain may be ten thousand deep. What stands on a trial nobody knows follows as roots of its own. */
export function preorder(lineage: Lineage, includes: (row: TrialRow) => boolean = (row) => statusOf(row) !== null): TreeNode[] {
  const nodes: TreeNode[] = [];
  const root = lineage.trials.get(BASELINE);
  const orphans = [...lineage.children].flatMap(([parent, children]) => (lineage.trials.has(parent) ? [] : children)).flatMap((id) => lineage.trials.get(id) ?? []).sort((a, b) => b.number - a.number);
  const waiting: TreeNode[] = [...orphans, ...(root ? [root] : [])].map((row) => ({ row, depth: 0, isLast: true }));
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (includes(node.row)) nodes.push(node);
    const depth = node.depth + 1;
    const children = (lineage.children.get(node.row.trial) ?? []).flatMap((id) => lineage.trials.get(id) ?? []).sort((a, b) => b.number - a.number);
    children.forEach((row, i) => waiting.push({ row, depth, isLast: i === 0 }));
  }
  return nodes;
}

/** trials.jsonl: everything the journal says of each trial, one JSON object a line; waiting trials too. */
export const trialsJsonLines = (run: string, lineage: Lineage): string =>
  [...lineage.trials.values()].sort((a, b) => a.number - b.number).map((row) => `${JSON.stringify(trialObject(run, lineage, row))}\n`).join('');

/** One trial as an object for machines: the row, its status in words, and its replicates in order. */
export function trialObject(run: string, lineage: Lineage, row: TrialRow): Readonly<Record<string, unknown>> {
  const { replicates, seq, ...rest } = row;
  return { run, surface: lineage.started?.surface ?? null, ...rest, status: statusOf(row), evidence: describeEnding(row) || null, replicates: [...replicates.values()], seq };
}

function cell(row: TrialRow, column: string, lineage: Lineage): string {
  const result = row.result;
  if (!result) return ''; // B1
  if (column === lineage.started?.objective.metric) return six(result.score);
  if (column === 'delta_vs_best') return result.status !== 'baseline' && isValid(result.status) ? six(result.deltaVsBest, true) : '';
  if (column === 'artifact_bytes') return result.artifactBytes === null ? '' : String(result.artifactBytes);
  if (column === 'n_seeds') return String(result.n);
  if (column === 'total_s') return six(meanMetric(row, column) ?? (result.phases.length === 0 ? null : result.phases.reduce((sum, phase) => sum + phase.wallSeconds, 0)));
  const phase = result.phases.find(({ name }) => `${name}_s` === column);
  return six(phase ? phase.seconds : meanMetric(row, column));
}

/** A metric of the evaluator's own, averaged over the replicates that measured it. */
function meanMetric(row: TrialRow, name: string): number | null {
  const values = measurements(row).flatMap(({ metrics }) => (Object.hasOwn(metrics, name) ? [metrics[name] ?? NaN] : []));
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

const measurements = (row: TrialRow): Measurement[] => [...row.replicates.values()].flatMap(({ measured }) => (measured ? [measured.measurement] : []));

/** Logs of a trial's replicates, in the order they were measured. */
export const logsOf = (row: TrialRow): { readonly replicate: string; readonly attempt: number; readonly node: string; readonly log: BlobHash }[] =>
  [...row.replicates.values()].flatMap(({ replicate, measured }) => (measured?.measurement.log ? [{ replicate, attempt: measured.attempt, node: measured.node, log: measured.measurement.log, seq: measured.seq }] : []))
    .sort((a, b) => a.seq - b.seq);

/** Who proposed a row, as the tables say it: the root belongs to nobody. */
export const owner = (row: TrialRow): string => (row.trial === BASELINE ? 'baseline' : row.proposal.specialist);

/** Everybody whose name is on a row: of a joint trial, who proposed it and who drafted it. */
export const byline = (row: TrialRow): string => (row.trial === BASELINE ? 'baseline' : bylineOf(row.proposal));

function bestAt(lineage: Lineage, row: TrialRow): TrialId {
  const standing = lineage.bests.filter(({ judgedAt }) => judgedAt < row.admittedSeq).at(-1);
  return (standing ?? best(lineage))?.trial ?? BASELINE;
}

const timestamp = (row: TrialRow): string => (row.endedAt === 0 ? '' : new Date(row.endedAt ?? row.admittedAt).toISOString().replace(/\.\d+Z$/, 'Z'));
const six = (value: number | null, withSign = false): string => (value === null || !Number.isFinite(value) ? '' : `${withSign && !(value < 0) ? '+' : ''}${value.toFixed(6)}`);
const asText = (value: number): string => (Number.isNaN(value) ? '' : `${value > 0 ? '+' : ''}${Math.abs(value) < 1e-6 && value !== 0 ? value.toFixed(12).replace(/0+$/, '') : String(Number(value.toPrecision(6)))}`);

const notes = (row: TrialRow, lineage: Lineage): string => {
  if (lineage.imported) return row.result?.why ?? '';
  const { joint, proposer: { kind, strategy } } = row.proposal;
  return row.trial === BASELINE ? describeEnding(row) : `${describeEnding(row)} | ${kind}:${strategy}${joint === undefined ? '' : ` | drafted by ${joint.with}`}`;
};

/** A cell as a reader of quoted tables takes it (B3). */
const quoted = (cell: string): string => (cell.includes('"') ? `"${cell.replaceAll('"', '""')}"` : cell);

const table = (lines: readonly (readonly string[])[]): string => lines.map((cells) => `${cells.map(oneLine).join('\t')}\n`).join(''); // B2
