import type { Answer, Turn } from '../../../domain/conversation.ts';
import type { CallSettled, SessionEnding } from '../../../domain/session.ts';

// Where a session stands: plain JSON, small enough to be written after every step.
//
//   T1. Everything that must survive the process is in it; what is not in it is only a copy of what others hold.
//   T2. What comes next follows from it alone.

/** A trial as its session asks for it. */
export interface Submission {
  /** Ordinal among the session's, from 1: `<session>/<n>` finds its row again. */
  readonly n: number;
  /** The tool call that the result answers. */
  readonly call: string;
  readonly tool: string;
  readonly parent: string;
  readonly asOf: number;
  readonly feedback: string | null;
  readonly hypothesis: string;
  readonly expectedDelta: number;
  readonly patch: string;
  readonly tokens: number;
  readonly money: number;
  readonly joint: { readonly draft: string; readonly with: string } | null;
}

/** Replies that are not what they should be, by kind; each is asked for again once. */
export type Fault = 'no-tool' | 'cut' | 'tool' | 'json' | 'input' | 'edit' | 'hypothesis' | 'duplicate' | 'empty';

/** One session. */
export interface Session {
  /** Chosen before the session has its id, so that asking for one twice gives one. */
  readonly clientId: string;
  readonly session: string | null;
  readonly system: string;
  readonly feedback: string | null;
  /** Journal position of what it was told. */
  readonly asOf: number;
  readonly parent: string;
  readonly snapshot: string;
  /** The recipe in work where it differs from its parent: path and text, null for a file that is gone. */
  readonly changes: readonly (readonly [path: string, text: string | null])[];
  /** The draft that the recipe in work began as; null for one's own. */
  readonly joint: { readonly draft: string; readonly with: string } | null;
  readonly turns: readonly Turn[];
  /** Long results of tools in turns before this one are told to the model in a word. */
  readonly elided: number;
  /** Tokens that the endpoint counted in the last question and its answer, and how many turns those were; null before the first count. */
  readonly counted: { readonly tokens: number; readonly turns: number } | null;
  readonly answers: number;
  /** How the last answer ended; null before the first. */
  readonly endedBy: Answer['ended'] | null;
  /** Ordinal of the last call that was reserved. */
  readonly calls: number;
  /** What was reserved and is not settled. */
  readonly open: { readonly call: number; readonly tokens: number; readonly money: number } | null;
  /** What a call did cost that the broker does not know yet. */
  readonly unsettled: { readonly call: number; readonly settled: CallSettled } | null;
  readonly tokens: number;
  readonly money: number;
  /** Spent before the last submission. */
  readonly billed: { readonly tokens: number; readonly money: number };
  readonly thoughtMs: number;
  /** Attempts in a row that got no answer, and how long to rest before the next. */
  readonly failures: number;
  readonly pauseMs: number | null;
  readonly trouble: { readonly kind: string; readonly message: string } | null;
  /** Faults that await a better reply, and how often one was asked for in all. */
  readonly faults: readonly Fault[];
  readonly repairs: number;
  readonly submissions: number;
  readonly pending: Submission | null;
  readonly trials: readonly string[];
  readonly ending: { readonly ending: SessionEnding; readonly reason: string } | null;
  readonly isOver: boolean;
}

/** A session before its first step. */
export const newSession = (given: Pick<Session, 'clientId' | 'system' | 'feedback' | 'asOf' | 'parent' | 'snapshot'>, opening: string): Session => ({
  ...given, session: null, changes: [], joint: null, turns: [{ role: 'user', text: opening }], elided: 0, counted: null, answers: 0, endedBy: null, calls: 0, open: null, unsettled: null, tokens: 0, money: 0, billed: { tokens: 0, money: 0 },
  thoughtMs: 0, failures: 0, pauseMs: null, trouble: null, faults: [], repairs: 0, submissions: 0, pending: null, trials: [], ending: null, isOver: false,
});

export type Step = 'open' | 'reserve' | 'rest' | 'ask' | 'settle' | 'act' | 'submit' | 'end' | 'over';

/** What a session does next. */
export function nextStep(session: Session): Step { // T2
  if (session.isOver) return 'over';
  if (session.session === null) return 'open';
  if (session.unsettled) return 'settle';
  if (session.ending !== null) return 'end';
  if (session.pending !== null) return 'submit';
  if (session.open !== null) return 'ask';
  if (session.pauseMs !== null) return 'rest';
  return session.turns.at(-1)?.role === 'model' ? 'act' : 'reserve';
}
