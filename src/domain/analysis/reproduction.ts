import type { RunClaimed } from '../fact.ts';
import { BASELINE, type TrialId } from '../ids.ts';
import { statusOf, type Lineage, type TrialRow } from '../lineage.ts';
import { pooledSd, sample, studentQuantile, type Sample } from '../noise.ts';
import { baselineBeside, scoredFor, scoreOn } from '../purpose.ts';
import { isValid, type Status } from '../status.ts';

// Whether a run that was replayed came out as it had.
//
//   R1. Two scores of a trial are compared on one kind of data, and, where the devices differ, as changes from each run's own baseline.
//   R2. They agree when noise explains their difference: Student's interval with the spread pooled over both runs, 95% for all trials together (Bonferroni).
//   R3. Kept or discarded is a judgement on the best of its moment, which is measured again too: where the scores agree and the judgements do not, both were
//       lucky or unlucky, and the trial is only said to be judged otherwise. Any other ending that differs, differs.
//   R4. A trial that our own fault or a dead node kept from being measured neither agrees nor differs.
//   R5. A replay takes no more once its last trial is in: what was refused after that is not made again, and says nothing against it.

/** How one trial came out, the first time and again. */
export interface Repeated {
  readonly trial: TrialId;
  readonly specialist: string;
  readonly before: { readonly status: Status | null; readonly score: number | null };
  readonly again: { readonly status: Status | null; readonly score: number | null };
  /** On one kind of data; null without two scores. */
  readonly difference: number | null;
  /** What noise explains. */
  readonly bound: number | null;
  readonly verdict: 'agrees' | 'judged otherwise' | 'differs' | 'not measured';
  readonly why: string;
}

/** A whole replay against what it replays. */
export interface Reproduction {
  readonly trials: readonly Repeated[];
  /** Spread of one measurement over both runs; 0 where nobody knows. */
  readonly sd: number;
  readonly isOnOtherDevice: boolean;
  readonly claim: { readonly before: RunClaimed | null; readonly again: RunClaimed | null; readonly difference: number | null; readonly bound: number | null; readonly agrees: boolean | null };
  /** Every trial agrees or was only judged otherwise, and the claims agree where both were made. */
  readonly holds: boolean;
}

const ALL_TOGETHER = 0.05;

/** Compares a replay with the run it replays, trial by trial. */
export function reproduction(before: Lineage, again: Lineage): Reproduction {
  const isOnOtherDevice = before.calibration?.device !== again.calibration?.device || before.calibration?.environmentHash !== again.calibration?.environmentHash;
  const groups = [before, again].flatMap(samplesOf);
  const [sd, freedom] = [pooledSd(groups), groups.reduce((sum, { n }) => sum + Math.max(0, n - 1), 0)];
  const rows = [...before.trials.values()].filter(({ trial }) => trial !== BASELINE).sort((a, b) => a.number - b.number);
  const pairs = rows.map((row) => ({ row, other: again.trials.get(row.trial) ?? null }));
  const last = Math.max(0, ...rows.flatMap(({ number, rejection }) => (rejection === null ? [number] : [])));
  const beyond = new Set(pairs.flatMap(({ row, other }) => (other === null && row.number > last ? [row.trial] : []))); // R5
  const compared = pairs.map(({ row, other }) => (other === null ? null : scoresOf(before, row, again, other, isOnOtherDevice)));
  const count = compared.filter((one) => one !== null).length;
  const reach = freedom === 0 || count === 0 ? 0 : studentQuantile(1 - ALL_TOGETHER / (2 * count), freedom) * sd; // R2
  const trials = pairs.map(({ row, other }, i): Repeated => {
    const scores = compared[i] ?? null;
    const [difference, bound] = scores === null ? [null, null] : [scores.again - scores.before, reach * Math.sqrt(scores.variance)];
    const said = { trial: row.trial, specialist: row.proposal.specialist, before: told(row), again: other === null ? { status: null, score: null } : told(other), difference, bound };
    if (beyond.has(row.trial)) return { ...said, verdict: 'not measured', why: 'refused after the last trial, where a replay ends' };
    return { ...said, ...judge(row, other, difference === null || bound === null ? null : Math.abs(difference) <= bound + 1e-12) };
  });
  const claim = claims(before.claim, again.claim);
  return { trials, sd, isOnOtherDevice, claim, holds: claim.agrees !== false && trials.every(({ trial, verdict }) => verdict === 'agrees' || verdict === 'judged otherwise' || beyond.has(trial)) };
}

