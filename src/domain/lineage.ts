import { payerFor } from './authors.ts';
import type { Limits } from './budget.ts';
import type { Calibrated, Fact, Handoff, NodeEnrolled, OperatorAct, RunBest, RunClaimed, RunStarted, StopMode } from './fact.ts';
import type { Imported } from './imported.ts';
import { BASELINE, trialNumber, type BlobHash, type NodeId, type ReplicateId, type TrialId } from './ids.ts';
import type { Lease, Measurement } from './measurement.ts';
import type { Cost } from './session.ts';
import { carryOut, growSessions, noSessions, unstall, type Sessions } from './sessions.ts';
import { ageOf, charge, spend, type Attempt } from './spending.ts';
import type { Proposal, Rejection, TrialResult } from './trial.ts';

// The lineage: what the journal says, folded. Every reader that folds the same journal holds the same lineage.
//
//   F1. Facts are applied in journal order, each once; one that was applied already changes nothing.
//   F2. The first valid measurement of the newest lease of a replicate counts; every other is kept as superseded.
//       A machine's fault is not a measurement while attempts are left: it ends the attempt like a lapse.
//   F3. A trial's first result stands.
//   F4. A fact that makes no sense here (a result of no trial) is counted as odd and changes nothing else.
//   F5. A stretch that nobody ended lasted until its newest fact: the time from there to the resume is nobody's.

export interface ReplicateRow {
  readonly replicate: ReplicateId;
  readonly attempts: Attempt[];
  measured: { readonly measurement: Measurement; readonly node: NodeId; readonly attempt: number; readonly heldMs: number; readonly seq: number; readonly at: number } | null;
}

export interface TrialRow {
  readonly trial: TrialId;
  readonly number: number;
  readonly proposal: Proposal;
  /** null for a rejected proposal: there is nothing to run. */
  readonly snapshot: BlobHash | null;
  readonly feedback: BlobHash | null;
  readonly clientId: string;
  readonly rejection: Rejection | null;
  readonly admittedAt: number;
  readonly admittedSeq: number;
  readonly replicates: Map<ReplicateId, ReplicateRow>;
  result: TrialResult | null;
  endedAt: number | null;
  /** Journal position at which this row last changed in a way a specialist may see. */
  seq: number;
}

export interface Lineage {
  applied: number;
  /** Ordinal of the newest term of a broker: whoever has it decides; 0 before the first. */
  term: number;
  started: (RunStarted & { readonly at: number }) | null;
  limits: Limits | null;
  calibration: Calibrated | null;
  claim: RunClaimed | null;
  /** Index n is the n-th best; 0 is the baseline. */
  readonly bests: RunBest[];
  readonly trials: Map<TrialId, TrialRow>;
  readonly byClientId: Map<string, TrialId>;
  readonly bySnapshot: Map<BlobHash, TrialId>;
  readonly children: Map<TrialId, TrialId[]>;
  readonly nodes: Map<NodeId, NodeEnrolled & { readonly boot: string; readonly seq: number }>;
  readonly handoffs: (Handoff & { readonly id: string; readonly seq: number })[];
  readonly operatorActs: (OperatorAct & { readonly at: number })[];
  paused: boolean;
  /** Reason once the run takes no more proposals; null while it does. */
  stopping: string | null;
  stopMode: StopMode | null;
  stopped: string | null;
  /** Ordinals for the next stopping, stopped, resumed and claim facts. */
  stops: number;
  stoppings: number;
  resumes: number;
  claims: number;
  /** Wall seconds of earlier stretches of this run, however they ended. */
  wallSecondsBefore: number;
  slotSeconds: number;
  readonly secondsBySpecialist: Map<string, number>;
  /** What thinking took: calls that are not settled count in full. */
  readonly tokens: { tokens: number; money: number };
  readonly thinkingBySpecialist: Map<string, Cost>;
  /** What was thought with a model, and what was agreed between two owners. */
  readonly sessions: Sessions;
  superseded: number;
  odd: number;
  lastKeepAt: number | null;
  /** Server time of the start or of the last resume, and of the newest fact; their difference is this stretch's age. */
  startedAt: number | null;
  newestAt: number;
  nextNumber: number;
  /** Trials with a confirm replicate, in order of the first; their spread is the run's noise. */
  readonly confirmed: TrialId[];
  /** Admitted trials without a result, in order. */
  readonly open: Set<TrialId>;
  /** Leases that are neither measured nor lapsed, by `trial.replicate`. */
  readonly leases: Map<string, Lease>;
  admittedCount: number;
  /** Set for a run that was measured elsewhere; null for our own. */
  imported: Imported | null;
}

