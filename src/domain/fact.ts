import type { Limits } from './budget.ts';
import type { BlobHash, NodeId, RunId, SlotId, TrialId } from './ids.ts';
import type { Lease, Measurement, SandboxLevel } from './measurement.ts';
import type { Objective } from './objective.ts';
import type { CallReserved, CallSettled, JointAnswered, JointOffered, SessionEnded, SessionOpened, SpecialistStalled } from './session.ts';
import type { Proposal, Rejection, TrialResult } from './trial.ts';

/** How specialists are arranged, for controlled comparison at equal budget. */
export interface Arm {
  readonly kind: 'specialists' | 'generic' | 'single';
  readonly agents: number;
  readonly ownership: 'enforced' | 'advisory';
  /** False: specialists learn nothing of earlier outcomes but the current best's id, score and code. */
  readonly lineage: boolean;
}

/** Everything a run was started with; nothing here changes afterwards. */
export interface RunStarted {
  readonly surface: string;
  readonly surfaceHash: string;
  readonly evaluator: string;
  readonly evaluatorHash: string;
  readonly objective: Objective;
  /** The baseline's snapshot. */
  readonly snapshot: BlobHash;
  readonly roster: readonly string[];
  /** Which of the surface's rosters it is; absent for the one that the surface has without a name. */
  readonly rosterName?: string | undefined;
  readonly arm: Arm;
  readonly proposer: 'search' | 'random' | 'tpe' | 'llm' | 'replay';
  readonly seed: number;
  /** How what specialists keep apart is put together while the run goes on; absent where nobody does. */
  readonly compose?: 'greedy' | 'ablate' | undefined;
  /** The run whose proposals it makes again; absent where somebody thinks. */
  readonly replays?: RunId | undefined;
  readonly keep: KeepRule;
  readonly limits: Limits;
  readonly calibrationReplicates: number;
  readonly slotsPerReplicate: number;
  /** What each of them must be; absent where any will do. */
  readonly slotKind?: 'cpu' | 'gpu' | undefined;
  readonly slotMemoryBytes?: number | undefined;
  /** While one of its leases is out, nothing else runs on that node: what is timed must not be disturbed. */
  readonly wholeNode?: boolean | undefined;
  /** Its share of slots that other runs want too, as a weight; 1 where absent. */
  readonly priority?: number | undefined;
  readonly leaseTtlMs: number;
  readonly brigade: string;
}

/** How a better trial is told from a lucky one. */
export interface KeepRule {
  readonly kind: 'confirmed' | 'strict';
  /** Level of the one-sided Welch test. */
  readonly alpha: number;
  /** Fresh seeds for the contender, and as many for the incumbent. */
  readonly replicates: number;
}

/** One slot as its node offers it. */
export interface EnrolledSlot {
  readonly slot: SlotId;
  readonly kind: 'cpu' | 'gpu';
  readonly memoryBytes: number;
  /** Of a device: its ordinal on its machine, what it is, and what drives it. */
  readonly index?: number | undefined;
  readonly model?: string | undefined;
  readonly driver?: string | undefined;
}

export interface NodeEnrolled {
  /** Ed25519 public key, base64 of the raw 32 bytes; measurements are signed with its other half. */
  readonly publicKey: string;
  readonly slots: readonly EnrolledSlot[];
  readonly device: string;
  readonly evaluatorHash: string;
  readonly environmentHash: string;
  readonly sandbox: SandboxLevel;
  readonly canaries: readonly { readonly name: string; readonly expect: string; readonly ended: string; readonly score: number | null }[];
  /** Slots that did not come back clean, and why: this start of the node goes on without them. Absent from its first enrolment. */
  readonly drained?: readonly { readonly slot: SlotId; readonly why: string }[] | undefined;
}

export interface Calibrated {
  /** A run of the same surface, evaluator and device whose measurements these are; null when measured here. */
  readonly reusedFrom: RunId | null;
  readonly device: string;
  readonly evaluatorHash: string;
  readonly environmentHash: string;
  /** Over the replicates that scored; null when none did. */
  readonly mean: number | null;
  readonly sd: number;
  readonly measurements: readonly Measurement[];
}

export interface Measured {
  readonly measurement: Measurement;
  /** Ed25519 over the canonical JSON of {run, trial, replicate, attempt, node, measurement}, base64. */
  readonly signature: string;
  /** Wall milliseconds between the moment its slots were its own and this fact, by the node's monotonic clock: what it waited for another run's work is not its. */
  readonly heldMs: number;
}

export interface RunBest {
  readonly trial: TrialId;
  /** null only for a baseline that missed its own gate: the first trial to pass is then the first keep. */
  readonly score: number | null;
  readonly snapshot: BlobHash;
  /** Journal position it was judged at, so that a broker that died before saying the result can say the same one. */
  readonly judgedAt: number;
}

/** A run goes on under these limits. */
export interface RunResumed {
  readonly limits: Limits;
  /** Which models it thinks with from now on, as a person would name them; absent where they are the same. */
  readonly models?: string | undefined;
}

/** A broker decides for the run from now on, until another takes the next term. */
export interface BrokerTook {
  /** Its process, as it is seen while it stands by. */
  readonly name: string;
  readonly boot: string;
}

