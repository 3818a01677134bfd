import { counted, decimal, duration, percent, signed } from '../figures.ts';
import { range } from '../leaderboard.ts';
import type { Status } from '../status.ts';
import type { Analysis } from './analysis.ts';
import { SHOWN } from './outcomes.ts';

/** One line of the table of runs side by side: what it is, and how each run stands. */
export interface Quantity { readonly name: string; readonly values: readonly string[] }

/** The runs side by side; a quantity that no run has is left out. */
export function quantities(analyses: readonly Analysis[]): Quantity[] {
  const line = (name: string, of: (analysis: Analysis) => string | null): Quantity[] => {
    const values = analyses.map((analysis) => of(analysis) ?? '');
    return values.every((value) => value === '') ? [] : [{ name, values }];
  };
  const share = (part: number, whole: number): string | null => (whole === 0 ? null : `${part} of ${whole} (${percent(part / whole, 1)})`);
  return [
    ...line('metric', ({ metric, direction }) => `${metric}, ${direction}d`),
    ...line('trials', ({ outcomes }) => counted(outcomes.trials)),
    ...SHOWN.flatMap((status) => line(status, ({ outcomes }) => (outcomes.counts[status] ? share(outcomes.counts[status] ?? 0, outcomes.trials) : null))),
    ...line('refused before a slot', ({ refused }) => (refused > 0 ? counted(refused) : null)), ...line('waiting', ({ waiting }) => (waiting > 0 ? counted(waiting) : null)),
    ...line('valid score', ({ outcomes }) => (outcomes.validShare === null ? null : percent(outcomes.validShare, 1))),
    ...line('baseline', ({ outcomes }) => (outcomes.baseline === null ? null : exact(outcomes.baseline))),
    ...line('best', ({ outcomes }) => (outcomes.best ? `${exact(outcomes.best.score)} (${outcomes.best.trial})` : 'the baseline stands')),
    ...line('change', ({ outcomes }) => (outcomes.delta === null ? null : `${trimmed(signed(outcomes.delta, 6))}${outcomes.relative === null ? '' : ` (${signed(outcomes.relative * 100, 2)}%)`}`)),
    ...line('final claim', ({ outcomes }) => (outcomes.claim === null ? null : `${signed(outcomes.claim.delta)}, 95% interval ${range(outcomes.claim.interval)}, ${outcomes.claim.n} fresh seeds each`)),
    ...line('training overruns', ({ outcomes }) => (outcomes.trainOverruns > 0 ? share(outcomes.trainOverruns, outcomes.trials) : null)),
    ...line('evaluation overruns', ({ outcomes }) => (outcomes.evalOverruns > 0 ? share(outcomes.evalOverruns, outcomes.trials) : null)),
    ...line('specialists with a keep', ({ edges }) => `${edges.specialistsWithKeep} of ${edges.specialists}`),
    ...line('cross-role parents', ({ edges }) => share(edges.parents.cross, edges.parents.all)),
    ...line('cross-role keeps', ({ edges }) => share(edges.keeps.cross, edges.keeps.all)),
    ...line('active parent heads', ({ edges }) => counted(edges.heads)),
    ...line('in the architecture domain', ({ edges }) => counted(edges.architecture)),
    ...line('hypotheses', ({ diversity }) => (diversity ? counted(diversity.hypotheses) : null)),
    ...line('clusters (cosine ≥ 0.30)', ({ diversity }) => (diversity ? counted(diversity.clusters) : null)),
    ...line('effective clusters', ({ diversity }) => (diversity ? decimal(diversity.effectiveClusters, 1) : null)),
    ...line('largest cluster', ({ diversity }) => (diversity ? percent(diversity.largestShare, 1) : null)),
    ...line('near duplicates (cosine ≥ 0.90)', ({ diversity }) => (diversity ? `${share(diversity.nearDuplicates, diversity.hypotheses) ?? ''}, ${diversity.nearDuplicatesAcrossRoles} across roles` : null)),
    ...line('trials an hour', ({ effort }) => (effort.perHour === null ? null : decimal(effort.perHour, 2))),
    ...line('from first ending to last', ({ effort }) => (effort.hours === null ? null : duration(effort.hours * 3600))),
    ...line('at once', ({ effort }) => counted(effort.width)),
    ...line('parallel efficiency η', ({ effort }) => (effort.efficiency === null ? null : `${decimal(effort.efficiency, 2)} against ${effort.alone?.from ?? ''}`)),
    ...line('slot-hours', ({ effort }) => (effort.timed === 0 ? null : `${decimal(effort.slotSeconds / 3600, 2)} over ${counted(effort.timed)} timed trials`)),
    ...line('slot-hours a keep', ({ effort }) => (effort.hoursPerKeep === null ? null : decimal(effort.hoursPerKeep, 2))),
    ...line('slot-hours per 1% gained', ({ effort }) => (effort.hoursPerPercent === null ? null : decimal(effort.hoursPerPercent, 2))),
    ...line('operator interventions', ({ interventions }) => (interventions === null ? 'not recorded' : counted(interventions))),
  ];
}

/** Outcomes of every specialist of a run as a table: its head, and a line a specialist. */
export function roleTable({ roles }: Analysis): string[][] {
  const present = SHOWN.filter((status) => roles.some(({ counts }) => counts[status]));
  return [['specialist', 'trials', ...present], ...roles.map(({ specialist, trials, counts }) => [specialist, String(trials), ...present.map((status: Status | 'damaged') => String(counts[status] ?? 0))])];
}

/** Compute by label as a table. */
export const labelTable = ({ effort }: Analysis): string[][] => [
  ['label', 'trials', 'slot-hours', 'of all'], ...effort.labels.map(({ label, trials, slotSeconds, share }) => [label, String(trials), decimal(slotSeconds / 3600, 2), percent(share, 1)]),
];

/** A score with the digits it was written with, six at most. */
const exact = (value: number): string => trimmed(decimal(value, 6));
const trimmed = (text: string): string => text.replace(/(\.\d{4}\d*?)0+$/, '$1');