/** Leases a replicate may use up before its trial is lost. */
export const MAX_ATTEMPTS = 3;

/** A lineage before its first fact. */
export const emptyLineage = (): Lineage => ({
  applied: 0, term: 0, started: null, limits: null, calibration: null, claim: null, bests: [], trials: new Map(), byClientId: new Map(), bySnapshot: new Map(),
  children: new Map(), nodes: new Map(), handoffs: [], operatorActs: [], paused: false, stopping: null, stopMode: null, stopped: null,
  stops: 0, stoppings: 0, resumes: 0, claims: 0, wallSecondsBefore: 0, slotSeconds: 0, secondsBySpecialist: new Map(), tokens: { tokens: 0, money: 0 }, thinkingBySpecialist: new Map(), sessions: noSessions(), superseded: 0, odd: 0, lastKeepAt: null, startedAt: null, newestAt: 0, nextNumber: 1, admittedCount: 0, confirmed: [], open: new Set(), leases: new Map(), imported: null,
});

/** Whether a node's signature holds; supplied from outside because the domain does no cryptography. */
export type Verify = (publicKey: string, signed: { run: string; trial: string; replicate: string; attempt: number; node: string; measurement: Measurement }, signature: string) => boolean;

/** The best trial so far with its score; null before the baseline has a result. */
export const best = (lineage: Lineage): RunBest | null => lineage.bests.at(-1) ?? null;

/** Trials that count against the trial limit: admitted ones, the baseline not among them. */
export const countTrials = (lineage: Lineage): number => lineage.admittedCount;

