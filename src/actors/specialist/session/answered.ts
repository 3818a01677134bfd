import { moneyOf, type Answer, type Price, type ToolCall, type Usage } from '../../../domain/conversation.ts';
import { cutMiddle, wellFormed } from '../../../domain/cut.ts';
import { oneLine } from '../../../domain/figures.ts';
import type { CallSettled } from '../../../domain/session.ts';
import type { Session } from './state.ts';

/** What a model may write beside its calls, and for one call, in bytes; more is cut, and then a call can no longer be read. */
const TEXT_BYTES = 32_768;
const INPUT_BYTES = 1_000_000;
/** Calls of one answer that are kept. */
const MOST_CALLS = 64;

/** What a call did cost, for the journal. */
export function settledBy(usage: Usage, price: Price | null, ended: CallSettled['ended'], why: string): CallSettled {
  const { input, cached, output, isMeasured } = usage;
  return { input, cached, output, isMeasured, money: price === null ? 0 : Math.max(0, moneyOf(usage, price)), ended, why: oneLine(wellFormed(why)).slice(0, 300) };
}

/** A session after its model answered. */
export function answered(session: Session, { text, calls, ended, usage }: Answer, settled: CallSettled): Session {
  const seen = new Set<string>();
  const kept = calls.slice(0, MOST_CALLS).map(({ id, tool, input }, i): ToolCall => {
    const plain = /^[\w.:-]{1,64}$/.test(id) && !seen.has(id) ? id : `call-${session.answers + 1}-${i}`; // an answer to a call is found by its id
    seen.add(plain);
    return { id: plain, tool: wellFormed(tool).slice(0, 200), input: cutMiddle(wellFormed(input), INPUT_BYTES, 'too long') };
  });
  const turns = [...session.turns, { role: 'model' as const, text: cutMiddle(wellFormed(text), TEXT_BYTES, 'too long'), calls: kept }];
  return {
    ...session, turns, answers: session.answers + 1, endedBy: ended, open: null, failures: 0, pauseMs: null, trouble: null,
    counted: usage.isMeasured ? { tokens: usage.input + usage.output, turns: turns.length } : null,
    tokens: session.tokens + settled.input + settled.output, money: session.money + settled.money,
  };
}
