import { createHash } from 'node:crypto';
import type { BodyOf, Fact, IdsOf, Word } from '../../src/domain/fact.ts';
import { NoAnswer, type Blobs, type Bus, type Journal, type Ports, type Presence } from '../../src/ports.ts';
import { ActorState, NamedActorState, Pulse } from '../../src/protocols/actor.ts';
import { FACTS } from '../../src/protocols/facts.ts';
import type { Daemon } from './daemon.ts';
import type { Dice } from './dice.ts';
import type { Network } from './network.ts';
import { freeze, type Answer, type Server, type Stored } from './server.ts';

// The ports of one daemon, over its connection.
//
//   K1. As over NATS: an answer that got lost is asked for again, however long that takes, and one's own earlier words count as recorded.
//   K2. Bodies are parsed where they are sent, and cannot be changed by whoever gets them.

/** What a simulation hears of a daemon's doings. */
export interface Witness {
  /** A daemon is about to write a fact. */
  writing(daemon: Daemon, word: Word, ids: readonly string[], body: unknown): void;
  /** The journal answered that write, whatever it said. */
  written(daemon: Daemon, ids: readonly string[]): void;
  /** The journal said `recorded` to it. */
  acknowledged(daemon: Daemon, word: Word, ids: readonly string[], text: string, seq: number): void;
  /** It was given this answer to this question. */
  answered(daemon: Daemon, pattern: string, request: unknown, reply: unknown): void;
  logged(daemon: Daemon, level: string, message: string, fields: unknown): void;
}

export interface Wire { readonly server: Server; readonly network: Network; readonly dice: Dice; readonly witness: Witness }

const PULSE_MS = 2_000;

/** Every port of one daemon. */
export function portsOf(daemon: Daemon, wire: Wire): Ports {
  const bus = busOf(daemon, wire);
  return { journal: journalOf(daemon, wire), bus, blobs: blobsOf(daemon, wire), clock: daemon.clock, presence: presenceOf(daemon, bus, wire) };
}

/** Does something at the server and brings back what it says, as often as it takes (K1). `isAgain` says that an earlier try may have been heard. */
async function atServer<T>(daemon: Daemon, { network, dice }: Wire, lane: string, doing: (isAgain: boolean) => T | null): Promise<T> {
  for (let tries = 0; ; tries++) {
    const found = await new Promise<{ said: T } | null>((resolve) => {
      const late = daemon.timer(dice.pick([200, 1000, 5000]), () => resolve(null));
      network.message(daemon, 'up', lane, () => {
        const said = doing(tries > 0);
        if (said !== null) network.message(daemon, 'down', lane, () => { late.isOff = true; resolve({ said }); }, false);
      }, false);
    });
    if (found !== null) return found.said;
  }
}

function journalOf(daemon: Daemon, wire: Wire): Journal {
  const { server, network, witness } = wire;
  const lane = server.lane('writes');
  return {
    run: server.run,
    async record<W extends Word>(word: W, ids: IdsOf<W>, body: BodyOf<W>) {
      const parsed = FACTS[word].body.safeParse(body);
      if (!parsed.success) throw new TypeError(`${word} ${ids.join('.')} is not what the protocol says: ${parsed.error.issues[0]?.message ?? ''}`);
      const text = JSON.stringify(parsed.data);
      witness.writing(daemon, word, ids, body);
      const said = await atServer(daemon, wire, lane, (isAgain): Stored | null => {
        const stored = server.store(word, ids, JSON.parse(text) as unknown, text, daemon);
        const earlier = stored?.kind === 'taken' && isAgain ? server.stored(word, ids) : null;
        return earlier?.text === text ? { kind: 'recorded', seq: earlier.seq } : stored; // K1
      });
      witness.written(daemon, ids);
      if (said.kind === 'recorded') witness.acknowledged(daemon, word, ids, text, said.seq);
      return said;
    },
    async *follow({ after, until = Infinity, signal = new AbortController().signal }): AsyncGenerator<Fact> {
      let last = after;
      let arrived = 0;
      let wake = (): void => undefined;
      let stop = (): void => undefined;
      const stopped = (): void => { stop(); wake(); };
      network.surely(daemon, 'up', lane, () => {
        if (signal.aborted) return;
        ({ stop } = server.follow(daemon, (seq) => { arrived = Math.max(arrived, seq); daemon.reached = Math.max(daemon.reached, seq); wake(); }));
      });
      signal.addEventListener('abort', stopped, { once: true });
      try {
        while (!signal.aborted && last < until) {
          const fact = last < arrived ? server.facts[last] : undefined;
          if (fact === undefined) { await new Promise<void>((resolve) => { wake = resolve; }); continue; }
          last += 1;
          yield fact;
        }
      } finally {
        stop();
        signal.removeEventListener('abort', stopped);
      }
    },
    position: () => atServer(daemon, wire, lane, () => server.facts.length),
  };
}

