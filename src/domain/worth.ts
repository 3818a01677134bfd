import { nameOfSet, openComponents, type Components } from './components.ts';
import { BASELINE, trialNumber, type ReplicateId, type TrialId } from './ids.ts';
import { best, statusOf, type Lineage, type TrialRow } from './lineage.ts';
import type { Purpose } from './measurement.ts';
import { pooledSd, sample, studentQuantile, type Sample } from './noise.ts';
import { gain } from './objective.ts';

// What each component of a recipe is worth: by how much two measured recipes differ that differ in it alone.
//
//   W1. `kept`: when it was kept, against the best it was kept over. `added`: a composition against the same without it. `left out`: a composition, or a
//       best, against what was left when it alone was taken away. Each is a gain: positive means that the recipe is better with it.
//   W2. Scores are compared on one kind of held-out data. A confirmed recipe stands beside a screened one as its confirmed mean, carried over by how
//       far the baseline's two means lie apart: the screening it was chosen by was lucky as often as not.
//   W3. The interval is Student's, 95 %, with the spread pooled over the run: single measurements have none of their own.
//   W4. Where confirmations are made anew each time, because what is measured drifts, two recipes that were measured beside one another are compared by
//       those replicates alone. Else what an incumbent took beside later contenders would count as its own, and the drift as somebody's worth. Two that
//       never stood beside one another have all their replicates compared, and the drift between them widens the interval.

export interface Worth {
  readonly component: TrialId;
  readonly specialist: string;
  readonly hypothesis: string;
  readonly how: 'kept' | 'added' | 'left out';
  /** The recipe with it, and the one without. */
  readonly having: TrialId;
  readonly lacking: TrialId;
  /** null where one of the two has no score; why is in `failed`. */
  readonly gain: number | null;
  readonly interval: readonly [number, number] | null;
  /** How the trial without a score ended. */
  readonly failed: string | null;
}

/** What each trial of a run is made of. */
export const componentsOf = (lineage: Lineage): Components =>
  openComponents([...lineage.trials.values()].map((row) => ({ trial: row.trial, parent: row.proposal.parent, parts: row.proposal.parts, isKept: statusOf(row) === 'keep' })));

/** Everything the run measured about the worth of its components, by component in the order of their numbers. */
export function worthOf(lineage: Lineage): Worth[] {
  const components = componentsOf(lineage);
  const stands = (row: TrialRow): boolean => row.trial === BASELINE || statusOf(row) === 'keep' || row.proposal.parts.length > 0; // only of these it is known what they are made of
  const ended = [...lineage.trials.values()].filter((row) => row.result !== null && stands(row)).sort((a, b) => a.number - b.number);
  const bySet = new Map<string, TrialRow>();
  for (const row of ended) { // of several with one set the best of the run speaks, else the newest that has a score
    const name = nameOfSet(components.of(row.trial));
    const before = bySet.get(name);
    if (before === undefined || row.trial === best(lineage)?.trial || (before.trial !== best(lineage)?.trial && row.result?.score != null)) bySet.set(name, row);
  }
  const found: Worth[] = [];
  for (const having of ended) {
    const has = components.of(having.trial);
    if (bySet.get(nameOfSet(has)) !== having) continue;
    for (const component of has) {
      const lacking = bySet.get(nameOfSet([...has].filter((other) => other !== component)));
      const row = lineage.trials.get(component);
      if (lacking === undefined || row === undefined || lacking === having) continue;
      const how = having.trial === component ? 'kept' : lacking.proposal.parts.length > 0 && lacking.number > having.number ? 'left out' : 'added'; // W1
      found.push({ component, specialist: row.proposal.specialist, hypothesis: row.proposal.hypothesis, how, having: having.trial, lacking: lacking.trial, ...difference(lineage, having, lacking) });
    }
  }
  return found.sort((a, b) => trialNumber(a.component) - trialNumber(b.component) || trialNumber(a.having) - trialNumber(b.having) || trialNumber(a.lacking) - trialNumber(b.lacking));
}

