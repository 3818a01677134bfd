import type { Purpose } from './measurement.ts';
import type { Objective } from './objective.ts';

/** One claim of the partition: an owner, a file of the recipe, and a symbol of it or the whole file. */
export interface Claim {
  /** A specialist of the roster, or `protected`: then nobody may change it. */
  readonly owner: string;
  readonly file: string;
  /** Dotted Python name (`Block.forward`), or null for all of the file that no other claim names. */
  readonly symbol: string | null;
  /** Line of surface.yaml that makes the claim, for error messages. */
  readonly line: number;
}

/** One specialist of a roster, as its brief describes it. */
export interface Brief {
  readonly specialist: string;
  readonly scope: string;
  readonly nonScope: string;
  readonly editRadius: string;
}

/** What may change and toward what: a surface folder, read and validated. */
export interface Surface {
  readonly name: string;
  readonly title: string;
  /** Folder name under `evaluators/`. */
  readonly evaluator: string;
  readonly roster: readonly Brief[];
  readonly claims: readonly Claim[];
  /** Files a patch may add, as prefixes that end in `/`; empty when none may be added. */
  readonly addable: readonly string[];
  /** Slots one replicate needs. */
  readonly slots: SlotRequest;
  /** Calibration replicates of the baseline. */
  readonly calibrationReplicates: number;
  /** Default limits a run of this surface starts with. */
  readonly limits: { readonly trials: number; readonly wallSeconds: number };
  /** SHA-256 over everything in the folder that decides a score or an owner. */
  readonly hash: string;
}

export interface SlotRequest {
  readonly kind: 'cpu' | 'gpu';
  readonly count: number;
  readonly minimumMemoryBytes: number;
  /** Nobody else is on a slot's device and cores, nor on the other threads of these: what is timed must not be disturbed. */
  readonly exclusive?: boolean | undefined;
}

/** What an evaluator folder declares: enough to run, watch and judge one replicate. */
export interface EvaluatorSpec {
  readonly name: string;
  readonly objective: Objective;
  /** Whose word the score is: computed from the artifact, or only read from what the recipe says of itself. */
  readonly scoreSource: 'evaluator' | 'recipe';
  /** How often one replicate trains and evaluates, each time with a seed of its own in sandboxes of their own; its score is their mean. */
  readonly seeds: number;
  /** Other numbers of seeds by purpose; absent where one serves all. */
  readonly seedsFor?: Readonly<Record<Purpose, number>> | undefined;
  /** Phases whose seconds, read by the evaluator's own clock, are the score; null where the scorer says it. */
  readonly scoreSeconds: readonly string[] | null;
  readonly phases: readonly PhaseSpec[];
  /** The interpreter of recipes, as a path of this machine; null for the project's own. */
  readonly python: string | null;
  /** Files and folders of this machine that every phase sees read-only under /mounts, by name. */
  readonly mounts: Readonly<Record<string, string>>;
  /** Prepared data sets that are folders, not single files. */
  readonly folders: readonly string[];
  readonly artifact: { readonly file: string; readonly capBytes: number | null };
  readonly gates: readonly { readonly name: string; readonly limit: number; readonly at: 'least' | 'most' }[];
  readonly limits: ResourceLimits;
  readonly canaries: readonly Canary[];
  /** Columns of results.tsv between `status` and `delta_vs_best`, and after it, in the reference's order. */
  readonly columns: readonly string[];
  /** SHA-256 over the evaluator's folder, its prepared data and the sandbox's own trusted programs. */
  readonly hash: string;
}

/** One phase of a measurement. `command` runs in the sandbox; `scorer`, where there is one, outside of it. */
export interface PhaseSpec {
  readonly name: string;
  /** A smoke phase decides preflight; its output can never become a score. */
  readonly role: 'smoke' | 'train' | 'eval';
  readonly command: readonly string[];
  /** Trusted program that talks to the sandboxed command over a socket and prints one JSON line; null for none. */
  readonly scorer: readonly string[] | null;
  /** A second command in a sandbox of its own that the scorer asks again; null for none. */
  readonly auditor: readonly string[] | null;
  readonly clock: 'calibrated' | 'wall';
  readonly budgetSeconds: number;
  /** Seconds past the budget that are forgiven, e.g. one training step. */
  readonly toleranceSeconds: number;
  /** Hard wall limit whatever the clock says: a sleeping process uses no CPU. */
  readonly wallSeconds: number;
  /** Stretches of the phase, each ended by a line the command prints; empty where the phase is timed as a whole. One bears the phase's name: its budget is what the recipe is told. */
  readonly milestones: readonly Milestone[];
  /** Prepared data sets mounted read-only under /data. */
  readonly data: readonly string[];
}

/** One stretch of a phase. */
export interface Milestone {
  readonly name: string;
  /** A regular expression that both JavaScript and Python read; null for the end of the phase. */
  readonly until: string | null;
  readonly budgetSeconds: number;
  readonly toleranceSeconds: number;
}

export interface ResourceLimits {
  readonly memoryBytes: number;
  readonly processes: number;
  readonly openFiles: number;
  readonly scratchBytes: number;
  readonly logBytes: number;
}

/** A recipe with a known ending; an evaluator that ends it otherwise refuses to start. */
export interface Canary {
  readonly name: string;
  /** `scores`: a valid score; `measures`: that, or a declared gate missed by a hair, where a baseline may; `gains nothing`: a valid score that is not better than the good canary's. */
  readonly expect: 'scores' | 'measures' | 'tampered' | 'disqualified' | 'crash' | 'preflight_crash' | 'gains nothing';
  /** What it may train for; one second unless said otherwise, in which most show what they are. */
  readonly trainSeconds?: number;
}
