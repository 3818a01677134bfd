import type { KeepRule, RunClaimed } from '../../domain/fact.ts';
import { BASELINE, type TrialId } from '../../domain/ids.ts';
import { best, MAX_ATTEMPTS, type Lineage, type TrialRow } from '../../domain/lineage.ts';
import type { Failure, Purpose } from '../../domain/measurement.ts';
import type { Need, Wanted } from '../../domain/need.ts';
import { pooledSd, sample, welch, type Sample } from '../../domain/noise.ts';
import { gain, type Objective } from '../../domain/objective.ts';
import { STATUSES, type Status } from '../../domain/status.ts';
import type { TrialResult } from '../../domain/trial.ts';

// What a trial needs next, and how it ends. Pure: the same lineage always yields the same answer, which is how a stored status is proved.
//
//   J1. One screening replicate can only discard. A keep under `confirmed` needs fresh seeds on both sides and Welch's test.
//   J2. A failure outranks a score; of several failures the first in the order of STATUSES is the status.
//   J3. Search, confirm and final replicates are never mixed in one mean: they are drawn from different text.
//   J4. A confirmation that is not ahead after two seeds is given up: this can only discard.
//   J5. Where the objective says so, the replicates of one confirmation serve no other: what they measure may have drifted since. An incumbent's are
//       its contender's alone, and a contender that another was kept before is measured again beside that one.
//   J6. What is a best already is not judged again, by whichever broker reads it before its result: that result was decided with it.

const LETTER: Readonly<Record<Purpose, string>> = { search: 's', confirm: 'c', final: 'f' };
/** An incumbent's replicate can fail by bad luck; this many spares are tried before the comparison is given up. */
const SPARES = 3;

/** What `row` needs now, judged by the lineage as it stands. */
export function weigh(lineage: Lineage, row: TrialRow): Need {
  const started = lineage.started;
  if (!started) throw new Error('a trial cannot be weighed before its run has started');
  if (lineage.bests.some(({ trial }) => trial === row.trial)) return { kind: 'measure', wanted: [] }; // J6
  if (row.trial === BASELINE) return weighBaseline(lineage, row, started.calibrationReplicates);
  const screening = collect(row, 'search', 1);
  if (screening.ending) return end(lineage, row, { ...screening.ending, sample: screening.sample, why: 'screening run' });
  if (screening.wanted.length > 0) return { kind: 'measure', wanted: screening.wanted };
  const incumbent = best(lineage);
  if (!incumbent) return { kind: 'measure', wanted: [] };
  const expected = expectedSearchScore(lineage, incumbent.trial);
  const ahead = expected === null ? Infinity : gain(started.objective, screening.sample.mean, expected);
  const delta = expected === null ? null : screening.sample.mean - expected;
  if (ahead <= 0) return end(lineage, row, { status: 'discard', failure: null, sample: screening.sample, delta, why: 'screened' });
  if (started.keep.kind === 'strict') return end(lineage, row, { status: 'keep', failure: null, sample: screening.sample, delta, why: 'strict' });
  return confirm(lineage, row, incumbent.trial, started.keep, started.objective);
}

function confirm(lineage: Lineage, row: TrialRow, incumbentId: TrialId, keep: KeepRule, objective: Objective): Need {
  const incumbent = lineage.trials.get(incumbentId);
  const begun = row.replicates.get(`${LETTER.confirm}1`)?.attempts[0]?.seq ?? Infinity;
  const isAnew = objective.confirm === 'fresh' && incumbent !== undefined && begun < (incumbent.result === null ? 0 : incumbent.seq); // J5
  const mine = collect(row, 'confirm', keep.replicates, isAnew ? incumbent : null);
  if (mine.ending) return end(lineage, row, { ...mine.ending, sample: mine.sample, delta: null, why: 'confirmation run' });
  const unscored = best(lineage)?.score === null;
  const theirs = incumbent && !unscored ? collectScored(incumbent, 'confirm', keep.replicates, { beside: objective.confirm === 'fresh' ? row : null }) : null; // J5
  if (theirs && mine.sample.n >= 2 && theirs.sample.n >= 2 && gain(objective, mine.sample.mean, theirs.sample.mean) <= 0) { // J4
    const why = mine.sample.n < keep.replicates ? `futile after ${mine.sample.n} seeds` : 'not better on fresh seeds';
    return end(lineage, row, { status: 'discard', failure: null, sample: mine.sample, delta: mine.sample.mean - theirs.sample.mean, why });
  }
  const wanted = interleave(mine.wanted, theirs?.wanted ?? []);
  if (mine.sample.n < keep.replicates || (theirs && theirs.wanted.length > 0)) return { kind: 'measure', wanted };
  if (!theirs) return end(lineage, row, { status: 'keep', failure: null, sample: mine.sample, delta: null, why: 'first to pass' });
  if (theirs.sample.n < 2) return end(lineage, row, { status: 'discard', failure: null, sample: mine.sample, delta: null, why: 'the incumbent could not be measured' });
  const test = welch(towardsMinimum(objective, mine.sample), towardsMinimum(objective, theirs.sample), runSd(lineage));
  const delta = mine.sample.mean - theirs.sample.mean;
  return test.p < keep.alpha // J1
    ? end(lineage, row, { status: 'keep', failure: null, sample: mine.sample, delta, p: test.p, why: 'confirmed' })
    : end(lineage, row, { status: 'discard', failure: null, sample: mine.sample, delta, p: test.p, why: `not sure enough on ${mine.sample.n} seeds` });
}