const told = (row: TrialRow): Repeated['before'] => ({ status: statusOf(row), score: row.result?.score ?? null });

function judge(row: TrialRow, other: TrialRow | null, isWithin: boolean | null): Pick<Repeated, 'verdict' | 'why'> {
  const [was, is] = [statusOf(row), other && statusOf(other)];
  const differs = (why: string): Pick<Repeated, 'verdict' | 'why'> => ({ verdict: 'differs', why });
  if (other === null) return { verdict: 'not measured', why: 'it was not proposed again' };
  if (was === null) return { verdict: 'agrees', why: 'it had no result to compare with' };
  if (is === null) return { verdict: 'not measured', why: 'it has no result' };
  if (row.snapshot !== null && other.snapshot !== null && row.snapshot !== other.snapshot) return differs('its recipe is another');
  if (isOurs(was) || isOurs(is)) return { verdict: 'not measured', why: isOurs(is) ? is : `had been ${was}` }; // R4
  if (was === 'rejected' && is === 'rejected') return row.rejection?.rule === other.rejection?.rule ? { verdict: 'agrees', why: `refused again: ${row.rejection?.rule ?? ''}` } : differs(`refused for ${other.rejection?.rule ?? ''}, had been for ${row.rejection?.rule ?? ''}`);
  if (was === 'rejected' || is === 'rejected') return differs(is === 'rejected' ? `refused: ${other.rejection?.message ?? ''}` : `had been refused: ${row.rejection?.message ?? ''}`);
  if (isWithin === false) return differs('more than noise explains');
  if (was === is) return { verdict: 'agrees', why: isWithin === null ? 'ended alike' : 'within noise' };
  return isValid(was) && isValid(is) ? { verdict: 'judged otherwise', why: `${was} became ${is}, within noise` } : differs(`${was} became ${is}`); // R3
}

const isOurs = (status: Status): boolean => status === 'lost' || status === 'harness_abort';

/** Two scores that may be set side by side, and the variance of their difference in units of one measurement's (R1). */
function scoresOf(before: Lineage, row: TrialRow, again: Lineage, other: TrialRow, isOnOtherDevice: boolean): { before: number; again: number; variance: number } | null {
  const [a, b] = [row.result, other.result];
  if (a?.score == null || b?.score == null) return null;
  const purpose = scoredFor(row) === scoredFor(other) ? scoredFor(row) : 'search';
  const one = scoreOn(before, row, purpose);
  const two = scoreOn(again, other, purpose);
  if (one === null || two === null) return null;
  const shift = (lineage: Lineage, of: TrialRow): number => (scoredFor(of) === purpose ? 0 : 1 / Math.max(1, baselineBeside(lineage)?.n ?? 1) + 1 / Math.max(1, lineage.calibration?.measurements.length ?? 1));
  const variance = 1 / Math.max(1, a.n) + 1 / Math.max(1, b.n) + shift(before, row) + shift(again, other);
  if (!isOnOtherDevice) return { before: one, again: two, variance };
  const [from, to] = [before, again].map((lineage) => (purpose === 'confirm' ? baselineBeside(lineage) : baselineOf(lineage)));
  return !from || !to || from.n === 0 || to.n === 0 ? null : { before: one - from.mean, again: two - to.mean, variance: variance + 1 / from.n + 1 / to.n };
}

const baselineOf = ({ calibration }: Lineage): Sample => sample(calibration?.measurements.flatMap(({ failure, score }) => (failure === null && score !== null ? [score] : [])) ?? []);

/** Everything a run measured several times over. */
const samplesOf = (lineage: Lineage): Sample[] => [baselineOf(lineage), ...lineage.confirmed.map((trial) => sample([...(lineage.trials.get(trial)?.replicates.values() ?? [])].flatMap(({ measured, attempts }) =>
  (measured && attempts[measured.attempt - 1]?.lease.purpose === 'confirm' && measured.measurement.failure === null && measured.measurement.score !== null ? [measured.measurement.score] : []))))];

/** Two claims agree when their difference is within both intervals together. */
function claims(before: RunClaimed | null, again: RunClaimed | null): Reproduction['claim'] {
  if (before === null || again === null) return { before, again, difference: null, bound: null, agrees: null };
  const half = ({ interval: [low, high] }: RunClaimed): number => (high - low) / 2;
  const [difference, bound] = [again.delta - before.delta, Math.hypot(half(before), half(again))];
  return { before, again, difference, bound, agrees: Math.abs(difference) <= bound + 1e-12 };
}