/** Adds one fact, in place because a lineage may hold a hundred thousand trials. Answers whether it changed anything. */
export function grow(lineage: Lineage, fact: Fact, run: string, verify: Verify): boolean {
  if (fact.seq <= lineage.applied) return false; // F1
  const lastAt = lineage.newestAt;
  lineage.applied = fact.seq;
  lineage.newestAt = fact.at;
  switch (fact.word) {
    case 'run.started': {
      lineage.started = { ...fact.body, at: fact.at };
      lineage.limits = fact.body.limits;
      lineage.lastKeepAt = fact.at;
      lineage.startedAt = fact.at;
      return true;
    }
    case 'run.calibrated': lineage.calibration = fact.body; return true;
    case 'run.best': {
      if (Number(fact.ids[0]) !== lineage.bests.length) return odd(lineage);
      lineage.bests.push(fact.body);
      if (lineage.bests.length > 1) lineage.lastKeepAt = fact.at;
      return true;
    }
    case 'run.claimed': lineage.claim = fact.body; lineage.claims += 1; return true;
    case 'run.stopping': {
      lineage.stopping = fact.body.reason;
      lineage.stopMode = fact.body.mode;
      lineage.stoppings += 1;
      return true;
    }
    case 'run.stopped': {
      for (const { trial, replicate, attempt } of lineage.leases.values()) chargeUntil(lineage, attemptOf(lineage, trial, replicate, attempt), fact);
      lineage.stopped = fact.body.reason;
      lineage.wallSecondsBefore = fact.body.wallSeconds;
      lineage.stops += 1;
      return true;
    }
    case 'run.resumed': {
      if (lineage.stopped === null && lineage.startedAt !== null) lineage.wallSecondsBefore += (lastAt - lineage.startedAt) / 1000; // F5
      lineage.limits = fact.body.limits;
      lineage.stopping = null; lineage.stopMode = null; lineage.stopped = null; lineage.paused = false;
      lineage.startedAt = fact.at;
      lineage.resumes += 1;
      lineage.lastKeepAt = fact.at;
      unstall(lineage.sessions);
      return true;
    }
    case 'broker.took': {
      if (Number(fact.ids[0]) <= lineage.term) return odd(lineage);
      lineage.term = Number(fact.ids[0]);
      return true;
    }
    case 'node.enrolled': {
      const before = lineage.nodes.get(fact.ids[0]);
      const goesOn = fact.body.drained !== undefined && before?.publicKey === fact.body.publicKey; // the same start, with fewer slots
      lineage.nodes.set(fact.ids[0], { ...fact.body, boot: fact.ids[1], seq: goesOn ? before.seq : fact.seq });
      return true;
    }
    case 'trial.admitted': {
      const [trial] = fact.ids;
      if (lineage.trials.has(trial)) return odd(lineage);
      addRow(lineage, { trial, proposal: fact.body.proposal, snapshot: fact.body.snapshot, feedback: fact.body.feedback, clientId: fact.body.clientId, rejection: null }, fact);
      lineage.bySnapshot.set(fact.body.snapshot, lineage.bySnapshot.get(fact.body.snapshot) ?? trial);
      lineage.open.add(trial);
      if (trial !== BASELINE) lineage.admittedCount += 1;
      return carryOut(lineage.sessions, trial, fact.body.proposal) || odd(lineage);
    }
    case 'trial.rejected': {
      const [trial] = fact.ids;
      if (lineage.trials.has(trial)) return odd(lineage);
      addRow(lineage, { trial, proposal: fact.body.proposal, snapshot: null, feedback: null, clientId: fact.body.clientId, rejection: fact.body.rejection }, fact);
      return true;
    }
    case 'lease.granted': {
      const row = lineage.trials.get(fact.ids[0]);
      if (!row || row.snapshot === null) return odd(lineage);
      const replicate: ReplicateRow = row.replicates.get(fact.ids[1]) ?? { replicate: fact.ids[1], attempts: [], measured: null };
      row.replicates.set(fact.ids[1], replicate);
      if (Number(fact.ids[2]) !== replicate.attempts.length + 1) return odd(lineage);
      replicate.attempts.push({ lease: fact.body, seq: fact.seq, lapsed: null, age: ageOf(lineage, fact.at), seconds: 0, chargedSeq: fact.seq });
      lineage.leases.set(`${fact.ids[0]}.${fact.ids[1]}`, fact.body);
      return true;
    }
    case 'lease.lapsed': {
      const attempt = attemptOf(lineage, fact.ids[0], fact.ids[1], Number(fact.ids[2]));
      if (!attempt) return odd(lineage);
      attempt.lapsed ??= fact.body.reason;
      const held = lineage.leases.get(`${fact.ids[0]}.${fact.ids[1]}`);
      if (held?.attempt !== Number(fact.ids[2])) return true;
      lineage.leases.delete(`${fact.ids[0]}.${fact.ids[1]}`);
      chargeUntil(lineage, attempt, fact);
      return true;
    }
    case 'trial.measured': {
      const [trial, replicateId, attemptToken, node] = fact.ids;
      const replicate = lineage.trials.get(trial)?.replicates.get(replicateId);
      const newest = replicate?.attempts.at(-1);
      if (!replicate || !newest) return odd(lineage);
      const attempt = Number(attemptToken);
      const publicKey = lineage.nodes.get(node)?.publicKey;
      const { measurement, signature } = fact.body;
      const counts = replicate.measured === null && attempt === replicate.attempts.length && newest.lease.node === node // F2
        && publicKey !== undefined && verify(publicKey, { run, trial, replicate: replicateId, attempt, node, measurement }, signature);
      if (!counts) { lineage.superseded += 1; return true; }
      lineage.leases.delete(`${trial}.${replicateId}`);
      charge(lineage, { attempt: newest, heldSeconds: fact.body.heldMs / 1000, author: payerFor(lineage, trial, replicateId), seq: fact.seq });
      if (measurement.failure?.kind === 'harness_abort' && attempt < MAX_ATTEMPTS) { newest.lapsed ??= measurement.failure.reason; return true; } // F2
      if (newest.lease.purpose === 'confirm' && !lineage.confirmed.includes(trial)) lineage.confirmed.push(trial);
      replicate.measured = { measurement, node, attempt, heldMs: fact.body.heldMs, seq: fact.seq, at: fact.at };
      return true;
    }
    case 'trial.result': {
      const row = lineage.trials.get(fact.ids[0]);
      if (!row || row.result !== null) return odd(lineage); // F3
      row.result = fact.body;
      lineage.open.delete(row.trial);
      row.endedAt = fact.at;
      row.seq = fact.seq;
      return true;
    }
    case 'handoff.offered': lineage.handoffs.push({ ...fact.body, id: fact.ids[0], seq: fact.seq }); return true;
    case 'operator.acted': {
      lineage.operatorActs.push({ ...fact.body, at: fact.at });
      if (fact.body.act === 'pause') lineage.paused = true;
      if (fact.body.act === 'resume') lineage.paused = false;
      if (fact.body.limits !== null) { lineage.limits = fact.body.limits; unstall(lineage.sessions, 'limit'); }
      return true;
    }
    case 'session.opened': case 'session.ended': case 'call.reserved': case 'call.settled': case 'specialist.stalled': case 'specialist.recovered': case 'joint.offered': case 'joint.answered':
      return growSessions(lineage.sessions, fact, { run, spend: (specialist, more) => { spend(lineage, specialist, more); } }) || odd(lineage);
    default: return fact satisfies never;
  }
}

