import { describeEnding } from './evidence.ts';
import { duration, oneLine, plural, signed } from './figures.ts';
import { BASELINE } from './ids.ts';
import { change, headline } from './leaderboard.ts';
import { statusOf, type Lineage, type TrialRow } from './lineage.ts';
import type { Failure } from './measurement.ts';
import { gain } from './objective.ts';
import { isShownToSpecialists } from './status.ts';
import { slotSecondsOf, summarize } from './summary.ts';
import { endedRows, owner } from './tables.ts';

/** KNOWLEDGE.md: what worked, and what did not and by how much, so that nobody has to pay for it again. Near misses come first. */
export function knowledge(run: string, lineage: Lineage): string {
  const rows = endedRows(lineage).filter((row) => row.trial !== BASELINE && isShownToSpecialists(statusOf(row) ?? 'lost'));
  const specialists = [...new Set([...(lineage.started?.roster ?? []), ...rows.map(owner)])];
  return [`# What ${run} learnt`, '', headline(summarize(run, lineage)), '', ...specialists.flatMap((name) => section(name, lineage, rows.filter((row) => owner(row) === name)))].join('\n');
}

function section(specialist: string, lineage: Lineage, rows: readonly TrialRow[]): string[] {
  if (rows.length === 0) return [];
  const of = (...statuses: string[]): TrialRow[] => rows.filter((row) => statuses.includes(statusOf(row) ?? ''));
  const failed = rows.filter((row) => !['keep', 'discard', 'rejected'].includes(statusOf(row) ?? ''));
  const objective = lineage.started?.objective;
  const loss = (row: TrialRow): number => (objective && row.result?.deltaVsBest != null ? -gain(objective, row.result.deltaVsBest, 0) : Infinity);
  return [
    `## ${specialist}`, '',
    ...list('What worked', of('keep').sort((a, b) => loss(a) - loss(b)), (row) => change(lineage, row)),
    ...list('What failed, near misses first', failed.sort((a, b) => shortfall(a.result?.failure ?? null) - shortfall(b.result?.failure ?? null)),
      (row) => `${statusOf(row) ?? ''}, ${describeEnding(row)}${row.result?.score == null ? '' : `, scored ${row.result.score.toFixed(4)}`}; cost ${duration(slotSecondsOf(row))}`),
    ...list('What did not pay, nearest first', of('discard').sort((a, b) => loss(a) - loss(b)), (row) => `${row.result?.deltaVsBest == null ? '' : `${signed(row.result.deltaVsBest)}, `}${describeEnding(row)}`),
    ...list('What was refused before a slot', of('rejected'), describeEnding),
    ...calibration(rows, lineage),
  ];
}

const list = (title: string, rows: readonly TrialRow[], says: (row: TrialRow) => string): string[] =>
  (rows.length === 0 ? [] : [`### ${title}`, '', ...rows.map((row) => `- ${row.trial}: ${escape(row.proposal.hypothesis)} (${escape(says(row))})`), '']);

/** How far a specialist's predictions were from what was measured. */
function calibration(rows: readonly TrialRow[], lineage: Lineage): string[] {
  const objective = lineage.started?.objective;
  const measured = rows.filter((row) => row.result?.deltaVsBest != null && ['keep', 'discard'].includes(row.result.status) && Number.isFinite(row.proposal.expectedDelta));
  if (!objective || measured.length === 0) return [];
  const mean = (of: (row: TrialRow) => number): number => measured.reduce((sum, row) => sum + of(row), 0) / measured.length;
  return [`Predicted ${signed(mean((row) => row.proposal.expectedDelta))} on average over ${plural(measured.length, 'scored trial')}, measured ${signed(mean((row) => row.result?.deltaVsBest ?? 0))}.`, ''];
}

/** How far a failure was from passing, as a share of its limit; Infinity where there is no limit to miss. */
export function shortfall(failure: Failure | null): number {
  switch (failure?.kind) {
    case 'size_blocked': return (failure.bytes - failure.cap) / failure.cap;
    case 'train_budget_overrun':
    case 'eval_budget_overrun': return (failure.seconds - failure.budget) / failure.budget + (failure.censored ? 1 : 0);
    case 'disqualified': return Math.abs(failure.deficit / (failure.limit || 1));
    case 'crash': case 'preflight_crash': case 'tampered': case 'harness_abort': case undefined: return Infinity;
    default: return failure satisfies never;
  }
}

const escape = (text: string): string => oneLine(text).replace(/[\\`*_[\]]/g, '\\$&').replace(/</g, '&lt;');