function weighBaseline(lineage: Lineage, row: TrialRow, replicates: number): Need {
  const measurements = lineage.calibration?.measurements;
  const { wanted, sample: measured } = collectScored(row, 'search', replicates, { spares: 0 });
  if (!measurements && wanted.length > 0) return { kind: 'measure', wanted };
  const scores = measurements ? measurements.filter((m) => m.failure === null).flatMap((m) => (m.score === null ? [] : [m.score])) : null;
  const calibrated = scores ? sample(scores) : measured;
  const failure = calibrated.n > 0 ? null : (measurements ?? [...row.replicates.values()].flatMap((r) => (r.measured ? [r.measured.measurement] : [])))[0]?.failure ?? null;
  return end(lineage, row, { status: 'baseline', failure, sample: calibrated, delta: calibrated.n > 0 ? 0 : null, why: `calibrated on ${calibrated.n} seeds` });
}

/** What the final claim needs: replicates, or its numbers; null when the baseline is still the best. */
export function weighClaim(lineage: Lineage): { readonly kind: 'measure'; readonly wanted: readonly Wanted[] } | { readonly kind: 'claim'; readonly claim: RunClaimed } | null {
  const started = lineage.started;
  const head = best(lineage);
  const row = head && lineage.trials.get(head.trial);
  const root = lineage.trials.get(BASELINE);
  if (!started || !row || !root || head.trial === BASELINE || lineage.claim?.best === head.trial) return null;
  const first = lineage.claims * (started.keep.replicates + SPARES);
  const mine = collectScored(row, 'final', started.keep.replicates, { first });
  const theirs = collectScored(root, 'final', started.keep.replicates, { first });
  if (mine.wanted.length + theirs.wanted.length > 0) return { kind: 'measure', wanted: interleave(mine.wanted, theirs.wanted) };
  if (mine.sample.n < 2 || theirs.sample.n < 2) return null;
  const test = welch(towardsMinimum(started.objective, mine.sample), towardsMinimum(started.objective, theirs.sample), runSd(lineage));
  const interval: readonly [number, number] = started.objective.direction === 'minimize' ? test.interval : [-test.interval[1], -test.interval[0]];
  return { kind: 'claim', claim: { best: head.trial, bestMean: mine.sample.mean, baselineMean: theirs.sample.mean, delta: mine.sample.mean - theirs.sample.mean, interval, p: test.p, n: mine.sample.n } };
}

/** Standard deviation pooled over the calibration and every confirmed trial of the run. */
function runSd(lineage: Lineage): number {
  const groups: Sample[] = [];
  if (lineage.calibration) groups.push(sample(lineage.calibration.measurements.flatMap((m) => (m.failure === null && m.score !== null ? [m.score] : []))));
  for (const trial of lineage.confirmed) {
    const row = lineage.trials.get(trial);
    if (row) groups.push(scored(row, 'confirm'));
  }
  return pooledSd(groups);
}

/**
 * What the incumbent would score on search text. A baseline's own calibration says it; a later best has only one search replicate, chosen
 * because it was good, so its confirmed mean is carried over by how far the baseline's two means lie apart.
 */
function expectedSearchScore(lineage: Lineage, incumbent: TrialId): number | null {
  const calibrated = lineage.calibration?.mean ?? null;
  if (incumbent === BASELINE) return calibrated;
  const row = lineage.trials.get(incumbent);
  const root = lineage.trials.get(BASELINE);
  if (!row) return null;
  const confirmed = scored(row, 'confirm');
  const rootConfirmed = root ? scored(root, 'confirm') : null;
  if (confirmed.n < 2) return scored(row, 'search').n > 0 ? scored(row, 'search').mean : null;
  if (calibrated === null || !rootConfirmed || rootConfirmed.n < 2) return confirmed.mean;
  return confirmed.mean + calibrated - rootConfirmed.mean;
}

const scored = (row: TrialRow, purpose: Purpose): Sample =>
  sample([...row.replicates.values()].flatMap((r) => {
    const measurement = r.measured?.measurement;
    return r.replicate.startsWith(LETTER[purpose]) && measurement && measurement.failure === null && measurement.score !== null ? [measurement.score] : []; // J3
  }));

