import { BASELINE } from './ids.ts';
import type { Lineage, TrialRow } from './lineage.ts';
import type { Purpose } from './measurement.ts';
import { sample, type Sample } from './noise.ts';

// Screenings and confirmations draw from different held-out data, so that a score of one cannot be set beside a score of the other as it is.
//
//   S1. A trial's change is always between two scores of one purpose; only bare scores need this care.
//   S2. What the two purposes differ by is what the baseline's two means differ by: it is measured for both, and was chosen by neither.

/** What a trial's score was measured for. */
export function scoredFor(row: TrialRow): Exclude<Purpose, 'final'> {
  const until = row.result?.judgedAt ?? 0;
  return [...row.replicates.values()].some(({ replicate, measured }) => replicate.startsWith('c') && measured !== null && measured.seq <= until && measured.measurement.score !== null) ? 'confirm' : 'search';
}

/** The baseline on the data of confirmations; null until two of its replicates were measured there. */
export function baselineBeside(lineage: Lineage): Sample | null {
  const scores = [...(lineage.trials.get(BASELINE)?.replicates.values() ?? [])].flatMap(({ replicate, measured }) =>
    (replicate.startsWith('c') && measured?.measurement.failure === null && measured.measurement.score !== null ? [measured.measurement.score] : []));
  return scores.length < 2 ? null : sample(scores);
}

/** A row's score as it would read on the data of `purpose`; as it is where that cannot be known. */
export function scoreOn(lineage: Lineage, row: TrialRow, purpose: 'search' | 'confirm'): number | null {
  const score = row.result?.score ?? null;
  const beside = baselineBeside(lineage);
  const calibrated = lineage.calibration?.mean ?? null;
  if (score === null || beside === null || calibrated === null || scoredFor(row) === purpose) return score;
  return purpose === 'confirm' ? score + beside.mean - calibrated : score + calibrated - beside.mean; // S2
}
