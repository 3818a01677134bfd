import type { CallSettled, SpecialistStalled } from '../../../domain/session.ts';
import { neutralise } from '../../../domain/quote.ts';
import { counted, oneLine } from '../../../domain/figures.ts';
import type { Bus } from '../../../ports.ts';
import { EndSession, LONGEST_PROMPT, OpenSession, ReserveCall, SettleCall, StallSpecialist } from '../../../protocols/session.ts';
import type { Session } from './state.ts';

// What a session says to the broker: that it begins, what a call may cost and did, how it ended, and that its specialist cannot think.
//
//   B1. Everything is said so that saying it twice changes nothing.
//   B2. A specialist's own budget is held here against what the journal says it spent, sessions of earlier processes included.

/** No attempt is made for now: who runs the session rests longer, and goes on. */
export class Unreachable extends Error {
  readonly kind: string;
  constructor(kind: string, message: string) { super(message); this.name = 'Unreachable'; this.kind = kind; }
}

/** The run takes no more. */
export class RunClosed extends Error {
  constructor(reason: string) { super(reason); this.name = 'RunClosed'; }
}

/** The broker knows no such session, or has seen it end: its copy here is of no use. */
export class SessionGone extends Error {
  constructor(reason: string) { super(reason); this.name = 'SessionGone'; }
}

interface Cost { readonly tokens: number; readonly money: number }
export interface Budget { readonly tokens: number | null; readonly money: number | null }
export type Reserved = { readonly kind: 'reserved'; readonly call: number } | { readonly kind: 'over'; readonly ending: 'capped' | 'submitted' | 'gave_up'; readonly reason: string };

/** One specialist's account with the broker. */
export interface Bursar {
  /** With the most that its first call may take. */
  open(session: Session, about: Cost & { readonly prompt: string }, signal: AbortSignal): Promise<{ readonly session: string; readonly calls: number }>;
  /** `prompt` is for a broker that has not seen the session open. */
  reserve(session: Session, worst: Cost & { readonly prompt: string }, signal: AbortSignal): Promise<Reserved>;
  settle(session: Session, call: number, settled: CallSettled, signal: AbortSignal): Promise<void>;
  end(session: Session, transcript: string, signal: AbortSignal): Promise<void>;
  /** Why its own budget takes no further session; null while it does. */
  spent(): string | null;
  stall(stalled: SpecialistStalled | null, signal: AbortSignal): Promise<void>;
}

const ASK_MS = 15_000;
/** Ordinals of calls that somebody else may have taken before it is taken for a fault. */
const MOST_TAKEN = 64;

/** Opens the account of one specialist. */
export function openBursar(bus: Bus, { run, specialist, model, budget }: { readonly run: string; readonly specialist: string; readonly model: string; readonly budget: Budget }): Bursar {
  const to = { run };
  const within = (signal: AbortSignal): { readonly timeoutMs: number; readonly signal: AbortSignal } => ({ timeoutMs: ASK_MS, signal });
  let before: { readonly at: string; readonly cost: Cost } | null = null; // spent in the run up to a moment of one session, what that session had spent then taken off
  let isSpent: string | null = null;
  let isWell = false; // what the journal says last is not known to a new process

  async function open(session: Session, { prompt, ...worst }: Cost & { readonly prompt: string }, signal: AbortSignal): Promise<{ session: string; calls: number }> {
    const answer = await bus.ask(OpenSession, to, { clientId: session.clientId, specialist, asOf: session.asOf, model: oneLine(neutralise(model)).slice(0, 200), prompt: plain(prompt).slice(0, LONGEST_PROMPT), worst }, within(signal)); // B1
    if (answer.kind === 'closed') throw new RunClosed(answer.reason);
    if (answer.kind === 'refused') throw new Unreachable('limit', answer.reason);
    before = { at: session.clientId, cost: { tokens: answer.spent.tokens - session.tokens, money: answer.spent.money - session.money } }; // B2
    return { session: answer.session, calls: answer.calls };
  }

  return {
    open,
    async reserve(session, { prompt, ...worst }, signal) {
      if (before?.at !== session.clientId) await open(session, { ...worst, prompt }, signal);
      const total = { tokens: (before?.cost.tokens ?? 0) + session.tokens, money: (before?.cost.money ?? 0) + session.money };
      isSpent = overdrawn(budget, total, worst);
      if (isSpent !== null) return { kind: 'over', ending: 'capped', reason: isSpent };
      for (let call = session.calls + 1; call <= session.calls + MOST_TAKEN; call++) {
        const answer = await bus.ask(ReserveCall, to, { session: session.session ?? '', call, ...worst }, within(signal)); // B1
        if (answer.kind === 'reserved') return { kind: 'reserved', call };
        if (answer.kind === 'closed') return { kind: 'over', ending: session.trials.length > 0 ? 'submitted' : 'gave_up', reason: answer.reason };
        if (answer.by === 'limit') throw new Unreachable('limit', answer.reason);
        if (answer.by === 'session') throw new SessionGone(answer.reason);
      }
      throw new SessionGone(`the calls of ${session.session} are taken by somebody else`);
    },
    async settle(session, call, settled, signal) {
      const answer = await bus.ask(SettleCall, to, { session: session.session ?? '', call, ...settled }, within(signal)); // B1
      if (answer.kind === 'refused') throw new SessionGone(answer.reason);
    },
    async end(session, transcript, signal) {
      const { ending, reason } = session.ending ?? { ending: 'failed' as const, reason: 'it ended without saying why' };
      const answer = await bus.ask(EndSession, to, { session: session.session ?? '', ending, reason: plain(oneLine(neutralise(reason))).slice(0, 400), trials: session.trials.slice(-16), repairs: session.repairs, transcript: plain(transcript).slice(0, LONGEST_PROMPT) }, within(signal)); // B1
      if (answer.kind === 'refused') throw new SessionGone(answer.reason);
    },
    spent: () => isSpent,
    async stall(now, signal) {
      if (now === null && isWell) return;
      await bus.ask(StallSpecialist, to, { specialist, stalled: now === null ? null : { cause: now.cause, reason: plain(oneLine(neutralise(now.reason))).slice(0, 400) } }, within(signal));
      isWell = now === null;
    },
  };
}

function overdrawn({ tokens, money }: Budget, total: Cost, worst: Cost): string | null {
  if (tokens !== null && total.tokens + worst.tokens > tokens) return `its budget of ${counted(tokens)} tokens does not cover the next call: ${counted(total.tokens)} are used, and it might take ${counted(worst.tokens)}`;
  if (money !== null && total.money + worst.money > money) return `its budget of ${money} does not cover the next call: ${total.money.toFixed(4)} is spent, and it might cost ${worst.money.toFixed(4)}`;
  return null;
}

/** Text as the journal takes it. */
const plain = (text: string): string => text.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, '\ufffd');