interface Collected { readonly wanted: readonly Wanted[]; readonly sample: Sample; readonly ending: { readonly status: Status; readonly failure: Failure | null } | null }

/** The name of a replicate; `beside` another trial, of one that was measured for their comparison alone. */
const nameOf = (purpose: Purpose, i: number, beside: TrialRow | null): string => `${LETTER[purpose]}${beside === null ? '' : `${beside.number}-`}${i}`;

/** The first `count` replicates of a purpose: their sample, what is still wanted, and the worst ending among them. */
function collect(row: TrialRow, purpose: Purpose, count: number, beside: TrialRow | null = null): Collected {
  const wanted: Wanted[] = [];
  const scores: number[] = [];
  let ending: Collected['ending'] = null;
  const worse = (status: Status, failure: Failure | null): void => {
    if (ending === null || STATUSES.indexOf(status) < STATUSES.indexOf(ending.status)) ending = { status, failure }; // J2
  };
  for (let i = 1; i <= count; i++) {
    const replicate = nameOf(purpose, i, beside);
    const found = row.replicates.get(replicate);
    if (found?.measured) {
      const { failure, score } = found.measured.measurement;
      if (failure) worse(failure.kind, failure);
      else if (score !== null) scores.push(score);
      else worse('crash', { kind: 'crash', phase: 'eval', exception: 'the evaluator reported neither a score nor a failure', frame: '' });
    } else if ((found?.attempts.length ?? 0) >= MAX_ATTEMPTS && found?.attempts.at(-1)?.lapsed) worse('lost', null);
    else wanted.push({ trial: row.trial, replicate, purpose });
  }
  return { wanted, sample: sample(scores), ending };
}

/** Replicates until `count` of them have scored, failing ones made up for by at most `spares` more; `beside` a contender, those that were measured for it alone. */
function collectScored(row: TrialRow, purpose: Purpose, count: number, { spares = SPARES, first = 0, beside = null }: { spares?: number; first?: number; beside?: TrialRow | null } = {}): { readonly wanted: readonly Wanted[]; readonly sample: Sample } {
  const wanted: Wanted[] = [];
  const scores: number[] = [];
  for (let i = first + 1; i <= first + count + spares && scores.length + wanted.length < count; i++) {
    const replicate = nameOf(purpose, i, beside);
    const found = row.replicates.get(replicate);
    if (found?.measured) {
      const { failure, score } = found.measured.measurement;
      if (failure === null && score !== null) scores.push(score);
    } else if (!((found?.attempts.length ?? 0) >= MAX_ATTEMPTS && found?.attempts.at(-1)?.lapsed)) wanted.push({ trial: row.trial, replicate, purpose });
  }
  return { wanted, sample: sample(scores) };
}

const interleave = (a: readonly Wanted[], b: readonly Wanted[]): Wanted[] =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, i) => [a[i], b[i]]).flat().filter((w) => w !== undefined);

const towardsMinimum = (objective: Objective, s: Sample): Sample => (objective.direction === 'minimize' ? s : { ...s, mean: -s.mean });

function end(lineage: Lineage, row: TrialRow, how: { status: Status; failure: Failure | null; sample: Sample; why: string; delta?: number | null; p?: number }): Need {
  const measured = [...row.replicates.values()].flatMap((r) => (r.measured ? [r.measured] : [])).sort((a, b) => a.seq - b.seq);
  const telling = measured.find((m) => how.failure !== null && m.measurement.failure === how.failure) ?? measured[0];
  const score = how.sample.n > 0 ? how.sample.mean : telling?.measurement.score ?? null;
  const slots = telling && [...row.replicates.values()].find((r) => r.measured === telling)?.attempts[telling.attempt - 1]?.lease.slots;
  const head = best(lineage);
  const reference = head && expectedSearchScore(lineage, head.trial);
  const result: TrialResult = {
    status: how.status, specialist: row.proposal.specialist, parent: row.proposal.parent, hypothesis: row.proposal.hypothesis,
    score, scoreSource: telling?.measurement.scoreSource ?? 'evaluator',
    deltaVsBest: how.delta !== undefined ? how.delta : score !== null && reference !== null ? score - reference : null,
    judgedAgainst: head?.trial ?? BASELINE, judgedAt: lineage.applied, p: how.p ?? null,
    n: how.sample.n, sd: how.sample.n >= 2 ? how.sample.sd : null, why: how.why, failure: how.failure,
    artifactBytes: telling?.measurement.artifactBytes ?? null, phases: telling?.measurement.phases ?? [], attempt: telling?.attempt ?? 0,
    node: telling?.node ?? null, slots: slots ?? [], device: telling?.measurement.device ?? null,
    evaluatorHash: telling?.measurement.evaluatorHash ?? null, snapshot: row.snapshot ?? '0'.repeat(64),
  };
  return { kind: 'end', result, newBest: how.status === 'keep' || how.status === 'baseline' ? lineage.bests.length : null };
}