/** How a run ends: `complete` decides every trial and makes the final claim, `finish` waits for what is leased, `now` waits for nothing. */
export type StopMode = 'complete' | 'finish' | 'now';

/** The headline: best against baseline on data and seeds that nothing else has used. */
export interface RunClaimed {
  readonly best: TrialId;
  readonly bestMean: number;
  readonly baselineMean: number;
  readonly delta: number;
  /** 95% interval of delta. */
  readonly interval: readonly [number, number];
  readonly p: number;
  readonly n: number;
}

/** Everything the journal can say. `ids` are the subject's own tokens after the run. */
export type FactBody =
  | { readonly word: 'run.started'; readonly ids: readonly []; readonly body: RunStarted }
  | { readonly word: 'run.calibrated'; readonly ids: readonly []; readonly body: Calibrated }
  | { readonly word: 'run.best'; readonly ids: readonly [n: string]; readonly body: RunBest }
  | { readonly word: 'run.claimed'; readonly ids: readonly [n: string]; readonly body: RunClaimed }
  | { readonly word: 'run.stopping'; readonly ids: readonly [n: string]; readonly body: { readonly reason: string; readonly mode: StopMode } }
  | { readonly word: 'run.stopped'; readonly ids: readonly [n: string]; readonly body: { readonly reason: string; readonly wallSeconds: number } }
  | { readonly word: 'broker.took'; readonly ids: readonly [n: string]; readonly body: BrokerTook }
  | { readonly word: 'run.resumed'; readonly ids: readonly [n: string]; readonly body: RunResumed }
  | { readonly word: 'node.enrolled'; readonly ids: readonly [node: NodeId, boot: string]; readonly body: NodeEnrolled }
  | { readonly word: 'trial.admitted'; readonly ids: readonly [trial: TrialId]; readonly body: Admitted }
  | { readonly word: 'trial.rejected'; readonly ids: readonly [trial: TrialId]; readonly body: Rejected }
  | { readonly word: 'lease.granted'; readonly ids: readonly [trial: TrialId, replicate: string, attempt: string]; readonly body: Lease }
  | { readonly word: 'lease.lapsed'; readonly ids: readonly [trial: TrialId, replicate: string, attempt: string]; readonly body: { readonly reason: string } }
  | { readonly word: 'trial.measured'; readonly ids: readonly [trial: TrialId, replicate: string, attempt: string, node: NodeId]; readonly body: Measured }
  | { readonly word: 'trial.result'; readonly ids: readonly [trial: TrialId]; readonly body: TrialResult }
  | { readonly word: 'handoff.offered'; readonly ids: readonly [handoff: string]; readonly body: Handoff }
  | { readonly word: 'session.opened'; readonly ids: readonly [session: string]; readonly body: SessionOpened }
  | { readonly word: 'session.ended'; readonly ids: readonly [session: string]; readonly body: SessionEnded }
  | { readonly word: 'call.reserved'; readonly ids: readonly [session: string, call: string]; readonly body: CallReserved }
  | { readonly word: 'call.settled'; readonly ids: readonly [session: string, call: string]; readonly body: CallSettled }
  | { readonly word: 'specialist.stalled'; readonly ids: readonly [specialist: string, n: string]; readonly body: SpecialistStalled }
  | { readonly word: 'specialist.recovered'; readonly ids: readonly [specialist: string, n: string]; readonly body: Readonly<Record<never, never>> }
  | { readonly word: 'joint.offered'; readonly ids: readonly [joint: string]; readonly body: JointOffered }
  | { readonly word: 'joint.answered'; readonly ids: readonly [joint: string]; readonly body: JointAnswered }
  | { readonly word: 'operator.acted'; readonly ids: readonly [n: string]; readonly body: OperatorAct };

export interface Admitted {
  readonly proposal: Proposal;
  readonly snapshot: BlobHash;
  /** Blob with the feedback its author read; null when it read none. */
  readonly feedback: BlobHash | null;
  /** Chosen by the author, so that a repeated request names the same trial. */
  readonly clientId: string;
}

export interface Rejected { readonly proposal: Proposal; readonly rejection: Rejection; readonly clientId: string }

/** A hint to the owner of another partition, read in its next session. */
export interface Handoff {
  readonly from: string;
  readonly to: string;
  readonly file: string;
  readonly symbol: string | null;
  readonly hint: string;
  /** The refused proposal it grew from; null when offered by itself. */
  readonly trial: TrialId | null;
}

/** What a person did; `no human intervened` is a count of these. */
export interface OperatorAct {
  readonly act: 'pause' | 'resume' | 'stop' | 'limit' | 'note';
  readonly detail: string;
  /** The limits from now on; null unless the act is `limit`. */
  readonly limits: Limits | null;
}

/** A fact as the journal holds it: its position, and the time of writing by the server's clock, the one clock of a run. */
export type Fact = FactBody & { readonly seq: number; readonly at: number };

export type Word = FactBody['word'];
export type BodyOf<W extends Word> = Extract<FactBody, { word: W }>['body'];
export type IdsOf<W extends Word> = Extract<FactBody, { word: W }>['ids'];
