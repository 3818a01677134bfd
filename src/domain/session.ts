import type { BlobHash, RunId, TrialId } from './ids.ts';

// What the journal holds of a specialist that thinks with a model. A session is one conversation: feedback in, at most a few trials out.
//
//   S1. What a call may cost is reserved before it is made and settled after; what was reserved and never settled counts in full.
//   S2. A session's exact prompt and its whole conversation are kept, whatever came of it.

/** A session began. */
export interface SessionOpened {
  readonly specialist: string;
  /** Journal position of the feedback in its prompt. */
  readonly asOf: number;
  /** Model and endpoint, as a person would name them; never a key. */
  readonly model: string;
  /** Blob with the exact text the model is told first. */
  readonly prompt: BlobHash;
  /** Chosen by the specialist: asked twice, it is one session. */
  readonly clientId: string;
}

/** What thinking takes. */
export interface Cost { readonly tokens: number; readonly money: number }

/** Nothing was thought. */
export const NO_COST: Cost = { tokens: 0, money: 0 };

/** Two costs together. */
export const plus = (a: Cost, b: Cost): Cost => ({ tokens: a.tokens + b.tokens, money: a.money + b.money });

/** The most one call may cost. */
export interface CallReserved extends Cost {}

/** What one call did cost. */
export interface CallSettled {
  readonly input: number; readonly cached: number; readonly output: number; readonly money: number;
  /** False: the endpoint did not say how much, and it was estimated. */
  readonly isMeasured: boolean;
  readonly ended: 'answered' | 'failed';
  /** Why it failed, in a line; empty for an answer. */
  readonly why: string;
}

/** How a session ended: `submitted` by its trials' results, any other by something else, before a trial or after one. */
export const SESSION_ENDINGS = ['submitted', 'gave_up', 'malformed', 'capped', 'failed', 'lost'] as const;
export type SessionEnding = (typeof SESSION_ENDINGS)[number];

export interface SessionEnded {
  readonly ending: SessionEnding;
  readonly reason: string;
  readonly trials: readonly TrialId[];
  /** Replies that were not what they should be, and were asked for again. */
  readonly repairs: number;
  /** Blob with every turn; null when it was lost. */
  readonly transcript: BlobHash | null;
}

/** Why a specialist cannot think, for each whether time may heal it: a key is not mended by waiting, a limit may be raised and an endpoint come back. */
export const STALLS = { endpoint: true, limit: true, model: true, budget: false, key: false, proposer: false } as const;
export type StallCause = keyof typeof STALLS;

/** A specialist cannot think for now, while the others go on. `limit` is the run's, `budget` its own. */
export interface SpecialistStalled { readonly cause: StallCause; readonly reason: string }

/** A trial that needs two owners, as one of them drafted it. */
export interface JointOffered {
  readonly from: string;
  readonly to: string;
  readonly parent: TrialId;
  readonly hypothesis: string;
  readonly expectedDelta: number;
  readonly patch: string;
  readonly clientId: string;
}

/** What the other owner said: an accepted draft is a trial, amended or not. */
export interface JointAnswered { readonly by: string; readonly answer: 'accepted' | 'declined'; readonly reason: string; readonly trial: TrialId | null }

/** One session as the journal tells it. */
export interface SessionRow {
  readonly session: string;
  readonly run: RunId;
  readonly opened: SessionOpened;
  readonly openedAt: number;
  readonly calls: Map<number, { readonly reserved: CallReserved; settled: CallSettled | null }>;
  ended: SessionEnded | null;
  endedAt: number | null;
}

/** What a call did cost. */
export const costOf = ({ input, output, money }: CallSettled): Cost => ({ tokens: input + output, money });

/** Tokens and money of a session so far: what was settled, and in full what was reserved and not settled. */
export const spentOn = (session: SessionRow): Cost => [...session.calls.values()].reduce((sum, { reserved, settled }) => plus(sum, settled ? costOf(settled) : reserved), NO_COST); // S1

/** One session as an object for machines. */
export const sessionObject = (row: SessionRow): Readonly<Record<string, unknown>> =>
  ({ run: row.run, session: row.session, ...row.opened, ...spentOn(row), calls: [...row.calls].map(([call, each]) => ({ call, ...each })), ended: row.ended });

/** The id of the n-th session of a run, counted from 1. */
export const sessionId = (n: number): string => `s${String(n).padStart(4, '0')}`;

/** The id of the n-th draft for two owners, counted from 1. */
export const jointId = (n: number): string => `j${String(n).padStart(4, '0')}`;
