import type { Lineage, TrialRow } from './lineage.ts';
import { pooledSd, sample, welch, type Sample } from './noise.ts';

/** Confirming scores of a row that were measured up to a journal position; of those beside another row alone, where there are any. */
const confirming = (row: TrialRow | undefined, until: number, beside?: TrialRow): Sample => {
  const replicates = [...(row?.replicates.values() ?? [])];
  const own = beside === undefined ? [] : replicates.filter(({ replicate }) => replicate.startsWith(`c${beside.number}-`));
  return sample((own.length > 0 ? own : replicates).flatMap(({ measured, attempts }) => {
    const counts = measured && measured.seq <= until && attempts[measured.attempt - 1]?.lease.purpose === 'confirm';
    return counts && measured.measurement.failure === null && measured.measurement.score !== null ? [measured.measurement.score] : [];
  }));
};

/** The 95% interval of a confirmed trial's change against the best it was judged against, as its judge saw it; null when it was not confirmed. */
export function deltaInterval(lineage: Lineage, row: TrialRow): readonly [number, number] | null {
  const result = row.result;
  if (!result || result.p === null) return null;
  const against = lineage.trials.get(result.judgedAgainst);
  const mine = confirming(row, result.judgedAt, against);
  const theirs = confirming(against, result.judgedAt, row);
  if (mine.n < 2 || theirs.n < 2) return null;
  const groups = lineage.confirmed.map((trial) => confirming(lineage.trials.get(trial), result.judgedAt));
  const calibrated = lineage.calibration?.measurements.flatMap((m) => (m.failure === null && m.score !== null ? [m.score] : [])) ?? [];
  return welch(mine, theirs, pooledSd([sample(calibrated), ...groups])).interval;
}
