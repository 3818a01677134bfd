import { NoAnswer, type Bus, type Clock } from '../../ports.ts';

type Serve = (subject: string, text: string) => Promise<{ readonly answer: string } | { readonly refusal: string }>;
type Hear = (subject: string, text: string) => void;

const matches = (filter: string, subject: string): boolean => {
  const wanted = filter.split('.');
  const tokens = subject.split('.');
  return wanted.length === tokens.length && wanted.every((token, i) => token === '*' || token === tokens[i]);
};

const issue = (error: { readonly issues: readonly { readonly message: string }[] }): string => error.issues[0]?.message ?? 'does not fit its schema';

/** Commands and telemetry within this process: bodies cross as text and are parsed on both sides, as on the wire. */
export function memoryBus(clock: Clock): Bus {
  const servers = new Map<symbol, { readonly filter: string; readonly isEach: boolean; readonly serve: Serve }>();
  const listeners = new Map<symbol, { readonly filter: string; readonly hear: Hear }>();
  const leave = (from: Map<symbol, unknown>, key: symbol): AsyncDisposable => ({ async [Symbol.asyncDispose]() { from.delete(key); } });
  const serve = (isEach: boolean): Bus['serve'] => (command, ids, handler) => {
    const key = Symbol(command.pattern);
    servers.set(key, {
      filter: command.filter(ids), isEach,
      async serve(subject, text) {
        await Promise.resolve(); // never within the asker's own turn
        const named = command.idsOf(subject);
        const request = command.request.safeParse(JSON.parse(text));
        if (named === null || !request.success) return { refusal: `${subject}: ${request.error ? issue(request.error) : 'not of this pattern'}` };
        try {
          const reply = command.reply.safeParse(await handler(request.data, named));
          return reply.success ? { answer: JSON.stringify(reply.data) } : { refusal: `the answer is not what the protocol says: ${issue(reply.error)}` };
        } catch (error) {
          return { refusal: error instanceof Error ? error.message : String(error) };
        }
      },
    });
    return leave(servers, key);
  };
  return {
    serve: serve(false),
    serveEach: serve(true),

    async ask(command, ids, request, { timeoutMs, signal }) {
      const subject = command.subject(ids);
      signal?.throwIfAborted();
      const asked = command.request.safeParse(request);
      if (!asked.success) throw new NoAnswer(subject, 'refused', `${subject} was not asked: ${issue(asked.error)}`);
      const found = [...servers.values()].filter(({ filter }) => matches(filter, subject));
      const [server] = found;
      if (!server) throw new NoAnswer(subject, 'nobody', `nobody serves ${subject}`);
      const answered = new AbortController();
      const ended = signal ? AbortSignal.any([signal, answered.signal]) : answered.signal;
      const late = clock.wait(timeoutMs, ended).then(() => { throw new NoAnswer(subject, 'timeout', `${subject} was not answered within ${timeoutMs} ms`); });
      const reply = await Promise.race([...(server.isEach ? found : [server]).map((each) => each.serve(subject, JSON.stringify(asked.data))), late]).finally(() => { answered.abort(); late.catch(() => {}); });
      if ('refusal' in reply) throw new NoAnswer(subject, 'refused', reply.refusal);
      const read = command.reply.safeParse(JSON.parse(reply.answer));
      if (!read.success) throw new NoAnswer(subject, 'unreadable', `${subject}: the answer is not what the protocol says: ${issue(read.error)}`);
      return read.data;
    },

    tell(message, ids, body) {
      const parsed = message.body.safeParse(body);
      if (!parsed.success) return;
      const subject = message.subject(ids);
      const text = JSON.stringify(parsed.data);
      queueMicrotask(() => { for (const { filter, hear } of [...listeners.values()]) if (matches(filter, subject)) hear(subject, text); });
    },

    listen(message, ids, handler) {
      const key = Symbol(message.pattern);
      listeners.set(key, {
        filter: message.filter(ids),
        hear(subject, text) {
          const named = message.idsOf(subject);
          const parsed = message.body.safeParse(JSON.parse(text));
          if (named !== null && parsed.success) handler(parsed.data, named);
        },
      });
      return leave(listeners, key);
    },
  };
}
