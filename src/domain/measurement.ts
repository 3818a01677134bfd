import type { BlobHash, NodeId, ReplicateId, SlotId, TrialId } from './ids.ts';

/** Why a replicate has no usable score. Each kind is a status and carries the evidence that status must show. */
export type Failure =
  | { readonly kind: 'preflight_crash' | 'crash'; readonly phase: string; readonly exception: string; readonly frame: string }
  | { readonly kind: 'size_blocked'; readonly bytes: number; readonly cap: number; readonly projected: boolean }
  | { readonly kind: 'train_budget_overrun' | 'eval_budget_overrun'; readonly phase: string; readonly seconds: number; readonly budget: number; readonly censored: boolean }
  | { readonly kind: 'disqualified'; readonly gate: string; readonly value: number; readonly limit: number; readonly deficit: number; readonly standardErrors?: number | undefined }
  | { readonly kind: 'tampered'; readonly what: string; readonly where: string }
  | { readonly kind: 'harness_abort'; readonly reason: string };

/** One phase as the evaluator timed it. */
export interface PhaseReading {
  readonly name: string;
  /** In the phase's own clock: calibrated CPU seconds or wall seconds, as its evaluator declares. Of a measurement, over all its seeds together. */
  readonly seconds: number;
  readonly wallSeconds: number;
  /** True when the phase was killed at this time, so that the real duration is unknown and longer. */
  readonly censored: boolean;
}

/** One gate: a condition without which a score does not count. */
export interface GateReading {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
  readonly passed: boolean;
  /** Of the value, where several seeds or the scorer say it. */
  readonly standardError?: number | undefined;
}

/** What one replicate is for; each purpose draws from held-out data that no other purpose uses. */
export type Purpose = 'search' | 'confirm' | 'final';

/** What one replicate yielded. A failed one keeps whatever it had measured before it failed. */
export interface Measurement {
  /** null is unknown, never zero. */
  readonly score: number | null;
  readonly scoreSource: 'evaluator' | 'recipe';
  readonly failure: Failure | null;
  readonly metrics: Readonly<Record<string, number>>;
  readonly phases: readonly PhaseReading[];
  readonly artifactBytes: number | null;
  readonly gates: readonly GateReading[];
  readonly seed: number;
  /** Device class, e.g. `cpu/amd-epyc`; scores of two classes are never compared. */
  readonly device: string;
  readonly evaluatorHash: string;
  readonly environmentHash: string;
  readonly sandbox: SandboxLevel;
  /** Blob with the last part of everything the recipe printed; null when it printed nothing. */
  readonly log: BlobHash | null;
}

/** How strongly a recipe is held; `none` must have been asked for aloud. */
export type SandboxLevel = 'bubblewrap' | 'namespaces' | 'none';

/** The right to measure one replicate on given slots of one node, for as long as it is renewed. */
export interface Lease {
  readonly trial: TrialId;
  readonly replicate: ReplicateId;
  /** Ordinal of this lease among those of the replicate; fences stale work. */
  readonly attempt: number;
  readonly node: NodeId;
  readonly slots: readonly SlotId[];
  readonly purpose: Purpose;
  readonly snapshot: BlobHash;
  readonly ttlMs: number;
}
