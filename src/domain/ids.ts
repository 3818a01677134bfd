/** An id is a string that knows what it names. Only these functions make one from a plain string. */
type Id<Noun extends string> = string & { readonly __noun?: Noun };

/** One search over one surface under one frozen objective, e.g. `golf-mini-1121a`. */
export type RunId = Id<'run'>;
/** `t0000` is the baseline; every later proposal, refused ones too, takes the next number. */
export type TrialId = Id<'trial'>;
/** The same recipe measured again: a letter for its purpose and an ordinal, e.g. `s1`, `c3`, `f5`. */
export type ReplicateId = Id<'replicate'>;
/** A machine with an evaluator, e.g. `atlas`. */
export type NodeId = Id<'node'>;
/** One GPU or core set of a node, e.g. `cpu0`. */
export type SlotId = Id<'slot'>;
/** The SHA-256 of some bytes, 64 lower-case hexadecimal digits. */
export type BlobHash = Id<'blob'>;

/** The root of every lineage: the calibrated starting recipe. */
export const BASELINE: TrialId = 't0000';

/** What one token of a subject may contain; anything else could widen a subscription. */
export const TOKEN = /^[A-Za-z0-9_-]{1,64}$/;

/** The id of the n-th trial of a run, counted from the baseline at 0. */
export const trialId = (n: number): TrialId => `t${String(n).padStart(4, '0')}`;

/** The ordinal inside a trial id; NaN when the id is not ours. */
export const trialNumber = (trial: TrialId): number => (/^t\d{4,}$/.test(trial) ? Number(trial.slice(1)) : NaN);
