import type { ReplicateId, TrialId } from './ids.ts';
import type { Purpose } from './measurement.ts';
import type { TrialResult } from './trial.ts';

/** One replicate that somebody should measure. */
export interface Wanted { readonly trial: TrialId; readonly replicate: ReplicateId; readonly purpose: Purpose }

/** What a trial needs next: replicates (of itself, or of the incumbent it is compared with), or to be ended. */
export type Need =
  | { readonly kind: 'measure'; readonly wanted: readonly Wanted[] }
  /** `newBest` is the ordinal of the best this makes, by the lineage it was judged in; null when it makes none. */
  | { readonly kind: 'end'; readonly result: TrialResult; readonly newBest: number | null };
