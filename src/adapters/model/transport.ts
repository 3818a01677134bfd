import { ModelFailed } from '../../ports.ts';
import { failureOf, quoted } from './failure.ts';

// The one way out to an endpoint, for one call.
//
//   T1. Nothing but the endpoint is talked to: no other address, no redirect.
//   T2. A reply is bounded in bytes, and so is every silence in it.
//   T3. What went wrong here is remembered: the client above wraps it in errors of its own, or swallows it.

/** As much of a refusal as is read. */
const MOST_OF_REFUSAL = 64 * 1024;
/** The client above looks at a line again from its start whenever more of it comes. */
const LONGEST_LINE = 1e6;
const NEWLINE = 10;

export interface Transport {
  readonly fetch: typeof globalThis.fetch;
  /** What went wrong, once something did. */
  readonly trouble: () => ModelFailed | null;
  /** Bytes of the request, once it was made. */
  readonly sent: () => number;
  /** Whether the endpoint has begun to answer. */
  readonly isAnswering: () => boolean;
}

interface TransportOptions {
  readonly name: string; readonly baseURL: string; readonly key: string | null; readonly mostBytes: number; readonly signal: AbortSignal;
  readonly patience: { readonly firstSeconds: number; readonly silenceSeconds: number };
}

/** Opens the way out for one call; whoever aborts the signal breaks it. */
export function openTransport({ name, baseURL, key, mostBytes, signal, patience }: TransportOptions): Transport {
  const base = baseURL.replace(/\/+$/, '');
  let trouble: ModelFailed | null = null;
  let sent = 0;
  let isAnswering = false;
  const fail = (failed: ModelFailed): ModelFailed => (trouble ??= failed); // T3

  const ask: typeof globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    if (url !== `${base}/chat/completions`) throw fail(new ModelFailed('refused', `${name} is asked at ${base} and nowhere else`)); // T1
    const headers = new Headers(init?.headers);
    if (key === null) headers.delete('authorization');
    for (const header of [...headers.keys()]) if (header.startsWith('x-stainless-') || header.startsWith('openai-')) headers.delete(header); // what machine this is, is nobody's business
    sent = typeof init?.body === 'string' ? Buffer.byteLength(init.body) : 0;

    const breaking = new AbortController();
    const both = AbortSignal.any([signal, breaking.signal, ...(init?.signal ? [init.signal] : [])]);
    const late = (seconds: number, says: string): NodeJS.Timeout => setTimeout(() => breaking.abort(fail(new ModelFailed('timeout', `${name} ${says} ${seconds} s`))), seconds * 1000);
    let waiting = late(patience.firstSeconds, 'did not begin to answer for');
    try {
      const response = await globalThis.fetch(url, { ...init, headers, signal: both, redirect: 'manual' });
      const type = response.headers.get('content-type') ?? 'nothing';
      if (!response.ok) throw fail(failureOf({ name, status: response.status, headers: response.headers, body: await beginningOf(response, MOST_OF_REFUSAL), key, now: Date.now() }));
      if (!type.startsWith('text/event-stream')) throw fail(new ModelFailed('garbled', `${name} answered with ${quoted(type, key)} where a stream of events was asked for: check that baseURL is that of a chat-completions API which streams, mostly ending in /v1`, { hasRemedy: true }));
      let [received, ofLine] = [0, 0];
      const counted = new TransformStream<Uint8Array, Uint8Array>({
        transform(piece, out) { // T2
          clearTimeout(waiting);
          waiting = late(patience.silenceSeconds, 'went silent in the midst of an answer for');
          isAnswering = true;
          received += piece.length;
          ofLine = piece.includes(NEWLINE) ? piece.length - 1 - piece.lastIndexOf(NEWLINE) : ofLine + piece.length;
          if (ofLine > LONGEST_LINE) throw fail(new ModelFailed('garbled', `${name} answered with a line of more than ${LONGEST_LINE} bytes: whatever it is, it is no answer`));
          if (received > mostBytes) throw fail(new ModelFailed('garbled', `${name} answered more than ${mostBytes} bytes: whatever it is, it is no answer`));
          out.enqueue(piece);
        },
        flush() { clearTimeout(waiting); },
      });
      both.addEventListener('abort', () => clearTimeout(waiting), { once: true });
      return new Response(response.body?.pipeThrough(counted, { signal: both }) ?? null, { status: response.status, headers: { 'content-type': type } });
    } catch (error) {
      clearTimeout(waiting);
      throw error;
    }
  };
  return { fetch: ask, trouble: () => trouble, sent: () => sent, isAnswering: () => isAnswering };
}

/** The first bytes of a body, as text; what follows is not waited for. */
async function beginningOf(response: Response, mostBytes: number): Promise<string> {
  const reader = response.body?.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    while (reader && length < mostBytes) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      length += value.length;
    }
    await reader?.cancel();
  } catch { /* a refusal that breaks off is a refusal all the same */ }
  return new TextDecoder().decode(Buffer.concat(parts)).slice(0, mostBytes);
}