function busOf(daemon: Daemon, { server, network, dice, witness }: Wire): Bus {
  const refused = (subject: string, reason: string): NoAnswer => new NoAnswer(subject, 'refused', reason);
  const serveIn = (isGroup: boolean): Bus['serve'] => (command, ids, handler) => {
    const service = server.serve(daemon, command.filter(ids), isGroup, (subject, text, reply) => void (async () => {
      const named = command.idsOf(subject);
      const request = command.request.safeParse(JSON.parse(text));
      if (named === null || !request.success) { reply({ refusal: `${subject} cannot be read` }); return; }
      try {
        const answer = command.reply.safeParse(await handler(request.data, named));
        reply(answer.success ? { answer: freeze(answer.data) } : { refusal: `the answer is not what the protocol says: ${answer.error.issues[0]?.message ?? ''}` }); // K2
      } catch (error) {
        reply({ refusal: error instanceof Error ? error.message : String(error) });
      }
    })());
    return { async [Symbol.asyncDispose]() { service.stop(); } };
  };
  return {
    serve: serveIn(true),
    serveEach: serveIn(false),
    async ask(command, ids, request, { timeoutMs, signal }) {
      const subject = command.subject(ids);
      signal?.throwIfAborted();
      const asked = command.request.safeParse(request);
      if (!asked.success) throw refused(subject, `${subject} was not asked: ${asked.error.issues[0]?.message ?? ''}`);
      const text = JSON.stringify(asked.data);
      const lane = server.lane('inbox');
      const said = await new Promise<Answer>((resolve, reject) => {
        const stop = (): void => { late.isOff = true; reject(signal?.reason as Error); };
        const late = daemon.timer(timeoutMs, () => { signal?.removeEventListener('abort', stop); reject(new NoAnswer(subject, 'timeout', `${subject} was not answered within ${timeoutMs} ms`)); });
        const back = (deliver: () => void): void => network.message(daemon, 'down', lane, () => { late.isOff = true; signal?.removeEventListener('abort', stop); deliver(); }, false);
        signal?.addEventListener('abort', stop, { once: true });
        network.message(daemon, 'up', lane, () => {
          const isServed = server.ask(subject, text, lane, (answer) => back(() => resolve(answer)));
          if (!isServed) back(() => reject(new NoAnswer(subject, 'nobody', `nobody serves ${subject}`)));
        });
      });
      if ('refusal' in said) throw refused(subject, said.refusal);
      witness.answered(daemon, command.pattern, asked.data, said.answer);
      return said.answer as Awaited<ReturnType<typeof command.reply.parseAsync>>;
    },
    tell(message, ids, body) {
      const subject = message.subject(ids);
      if (server.hasListener(subject)) network.message(daemon, 'up', 'telemetry', () => server.tell(subject, freeze(body)));
    },
    listen(message, ids, handler) {
      const listener = server.listen(daemon, message.filter(ids), (subject, body) => {
        const named = message.idsOf(subject);
        if (named !== null) handler(body as Parameters<typeof handler>[0], named);
      });
      return { async [Symbol.asyncDispose]() { listener.stop(); } };
    },
  };
}

function blobsOf(daemon: Daemon, wire: Wire): Blobs {
  const { server } = wire;
  const lane = server.lane('blobs');
  return {
    put: (bytes) => {
      const hash = createHash('sha256').update(bytes).digest('hex');
      return atServer(daemon, wire, lane, () => { server.blobs.set(hash, bytes); return hash; });
    },
    get: async (hash) => (await atServer(daemon, wire, lane, () => ({ bytes: server.blobs.get(hash)?.slice() ?? null }))).bytes,
  };
}

function presenceOf(daemon: Daemon, bus: Bus, { witness }: Wire): Presence {
  return {
    announce(who) {
      const ids = { run: who.run, actor: who.actor, name: who.name };
      let state = '';
      let since = daemon.clock.now();
      const read = () => {
        const now = who.read();
        if (now.state !== state) { state = now.state; since = daemon.clock.now(); }
        return { actor: who.actor, name: who.name, run: who.run, pid: daemon.start, state, sinceMs: Math.round(daemon.clock.now() - since), why: now.why.slice(0, 400), context: { ...now.context } };
      };
      const pulse = (): void => { bus.tell(Pulse, ids, read()); };
      let told = '';
      let isOver = false;
      const changed = (): void => { const { state: now } = who.read(); if (now !== told) { told = now; pulse(); } }; // a pulse for every step in between would tell nobody more
      const beat = (): void => { if (!isOver) { pulse(); daemon.timer(PULSE_MS, beat); } };
      const served = [bus.serveEach(ActorState, { actor: who.actor }, read), bus.serveEach(NamedActorState, ids, read)];
      beat();
      return { changed, async [Symbol.asyncDispose]() { isOver = true; await Promise.all(served.map((each) => each[Symbol.asyncDispose]())); } };
    },
    log(level, message, fields = {}) { witness.logged(daemon, level, message, fields); },
  };
}
