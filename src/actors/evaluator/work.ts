import type { BlobHash, ReplicateId, SlotId, TrialId } from '../../domain/ids.ts';
import type { Purpose } from '../../domain/measurement.ts';
import type { Recipe } from '../../domain/recipe.ts';

/** One replicate for one slot: a lease, or a canary of our own. */
export interface Work {
  readonly trial: TrialId;
  readonly replicate: ReplicateId;
  readonly attempt: number;
  readonly purpose: Purpose;
  readonly slots: readonly SlotId[];
  readonly source: { readonly kind: 'snapshot'; readonly snapshot: BlobHash } | { readonly kind: 'canary'; readonly recipe: Recipe };
  /** False where an equal recipe passed its smoke run on this node already, and for canaries that must fail later. */
  readonly smoke: boolean;
  /** Training budget in seconds; null for the phase's own. Canaries show what they are in less. */
  readonly trainSeconds: number | null;
  readonly ttlMs: number;
  /** Monotonic milliseconds at which the lease was taken. */
  readonly takenMs: number;
}
