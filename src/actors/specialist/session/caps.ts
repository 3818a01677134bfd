import { mostOf, type Price, type Question } from '../../../domain/conversation.ts';
import { bytesOf } from '../../../domain/cut.ts';
import { counted, decimal } from '../../../domain/figures.ts';
import type { SessionLimits } from '../../../domain/prompt.ts';
import type { Session } from './state.ts';

/** No result of a tool is longer, in bytes. */
export const TOOL_BYTES = 16_384;

/** Bytes that a turn costs an endpoint beside its text. */
const FRAME_BYTES = 64;
const FREE: Price = { input: 0, cached: 0, output: 0 };

/** The most the next call can cost: what the endpoint counted itself is taken by its word, every byte since for a token. */
export function worstOf(session: Session, question: Question, price: Price | null): { readonly tokens: number; readonly money: number } {
  const paid = price ?? FREE;
  const known = session.counted;
  if (known === null) return mostOf(question, paid);
  const fresh = session.turns.slice(known.turns).reduce((sum, turn) => sum + bytesOf(JSON.stringify(turn)) + FRAME_BYTES, 0);
  const input = known.tokens + fresh;
  return { tokens: input + question.mostTokens, money: (input * paid.input + question.mostTokens * paid.output) / 1e6 };
}

/** Which cap of its own the next call would break, in words; null when none. */
export function capReached(session: Session, limits: SessionLimits, worst: { readonly tokens: number; readonly money: number }): string | null {
  if (session.answers >= limits.turns) return `${limits.turns} answers without an end`;
  if (session.thoughtMs >= limits.seconds * 1000) return `${counted(limits.seconds)} s of thinking are over`;
  const remedy = session.answers === 0 ? ': raise the limits of a session in the file of models, or none will have an answer' : '';
  if (session.tokens + worst.tokens > limits.tokens) return `${counted(session.tokens)} of ${counted(limits.tokens)} tokens are used, and the next answer might take ${counted(worst.tokens)}${remedy}`;
  if (limits.money !== null && session.money + worst.money > limits.money) return `${decimal(session.money, 4)} of ${limits.money} are spent, and the next answer might cost ${decimal(worst.money, 4)}${remedy}`;
  return null;
}

/** What the model is told when its next answer is its last but one, or its last, or may be, for want of tokens; empty before. `freshBytes` is what it was not told yet. */
export function lastCall(session: Session, limits: SessionLimits, freshBytes = 0): string {
  const left = limits.turns - session.answers;
  const next = session.counted === null ? 0 : session.counted.tokens + freshBytes + limits.output;
  const isShort = session.tokens + 2 * next > limits.tokens; // whoever re-reads all that was said runs out of these first
  if (left > 2 && !isShort) return '';
  return `\n\n(${left <= 1 ? 'Your next answer is the last' : isShort ? `${counted(session.tokens)} of ${counted(limits.tokens)} tokens are used, and your next answer may be the last` : 'Two answers are left'}: submit or give_up, or the session ends without a trial.)`;
}
