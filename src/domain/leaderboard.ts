import { describeEnding } from './evidence.ts';
import { counted, decimal, duration, oneLine, percent, plural, probability, signed } from './figures.ts';
import { BASELINE } from './ids.ts';
import { deltaInterval } from './interval.ts';
import { best, statusOf, type Lineage, type TrialRow } from './lineage.ts';
import { gain } from './objective.ts';
import { scoreOn } from './purpose.ts';
import { isValid } from './status.ts';
import { summarize, type Summary } from './summary.ts';
import { byline, endedRows } from './tables.ts';

/** Scored trials, best first: keeps in the order they were kept, so that a lucky screening never leads, the others as they would read on search data. */
export function ranked(lineage: Lineage): TrialRow[] {
  const objective = lineage.started?.objective;
  const order = lineage.bests.map(({ trial }) => trial);
  const rows = endedRows(lineage).filter((row) => { const status = statusOf(row); return status !== null && isValid(status) && typeof row.result?.score === 'number'; });
  return rows.sort((a, b) => {
    const byKeep = order.indexOf(b.trial) - order.indexOf(a.trial);
    if (byKeep !== 0) return byKeep;
    return objective ? gain(objective, scoreOn(lineage, b, 'search') ?? 0, scoreOn(lineage, a, 'search') ?? 0) : 0;
  });
}

/** How scores of a run may be set side by side; null where all of them are of one kind. */
export function comparability({ baseline, metric }: Summary): string | null {
  if (baseline.beside === null || baseline.score === null) return null;
  return `A screened trial's ${metric} is on search data, where the baseline has ${decimal(baseline.score)}; that of one measured on more seeds is on confirmation data, where the baseline has ${decimal(baseline.beside.score)}. Δ best is always between two scores on the same data.`;
}

/** LEADERBOARD.md: where the run stands and its best trials. */
export function leaderboard(run: string, lineage: Lineage, top = 20): string {
  const summary = summarize(run, lineage);
  const rows = ranked(lineage).slice(0, top).map((row, i) => [
    String(i + 1), row.trial === best(lineage)?.trial ? `**${row.trial}**` : row.trial, byline(row), statusOf(row) ?? '', score(row.result?.score ?? null),
    row.trial === BASELINE ? '' : change(lineage, row), describeEnding(row), row.proposal.hypothesis,
  ]);
  return [
    `# ${run}`, '', headline(summary), '',
    ...markdownTable(['', 'trial', 'specialist', 'status', summary.metric, 'Δ best', 'evidence', 'hypothesis'], rows), '',
    ...(comparability(summary) === null ? [] : [comparability(summary) ?? '', '']), `${tallyLine(summary)}.`, '',
  ].join('\n');
}

/** What was gained and how surely, in one sentence. */
export function headline(summary: Summary): string {
  const { baseline, best: head, claim, metric } = summary;
  if (baseline.score === null || head.score === null) return `No ${metric} has been measured yet.`;
  if (head.delta === null || head.from === null) return `The baseline stands: ${metric} ${decimal(baseline.score)}${baseline.sd === null ? '' : ` ± ${decimal(baseline.sd)}`}.`;
  if (!claim) return `${metric} ${decimal(head.from)} → ${decimal(head.score)} (${head.trial}, ${signed(head.delta)}, ${relative(head.delta, head.from)})${summary.interventions === null ? '' : '; the final claim has not been made'}.`; // nobody will make one of an imported run
  return `${metric} ${decimal(claim.baselineMean)} → ${decimal(claim.bestMean)} (${head.trial}, ${signed(claim.delta)}, ${relative(claim.delta, claim.baselineMean)}; 95% interval ${range(claim.interval)}, p ${probability(claim.p)}, ${claim.n} fresh seeds each${claim.scoreSource === 'recipe' ? `, ${measuredOn(claim)}` : ''}).`;
}

/** What a final claim was measured on. A recipe that scores itself has seen what it scores itself on, for all anybody knows. */
export const measuredOn = ({ scoreSource }: NonNullable<Summary['claim']>): string => (scoreSource === 'recipe' ? 'by its own word' : 'unseen data');

/** Counts of a run, in one line. */
export const tallyLine = (summary: Summary): string => [
  plural(summary.keeps, 'keep'), plural(summary.discards, 'discard'), `${plural(summary.failures, 'failure')} of ${plural(summary.trials, 'trial')}`,
  ...(summary.rejected > 0 ? [`${summary.rejected} refused before a slot`] : []), ...(summary.damaged > 0 ? [`${plural(summary.damaged, 'row')} damaged`] : []),
  `${duration(summary.wallSeconds)}`, `${counted(summary.slotSeconds)} slot-seconds${summary.busyShare === null ? '' : `, slots ${percent(summary.busyShare)} busy`}`,
].join(', ');

/** A change as a signed percentage of where it started. */
export const relative = (delta: number, from: number): string => `${signed((delta / Math.abs(from)) * 100, 1)}%`;

/** An interval in signed numbers. */
export const range = ([low, high]: readonly [number, number], digits = 4): string => `${signed(low, digits)} … ${signed(high, digits)}`;

/** A trial's change against its best with its interval where there is one. */
export function change(lineage: Lineage, row: TrialRow): string {
  const delta = row.result?.deltaVsBest ?? null;
  const interval = deltaInterval(lineage, row);
  return delta === null ? '' : `${signed(delta)}${interval ? ` (${range(interval)})` : ''}`;
}

/** Rows as a Markdown table; a `|` in a cell cannot end it. */
export const markdownTable = (head: readonly string[], rows: readonly (readonly string[])[]): string[] =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map((cell) => oneLine(cell).replace(/[\\|]/g, '\\$&').replace(/</g, '&lt;')).join(' | ')} |`);

const score = (value: number | null): string => (value === null ? '' : decimal(value));
