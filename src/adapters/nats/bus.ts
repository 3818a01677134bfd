import { headers, NoRespondersError, PermissionViolationError, RequestError, TimeoutError, type Msg, type NatsConnection } from 'nats';
import { NoAnswer, type Bus } from '../../ports.ts';
import { isUnderName, underName, type CommandMessage, type Ids } from '../../protocols/message.ts';
import { firstIssue } from './issue.ts';
import type { Endpoints } from './micro.ts';

// Commands and telemetry over core NATS.
//
//   C1. Nothing unparsed reaches a handler, and nothing unparsed is answered as if it were.
//   C2. A reply goes to an inbox: asking with any other reply-to could make the server say a fact in our name.
//   C3. One of several servers of a command answers; a command asked of everybody is served without a group.
//   C4. Who has a name of its own asks under it, which the server holds it to; a request that speaks for another is refused.

/** Who shares the work of one command. */
const GROUP = 'q';
const LARGEST = 1_000_000;
const INBOX = /^(_INBOX|_R_)\.[^*>\s]+$/;

/** What went wrong at the edge without stopping anything. */
export interface Refused { readonly kind: 'refused'; readonly subject: string; readonly reason: string }

/** The bus over one connection; `name` is what its key bears, where it bears one. */
export function natsBus(nc: NatsConnection, endpoints: Endpoints, report: (refused: Refused) => void, name: string | null = null): Bus {
  const serve = <S extends string, Q, A>(command: CommandMessage<S, Q, A>, ids: Partial<Ids<S>>, handler: (request: Q, ids: Ids<S>, by?: string) => Promise<A> | A, queue: string | null): AsyncDisposable => {
    const subject = command.filter(ids);
    const stats = endpoints.add(subject, queue);
    const running = new Set<Promise<void>>();
    const answer = async (message: Msg, isNamed: boolean): Promise<void> => {
      if (message.reply === undefined || !INBOX.test(message.reply)) { // C2
        report({ kind: 'refused', subject: message.subject, reason: `its reply-to ${JSON.stringify(message.reply ?? '')} is no inbox` });
        return;
      }
      const refuse = (code: string, reason: string): void => {
        const why = reason.slice(0, 400);
        const head = headers();
        head.set('Nats-Service-Error-Code', code);
        head.set('Nats-Service-Error', why.replace(/[^\x20-\x7e]/g, '?'));
        stats.failed(why);
        report({ kind: 'refused', subject: message.subject, reason: why });
        message.respond(JSON.stringify({ error: { code: Number(code), message: why } }), { headers: head });
      };
      const started = performance.now();
      try {
        const cut = message.subject.lastIndexOf('.');
        const by = isNamed ? message.subject.slice(cut + 1) : undefined;
        const named = command.idsOf(isNamed ? message.subject.slice(0, cut) : message.subject);
        if (named === null) return refuse('400', `${message.subject} is not ${subject}`);
        const read = readBody(message.data);
        if ('error' in read) return refuse('400', read.error);
        const request = command.request.safeParse(read.value); // C1
        if (!request.success) return refuse('400', `${message.subject}: ${firstIssue(request.error)}`);
        const speakers = command.speakers(request.data);
        if (by !== undefined && speakers.length > 0 && !speakers.includes(by)) return refuse('403', `${by} may not speak for ${speakers.join(' or ')}`); // C4
        const reply = command.reply.safeParse(await handler(request.data, named, by));
        if (!reply.success) return refuse('500', `the answer is not what the protocol says: ${firstIssue(reply.error)}`);
        const text = JSON.stringify(reply.data);
        if (Buffer.byteLength(text) > LARGEST) return refuse('500', `the answer has ${Buffer.byteLength(text)} bytes and a message may have ${LARGEST}`);
        message.respond(text);
        stats.answered(performance.now() - started);
      } catch (error) {
        try { refuse('500', error instanceof Error ? error.message : String(error)); } catch { /* the connection is closed: the asker hears nothing, as after a crash */ }
      }
    };
    const subscriptions = (isUnderName(command) ? [subject, underName(subject, '*')] : [subject]).map((each) => nc.subscribe(each, {
      ...(queue === null ? {} : { queue }),
      callback: (error, message) => {
        if (error) { report({ kind: 'refused', subject: each, reason: `cannot be served: ${error.message}` }); return; }
        const work = answer(message, each !== subject).finally(() => running.delete(work));
        running.add(work);
      },
    }));
    return {
      async [Symbol.asyncDispose]() {
        endpoints.remove(subject);
        const drained = nc.isClosed() ? Promise.resolve() : Promise.all(subscriptions.map((each) => each.drain().catch(() => {}))); // what the server already sent is still answered
        await Promise.race([drained.then(() => Promise.allSettled(running)), new Promise((resolve) => setTimeout(resolve, 2_000).unref())]);
      },
    };
  };

  return {
    async ask(command, ids, request, { timeoutMs, signal }) {
      const subject = name !== null && isUnderName(command) ? underName(command.subject(ids), name) : command.subject(ids); // C4
      const parsed = command.request.safeParse(request);
      if (!parsed.success) throw new NoAnswer(subject, 'refused', `${subject} was not asked: ${firstIssue(parsed.error)}`);
      const text = JSON.stringify(parsed.data);
      if (Buffer.byteLength(text) > LARGEST) throw new NoAnswer(subject, 'refused', `${subject} was not asked: ${Buffer.byteLength(text)} bytes and a message may have ${LARGEST}`);
      signal?.throwIfAborted();
      let message: Msg;
      try {
        message = await abortable(nc.request(subject, text, { timeout: Math.max(1, timeoutMs) }), signal);
      } catch (error) {
        signal?.throwIfAborted();
        throw unanswered(subject, timeoutMs, error);
      }
      const read = readBody(message.data);
      if (message.headers?.has('Nats-Service-Error')) {
        const why = 'value' in read ? messageOf(read.value) : null;
        throw new NoAnswer(subject, 'refused', why ?? message.headers.get('Nats-Service-Error'));
      }
      if ('error' in read) throw new NoAnswer(subject, 'unreadable', `${subject}: ${read.error}`);
      const reply = command.reply.safeParse(read.value); // C1
      if (!reply.success) throw new NoAnswer(subject, 'unreadable', `${subject}: the answer is not what the protocol says: ${firstIssue(reply.error)}`);
      return reply.data;
    },

    serve: (command, ids, handler) => serve(command, ids, handler, GROUP), // C3
    serveEach: (command, ids, handler) => serve(command, ids, handler, null),

    tell(message, ids, body) {
      const parsed = message.body.safeParse(body);
      const subject = message.subject(ids);
      if (!parsed.success) { report({ kind: 'refused', subject, reason: `not said: ${firstIssue(parsed.error)}` }); return; }
      if (!nc.isClosed() && !nc.isDraining()) nc.publish(subject, JSON.stringify(parsed.data));
    },

    listen(message, ids, handler) {
      const subscription = nc.subscribe(message.filter(ids), {
        callback: (error, received) => {
          if (error) { report({ kind: 'refused', subject: message.filter(ids), reason: `cannot be heard: ${error.message}` }); return; }
          const named = message.idsOf(received.subject);
          const read = readBody(received.data);
          const parsed = 'value' in read ? message.body.safeParse(read.value) : null;
          if (named === null || parsed === null || !parsed.success) {
            report({ kind: 'refused', subject: received.subject, reason: 'error' in read ? read.error : parsed?.error ? firstIssue(parsed.error) : 'not of this pattern' });
            return;
          }
          try { handler(parsed.data, named); } catch (thrown) { report({ kind: 'refused', subject: received.subject, reason: `its listener failed: ${String(thrown)}` }); }
        },
      });
      return { async [Symbol.asyncDispose]() { if (!nc.isClosed()) subscription.unsubscribe(); } };
    },
  };
}

