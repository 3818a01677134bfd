import type { Question } from '../../../domain/conversation.ts';
import { oneLine } from '../../../domain/figures.ts';
import type { SessionLimits } from '../../../domain/prompt.ts';
import { neutralise } from '../../../domain/quote.ts';
import type { Clock, Model } from '../../../ports.ts';
import { ModelFailed } from '../../../ports.ts';
import { answered, settledBy } from './answered.ts';
import { longer } from './elision.ts';
import type { Session } from './state.ts';

// One call to the model that was reserved.
//
//   K1. It takes no longer than what is left of the session's time, however its endpoint trickles; then the session is over.
//   K2. What came of it is written down before it is settled: an answer that was paid for is never asked for again because the broker was away.
//   K3. A question that the model finds too long is asked again without what is oldest in it, until nothing is left to leave out.

/** No timer of Node waits longer. */
const LONGEST_MS = 2_000_000_000;

export interface Asking {
  readonly model: Model;
  readonly clock: Clock;
  readonly limits: SessionLimits;
  /** How long to rest after so many attempts in a row without an answer; null for: no more now. */
  readonly restMs: (failure: Pick<ModelFailed, 'kind' | 'retryAfterMs'>, failures: number) => number | null;
}

/** A session after its call was made, well or not; it is still to be settled. */
export async function makeCall(session: Session, question: Question, { model, clock, limits, restMs }: Asking, signal: AbortSignal): Promise<Session> {
  const { open } = session;
  if (open === null) return session;
  const outOfTime = new ModelFailed('timeout', `${model.name} was still answering when the ${limits.seconds} s of thinking of this session were over`);
  const late = new AbortController();
  const done = new AbortController();
  clock.wait(Math.min(LONGEST_MS, Math.max(0, limits.seconds * 1000 - session.thoughtMs)), done.signal).then(() => late.abort(outOfTime), () => undefined); // K1
  try {
    const answer = await model.ask(question, { signal: AbortSignal.any([signal, late.signal]), onProgress: () => undefined });
    const settled = settledBy(answer.usage, model.price, 'answered', '');
    return { ...answered(session, answer, settled), unsettled: { call: open.call, settled } }; // K2
  } catch (error) {
    if (signal.aborted || !(error instanceof ModelFailed)) throw error;
    const trouble = { kind: error.kind, message: oneLine(neutralise(error.message)).slice(0, 300) };
    const most = { input: Math.max(0, open.tokens - question.mostTokens), cached: 0, output: Math.min(open.tokens, question.mostTokens), isMeasured: false };
    const settled = error === outOfTime ? { ...settledBy(most, null, 'failed', trouble.message), money: open.money } // what it used is not known: the most it could
      : settledBy(error.usage ?? { input: 0, cached: 0, output: 0, isMeasured: false }, model.price, 'failed', `${error.kind}: ${error.message}`);
    const failed: Session = { ...session, open: null, trouble, unsettled: { call: open.call, settled }, tokens: session.tokens + settled.input + settled.output, money: session.money + settled.money };
    if (error === outOfTime) return { ...failed, ending: { ending: 'capped', reason: trouble.message } };
    if (error.kind === 'length') return longer(failed); // K3
    const failures = session.failures + 1;
    return { ...failed, failures, pauseMs: restMs(error, failures) ?? -1 };
  } finally { done.abort(); }
}
