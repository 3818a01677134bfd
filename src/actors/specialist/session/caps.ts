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
  if (session.tokens + worst.tokens > limits.tokens) return `${counted(session.tokens)} of ${counted(limits.tokens)} tokens are used, and the next answer might take ${counted(worst.tokens)}`;
  if (limits.money !== null && session.money + worst.money > limits.money) return `${decimal(session.money, 4)} of ${limits.money} are spent, and the next answer might cost ${decimal(worst.money, 4)}`;
  return null;
}

/** What the model is told when its next answer is its last but one, or its last; empty before. */
export function lastCall(session: Session, limits: SessionLimits): string {
  const left = limits.turns - session.answers;
  return left > 2 ? '' : `\n\n(${left <= 1 ? 'Your next answer is the last' : 'Two answers are left'}: submit or give_up, or the session ends without a trial.)`;
}