/** By how much the one scored better than the other, with its interval. */
function difference(lineage: Lineage, having: TrialRow, lacking: TrialRow): Pick<Worth, 'gain' | 'interval' | 'failed'> {
  const objective = lineage.started?.objective;
  const dead = [having, lacking].find((row) => row.trial !== BASELINE && row.result?.failure != null);
  if (dead !== undefined || !objective) return { gain: null, interval: null, failed: dead === undefined ? null : `${dead.trial} ended as ${statusOf(dead) ?? 'unknown'}` };
  const beside = besideOneAnother(having, lacking);
  const [a, b] = beside ?? reckonings(lineage, having, lacking);
  if (a === null || b === null) return { gain: null, interval: null, failed: null };
  const groups = [sample(calibrated(lineage)), ...lineage.confirmed.flatMap((trial) => (beside ? comparisonsOf(lineage.trials.get(trial)) : [samplesOf(lineage.trials.get(trial), 'confirm')]))];
  const freedom = groups.reduce((sum, one) => sum + Math.max(0, one.n - 1), 0);
  const amount = gain(objective, a.mean, b.mean);
  if (freedom === 0) return { gain: amount, interval: null, failed: null };
  const reach = studentQuantile(0.975, freedom) * pooledSd(groups) * Math.sqrt(a.variance + b.variance); // W3
  return { gain: amount, interval: [amount - reach, amount + reach], failed: null };
}

/** A mean and its variance, in units of one measurement's. */
interface Reckoning { readonly mean: number; readonly variance: number }

const ofSample = ({ mean, n }: Sample): Reckoning => ({ mean, variance: 1 / n });

/** Two rows by what one of them took beside the other alone (W4); null where they never stood beside one another so. */
function besideOneAnother(one: TrialRow, other: TrialRow): readonly [Reckoning, Reckoning] | null {
  const of = (row: TrialRow, beside: TrialRow): { readonly isAlone: boolean; readonly sample: Sample } => {
    const alone = samplesOf(row, 'confirm', `c${beside.number}-`);
    return alone.n > 0 ? { isAlone: true, sample: alone } : { isAlone: false, sample: samplesOf(row, 'confirm', 'c') };
  };
  const [a, b] = [of(one, other), of(other, one)];
  return (a.isAlone || b.isAlone) && a.sample.n >= 2 && b.sample.n >= 2 ? [ofSample(a.sample), ofSample(b.sample)] : null;
}

/** A row's confirming replicates, those of each comparison by themselves. */
const comparisonsOf = (row: TrialRow | undefined): Sample[] =>
  [...new Set([...(row?.replicates.keys() ?? [])].map(seriesOf))].map((series) => samplesOf(row, 'confirm', series));

/** What a replicate's name says of its comparison: `c` of `c3`, `c7-` of `c7-3`. */
const seriesOf = (replicate: ReplicateId): string => replicate.replace(/\d+$/, '');

/** Two rows on one kind of data (W2). */
function reckonings(lineage: Lineage, one: TrialRow, other: TrialRow): readonly [Reckoning | null, Reckoning | null] {
  const [a, b] = [samplesOf(one, 'confirm'), samplesOf(other, 'confirm')];
  if (a.n >= 2 && b.n >= 2) return [ofSample(a), ofSample(b)];
  return [onSearchData(lineage, one), onSearchData(lineage, other)];
}

function onSearchData(lineage: Lineage, row: TrialRow): Reckoning | null {
  const base = sample(calibrated(lineage));
  if (row.trial === BASELINE) return base.n > 0 ? { mean: base.mean, variance: 1 / base.n } : null;
  const [confirmed, beside] = [samplesOf(row, 'confirm'), samplesOf(lineage.trials.get(BASELINE), 'confirm')];
  if (confirmed.n >= 2 && beside.n >= 2 && base.n > 0) return { mean: confirmed.mean + base.mean - beside.mean, variance: 1 / confirmed.n + 1 / base.n + 1 / beside.n };
  const screened = samplesOf(row, 'search');
  return screened.n > 0 ? { mean: screened.mean, variance: 1 / screened.n } : null;
}

const calibrated = (lineage: Lineage): number[] => lineage.calibration?.measurements.flatMap((m) => (m.failure === null && m.score !== null ? [m.score] : [])) ?? [];

const samplesOf = (row: TrialRow | undefined, purpose: Purpose, series: string | null = null): Sample => sample([...(row?.replicates.values() ?? [])].flatMap(({ replicate, measured, attempts }) =>
  (measured && (series === null || seriesOf(replicate) === series) && attempts[measured.attempt - 1]?.lease.purpose === purpose && measured.measurement.failure === null && measured.measurement.score !== null ? [measured.measurement.score] : [])));