const attemptOf = (lineage: Lineage, trial: TrialId, replicate: ReplicateId, ordinal: number): Attempt | undefined => lineage.trials.get(trial)?.replicates.get(replicate)?.attempts[ordinal - 1];

/** Charges a lease that nothing measured with what it held up to now. */
function chargeUntil(lineage: Lineage, attempt: Attempt | undefined, { at, seq }: Fact): void {
  if (attempt) charge(lineage, { attempt, heldSeconds: ageOf(lineage, at) - attempt.age, author: payerFor(lineage, attempt.lease.trial, attempt.lease.replicate), seq });
}

function odd(lineage: Lineage): boolean { // F4
  lineage.odd += 1;
  return true;
}

function addRow(lineage: Lineage, row: Pick<TrialRow, 'trial' | 'proposal' | 'snapshot' | 'feedback' | 'clientId' | 'rejection'>, fact: Fact): void {
  const number = trialNumber(row.trial);
  const ended = row.rejection !== null;
  if (!lineage.sessions.rows.has(row.proposal.session ?? '')) spend(lineage, row.proposal.specialist, row.proposal);
  lineage.trials.set(row.trial, { ...row, number, admittedAt: fact.at, admittedSeq: fact.seq, replicates: new Map(), result: null, endedAt: ended ? fact.at : null, seq: fact.seq });
  lineage.byClientId.set(row.clientId, row.trial);
  lineage.nextNumber = Math.max(lineage.nextNumber, number + 1);
  if (row.trial === BASELINE) return;
  const siblings = lineage.children.get(row.proposal.parent);
  if (siblings) siblings.push(row.trial); else lineage.children.set(row.proposal.parent, [row.trial]);
}

/** Status of a row as people read it: null while it is queued or being measured. */
export const statusOf = (row: TrialRow): TrialResult['status'] | null => (row.rejection !== null ? 'rejected' : row.result?.status ?? null);

/** A row's status as it is printed: a trial that has none is waiting, or, in an imported run, could not be read. */
export const statusWord = (lineage: Lineage, row: TrialRow): string => statusOf(row) ?? (lineage.imported === null ? 'waiting' : 'damaged');

/** Trials from the baseline to `trial`, by parents. */
export function chain(lineage: Lineage, trial: TrialId): TrialRow[] {
  const rows: TrialRow[] = [];
  for (let row = lineage.trials.get(trial); row && rows.length <= lineage.trials.size; row = row.trial === BASELINE ? undefined : lineage.trials.get(row.proposal.parent)) rows.unshift(row);
  return rows;
}
