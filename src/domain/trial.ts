import type { BlobHash, TrialId } from './ids.ts';
import type { Failure, PhaseReading } from './measurement.ts';
import type { Status } from './status.ts';

/** Who thought of a trial, stamped on every row and plot. */
export interface Proposer {
  readonly kind: 'search' | 'random' | 'tpe' | 'compose' | 'llm' | 'replay' | 'operator';
  /** How it came to this proposal, in a few characters, e.g. `repair(t0002)`. */
  readonly strategy: string;
  /** The named moves the recipe now differs by, e.g. `edit:optimizer/muon`, `knob:model.py:WIDTH=96`; empty when there are none to name. */
  readonly moves: readonly string[];
}

/** What a specialist asks to have tried. */
export interface Proposal {
  readonly specialist: string;
  readonly parent: TrialId;
  /** Journal position of the feedback its author read. */
  readonly asOf: number;
  readonly hypothesis: string;
  /** Signed change of the score its author expects against the parent. */
  readonly expectedDelta: number;
  /** Unified diff against the parent's snapshot. */
  readonly patch: string;
  /** Kept trials of several specialists that this one merges; empty for an edit of one partition. */
  readonly parts: readonly TrialId[];
  readonly proposer: Proposer;
  readonly tokens: number;
  readonly money: number;
  /** The session it came from; absent where no model thought. */
  readonly session?: string | undefined;
  /** The draft that this trial carries out, and the drafter who stands on it beside `specialist`; absent for a trial of one. */
  readonly joint?: { readonly draft: string; readonly with: string } | undefined;
}

/** Why a proposal was refused before it could cost a slot. */
export type RejectionRule = 'parent' | 'apply' | 'path' | 'mode' | 'size' | 'protected' | 'ownership' | 'syntax' | 'duplicate' | 'empty';

/** A refusal names the rule, and the file and symbol where there is one. */
export interface Rejection {
  readonly rule: RejectionRule;
  readonly file: string | null;
  readonly symbol: string | null;
  /** Who owns what was touched; null when nobody or not about ownership. */
  readonly owner: string | null;
  readonly message: string;
}

/** How a trial ended. Said once, after its last replicate. */
export interface TrialResult {
  readonly status: Status;
  readonly specialist: string;
  readonly parent: TrialId;
  readonly hypothesis: string;
  /** Mean over the replicates of the deciding purpose; null is unknown. */
  readonly score: number | null;
  readonly scoreSource: 'evaluator' | 'recipe';
  /** Against the best at the moment of judgement; null when there is no score. */
  readonly deltaVsBest: number | null;
  /** The best it was judged against. */
  readonly judgedAgainst: TrialId;
  /** Journal position it was judged at: the lineage folded to here yields this result again. */
  readonly judgedAt: number;
  /** One-sided Welch p of being better; null when it was not tested. */
  readonly p: number | null;
  /** Replicates behind `score`. */
  readonly n: number;
  readonly sd: number | null;
  /** Which rule decided, e.g. `screened`, `futile after 2 seeds`, `confirmed`, `strict`. */
  readonly why: string;
  readonly failure: Failure | null;
  readonly artifactBytes: number | null;
  readonly phases: readonly PhaseReading[];
  readonly attempt: number;
  readonly node: string | null;
  readonly slots: readonly string[];
  readonly device: string | null;
  readonly evaluatorHash: string | null;
  readonly snapshot: BlobHash;
}