/** An empty body is the empty string, because that is what a person types. */
function readBody(bytes: Uint8Array): { readonly value: unknown } | { readonly error: string } {
  if (bytes.length === 0) return { value: '' };
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown };
  } catch (error) {
    return { error: `the body is not JSON: ${String(error instanceof Error ? error.message : error).slice(0, 120)}` };
  }
}

function messageOf(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || !('error' in value)) return null;
  const { error } = value;
  return typeof error === 'object' && error !== null && 'message' in error && typeof error.message === 'string' ? error.message : null;
}

function unanswered(subject: string, timeoutMs: number, error: unknown): NoAnswer {
  const causes: unknown[] = [];
  for (let cause = error; cause instanceof Error; cause = cause.cause) causes.push(cause);
  if (causes.some((cause) => cause instanceof NoRespondersError) || (error instanceof RequestError && error.isNoResponders())) {
    return new NoAnswer(subject, 'nobody', `nobody serves ${subject}`, { cause: error });
  }
  if (causes.some((cause) => cause instanceof PermissionViolationError)) return new NoAnswer(subject, 'refused', `this process may not ask ${subject}: its key belongs to another role`, { cause: error });
  if (causes.some((cause) => cause instanceof TimeoutError)) return new NoAnswer(subject, 'timeout', `${subject} was not answered within ${timeoutMs} ms`, { cause: error });
  return new NoAnswer(subject, 'nobody', `${subject} could not be asked: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}

function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const stop = () => { reject(signal.reason as Error); };
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => { signal.removeEventListener('abort', stop); });
  });
}
