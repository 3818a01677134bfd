import type { Answer, Question } from '../../domain/conversation.ts';
import { ModelFailed, type Model } from '../../ports.ts';
import { actionIn, formatOf } from './action.ts';
import { openClient } from './client.ts';
import { collect } from './collect.ts';
import { dialectOf, otherwise, type Dialect } from './dialect.ts';
import { brokenOf, isTooLong, quoted } from './failure.ts';
import { maskWhole } from './mask.ts';
import { messagesOf, toldIn } from './messages.ts';
import { nameOf, type ModelOptions } from './options.ts';
import { openTransport } from './transport.ts';

export { METHODS, REASONING, nameOf, type Method, type ModelOptions, type Reasoning } from './options.ts';

// A model behind an OpenAI-compatible endpoint.
//
//   M1. One question is one request: nothing is tried again here, because every attempt is reserved and settled by whoever asks. Only a question that was
//       refused unread, for the name of a parameter, is asked once more by the other name; that is remembered.
//   M2. What a model says is handed on as text; nothing of it is believed, and nothing is stripped but the key.
//   M3. Nothing but the endpoint hears of it: no tracing, whatever the environment says.
//   M4. A signal is obeyed at once, whatever the client above the connection is doing.

/** Beyond this a stream is no answer, however wordy its events: that of a token weighs a few hundred bytes. */
const MOST_BYTES = 2e6;
const BYTES_OF_A_TOKEN = 1000;

const TRACING = ['LANGSMITH_TRACING', 'LANGSMITH_TRACING_V2', 'LANGCHAIN_TRACING', 'LANGCHAIN_TRACING_V2'];

/** Opens a model; nothing is asked of it before the first question. */
export function openModel(options: ModelOptions): Model {
  for (const variable of TRACING) process.env[variable] = 'false'; // M3
  const name = nameOf(options);
  let dialect = dialectOf(options.baseURL);
  return {
    name, price: options.price, told: (question) => toldIn(question, options.method),
    async ask(question, { signal, onProgress }) {
      for (;;) {
        try {
          return await ask(options, dialect, question, signal, onProgress);
        } catch (error) {
          const other = error instanceof ModelFailed ? otherwise(dialect, error) : null; // M1
          if (other === null) throw error;
          dialect = other;
        }
      }
    },
  };
}

async function ask(options: ModelOptions, dialect: Dialect, question: Question, signal: AbortSignal, onProgress: (characters: number) => void): Promise<Answer> {
  signal.throwIfAborted();
  const { key, method } = options;
  const name = nameOf(options);
  const call = new AbortController(); // the client above never takes its listeners back, and a signal may outlive many calls
  const over = new AbortController();
  const transport = openTransport({ name, baseURL: options.baseURL, key, patience: options.patience, signal: call.signal, mostBytes: MOST_BYTES + question.mostTokens * BYTES_OF_A_TOKEN });
  const client = openClient(options, dialect, transport.fetch);
  const answer = collect(name, question.mostTokens);
  const usage = () => answer.usage(transport.sent());
  const listen = async (): Promise<void> => {
    const form = { tools: method === 'tools' ? question.tools : [], format: formatOf(question.tools, method), mostTokens: question.mostTokens };
    for await (const piece of await client.pieces(messagesOf(question, method), form, call.signal)) onProgress(answer.take(piece));
  };
  const aborted = new Promise<never>((_, reject) => { signal.addEventListener('abort', () => { call.abort(signal.reason); reject(signal.reason); }, { once: true, signal: over.signal }); });
  try {
    await Promise.race([listen(), aborted]); // M4
    signal.throwIfAborted();
    const trouble = transport.trouble();
    if (trouble) throw trouble;
  } catch (error) {
    signal.throwIfAborted();
    throw failedBy(error);
  } finally { over.abort(); }
  if (!answer.isWhole()) throw new ModelFailed('cut', `${name} ended its answer without saying that it was all`, { usage: usage() });
  const { text, calls, ...rest } = answer.answer({ requestBytes: transport.sent(), firstId: `call-${question.turns.length}` });
  const action = method === 'tools' || calls.length > 0 ? { text, calls } : actionIn(text, `call-${question.turns.length}-0`);
  return {
    ...rest, text: maskWhole(action.text, key), calls: action.calls.map(({ id, tool, input }) => ({ id: maskWhole(id, key), tool: maskWhole(tool, key), input: maskWhole(input, key) })), // M2
    ended: action.calls.length > 0 && rest.ended === 'stop' ? 'calls' : rest.ended,
  };

  function failedBy(error: unknown): ModelFailed {
    const failed = transport.trouble() ?? (error instanceof ModelFailed ? error : null);
    if (failed) return failed.usage ? failed : new ModelFailed(failed.kind, failed.message, { retryAfterMs: failed.retryAfterMs, hasRemedy: failed.hasRemedy, usage: usage() });
    if (isOfNetwork(error)) return brokenOf({ name, error, isAnswering: transport.isAnswering(), key, usage: usage() });
    const says = quoted(error instanceof Error ? error.message : String(error), key);
    if (error instanceof SyntaxError) return new ModelFailed('garbled', `${name} answered what is no JSON`, { usage: usage() });
    if (isTooLong(says)) return new ModelFailed('length', `${name} gave up in the midst of an answer: ${says}`, { usage: usage() });
    return new ModelFailed(transport.isAnswering() && /^Error|APIError/.test(error instanceof Error ? error.constructor.name : '') ? 'server' : 'garbled', `${name} gave up in the midst of an answer: ${says}`, { usage: usage() });
  }
}

/** What the connection itself threw, under whatever the client made of it. */
const isOfNetwork = (error: unknown): boolean => error instanceof Error && (error.constructor.name === 'APIConnectionError' || error.constructor.name === 'APIConnectionTimeoutError' || (error instanceof TypeError && /terminated|fetch failed|network/i.test(error.message)));
