import { setTimeout as sleep } from 'node:timers/promises';
import { DeliverPolicy, JetStreamApiError, type ConsumerMessages, type JetStreamClient, type JetStreamManager, type JsMsg } from '@nats-io/jetstream';
import { ClosedConnectionError, PermissionViolationError, type NatsConnection } from 'nats';
import type { BodyOf, Fact, IdsOf, Word } from '../../domain/fact.ts';
import type { RunId } from '../../domain/ids.ts';
import { JournalDamaged, type Journal, type Unreadable } from '../../ports.ts';
import { besideSubject, FACTS, factSubject, readFactSubject } from '../../protocols/facts.ts';
import { journalStream } from '../../protocols/streams.ts';
import { firstIssue } from './issue.ts';
import { AnswerLost, isTimeout, type Reconnects } from './reconnects.ts';

// One run's facts in its JetStream stream.
//
//   J1. A fact is published expecting nothing on its subject: the server refuses the second writer.
//   J2. An answer that got lost is asked for again, however long the server is away; our own earlier words count as recorded.
//   J3. A reader sees every position once and in order, whatever happens to the server meanwhile.
//   J4. What cannot be read is named and passed over.
//   J5. What cannot be read keeps nobody from saying the fact whose subject it lies on: the fact is said beside it, at the one place that all its
//       writers find, so that the first of them still wins. A server that was made to write its answer there has cost nobody anything.
//   J6. Nothing is believed to be taken before what took it was seen: it may be our own words, or none.
//   J7. A position that is gone is never passed over, nor is an end that lies before what was read: a server leaves out what its damaged disk does not give,
//       and after a restart forgets all that came behind it, without a word. Another server's copy is asked for; where none has it, nobody goes on.

/** The API error of a publish that expected another last message. */
const WRONG_LAST_SEQUENCE = 10071;
/** The server could not store it; said of a second message on a subject, and of a full disk. */
const STORE_FAILED = 10077;
const NO_STREAM = 10059;
const NO_MESSAGE = 10037;
const LARGEST_FACT = 1_000_000;
/** A pull that expires sooner has been seen to report missed heartbeats. */
const PULL_EXPIRES_MS = 10_000;
const PULL_BATCH = 2_000;
/** The server of a cluster that a reader is served by may die while we are connected to another: two of these missed, half the expiry each by default, are how that is noticed. */
const SIGN_OF_LIFE_MS = 2_000;

/** Consumers that are asked for past a gap: each is put on any server of a cluster, and two of three are whole. */
const MOST_COPIES = 12;
/** A server that was cut off, or has just been made the leader, may be behind for so long. */
const BEHIND_MS = 30_000;

/** The journal can take nothing more or is gone; what was recorded stands. */
export class JournalUnavailable extends Error {
  readonly run: string;
  constructor(run: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'JournalUnavailable';
    this.run = run;
  }
}

/** Reads one stored message as a fact; a string says why it cannot be one. */
export function readFact(run: string, message: { readonly subject: string; readonly data: Uint8Array; readonly seq: number; readonly at: number }): Fact | string {
  const named = readFactSubject(message.subject);
  if (named === null || named.run !== run) return `${message.subject} is no subject of this run's facts`;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(message.data));
  } catch (error) {
    return `the body is not JSON: ${String(error instanceof Error ? error.message : error).slice(0, 120)}`;
  }
  const parsed = FACTS[named.word].body.safeParse(value);
  if (!parsed.success) return `${named.word}: ${firstIssue(parsed.error)}`;
  return { word: named.word, ids: named.ids, body: parsed.data, seq: message.seq, at: message.at } as unknown as Fact;
}

/** The journal of one run over a connection that reconnects by itself. */
export function natsJournal({ nc, js, jsm, reconnects, run }: { nc: NatsConnection; js: JetStreamClient; jsm: () => Promise<JetStreamManager>; reconnects: Reconnects; run: RunId }): Journal {
  const stream = journalStream(run).name;
  const seen = { created: '', last: 0 };

  /** What the server that leads says of the journal; a stream that was made anew has not been read yet. */
  const look = async (): Promise<{ last: number; isAlone: boolean }> => {
    const { state, cluster, created } = await reconnects.orLost((await jsm()).streams.info(stream));
    reconnects.leader = cluster?.leader ?? null;
    if (created !== seen.created) { seen.created = created; seen.last = 0; }
    return { last: state.last_seq, isAlone: (cluster?.replicas ?? []).length === 0 };
  };

  /** Throws when the journal ends before what was read of it (J7); answers whether there is only one copy. */
  const requireEnd = async (signal: AbortSignal): Promise<boolean> => {
    for (const until = performance.now() + BEHIND_MS; ; await sleep(1_000, undefined, { signal })) {
      const { last, isAlone } = await look();
      if (last >= seen.last) return isAlone;
      if (isAlone || performance.now() > until) throw new JournalDamaged(run, `it ends at position ${last}, and was read up to ${seen.last}`);
    }
  };

  const stored = async (subject: string): Promise<{ body: string; seq: number; isFact: boolean } | null> => {
    try {
      const message = await reconnects.orLost((await jsm()).streams.getMessage(stream, { last_by_subj: subject }));
      return message === null ? null : { body: message.string(), seq: message.seq, isFact: typeof readFact(run, { subject, data: message.data, seq: message.seq, at: 0 }) !== 'string' };
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === NO_MESSAGE) return null;
      throw error;
    }
  };

  return {
    run,

    async record<W extends Word>(word: W, ids: IdsOf<W>, body: BodyOf<W>, { beside } = { beside: false }) {
      const subject = factSubject(run, word, ids);
      const parsed = FACTS[word].body.safeParse(body);
      if (!parsed.success) throw new TypeError(`${word} ${ids.join('.')} is not what the protocol says: ${firstIssue(parsed.error)}`);
      const text = JSON.stringify(parsed.data);
      if (Buffer.byteLength(text) > LARGEST_FACT) throw new TypeError(`${word} ${ids.join('.')} has ${Buffer.byteLength(text)} bytes and a fact may have ${LARGEST_FACT}: put what is large into a blob`);
      let isUncertain = false;
      const waited = reconnects.patience();
      let place = subject;
      for (let tries = 0; ; tries++) {
        try {
          const { seq } = await reconnects.orLost(js.publish(place, text, { expect: { lastSubjectSequence: 0 }, timeout: 5_000, retries: 1 })); // J1
          return { kind: 'recorded', seq } as const;
        } catch (error) {
          if (isTaken(error)) {
            const earlier = await stored(place).catch(async (unseen: unknown) => { waited(unseen); await refuseForGood(unseen, { nc, jsm, run, stream, subject }); return null; });
            if (earlier === null) { await sleep(50); continue; } // J6
            const isMine = earlier.body === text;
            if (!earlier.isFact || (beside && !isMine)) { place = besideSubject(subject, earlier.seq); continue; } // J5
            return (isUncertain || beside) && isMine ? { kind: 'recorded', seq: earlier.seq } as const : { kind: 'taken' } as const; // J2
          }
          waited(error);
          await refuseForGood(error, { nc, jsm, run, stream, subject });
          isUncertain = true;
          await sleep(Math.min(2_000, 50 * 2 ** Math.min(tries, 6)));
        }
      }
    },

    async *follow({ after, until = Infinity, signal = new AbortController().signal, onUnreadable }) {
      let last = after;
      let gaps = 0;
      const waited = reconnects.patience();
      while (!signal.aborted && last < until) {
        try {
          const isAlone = await requireEnd(signal);
          for await (const message of consume({ js, reconnects, stream, after: last, signal })) {
            if (message.seq <= last) continue; // J3
            if (message.seq > last + 1) { // J7
              gaps += 1;
              if (isAlone || gaps >= MOST_COPIES) throw new JournalDamaged(run, `${message.seq === last + 2 ? `position ${last + 1} is` : `positions ${last + 1} to ${message.seq - 1} are`} gone${isAlone ? '' : ', wherever it was read'}`);
              break;
            }
            gaps = 0;
            last = message.seq;
            seen.last = Math.max(seen.last, last);
            const fact = readFact(run, { subject: message.subject, data: message.data, seq: message.seq, at: millisOf(message) });
            if (typeof fact !== 'string') yield fact;
            else onUnreadable?.({ seq: message.seq, subject: message.subject, reason: fact } satisfies Unreadable); // J4
            if (signal.aborted || last >= until) return;
          }
        } catch (error) {
          if (signal.aborted) return;
          if (error instanceof JournalDamaged) throw error;
          waited(error);
          await refuseForGood(error, { nc, jsm, run, stream, subject: stream });
        }
        await sleep(100, undefined, { signal }).catch(() => {});
      }
    },

    async position() {
      const waited = reconnects.patience();
      for (let tries = 0; ; tries++) {
        try {
          return (await look()).last;
        } catch (error) {
          waited(error);
          await refuseForGood(error, { nc, jsm, run, stream, subject: stream });
          await sleep(Math.min(2_000, 50 * 2 ** Math.min(tries, 6)));
        }
      }
    },
  };
}

async function* consume({ js, reconnects, stream, after, signal }: { js: JetStreamClient; reconnects: Reconnects; stream: string; after: number; signal: AbortSignal }): AsyncGenerator<JsMsg> {
  const consumer = await reconnects.orLost(js.consumers.get(stream, { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: after + 1 }));
  if (signal.aborted) return;
  const messages = await consumer.consume({ max_messages: PULL_BATCH, expires: PULL_EXPIRES_MS, idle_heartbeat: SIGN_OF_LIFE_MS });
  void stopWhenMissed(messages);
  const stop = () => { messages.stop(); };
  signal.addEventListener('abort', stop, { once: true });
  using _ = reconnects.on(stop); // a server that is back has forgotten the consumer: a new one starts after what was read
  try {
    if (signal.aborted) return;
    yield* messages;
  } finally {
    signal.removeEventListener('abort', stop);
    messages.stop();
    consumer.delete().catch(() => {}); // the server forgets it by itself a little later
  }
}

/** Whoever serves us may be a server without storage by now: another consumer is asked for, and may be another server's. */
async function stopWhenMissed(messages: ConsumerMessages): Promise<void> {
  for await (const { type } of messages.status()) if (type === 'heartbeats_missed') messages.stop();
}

/** When a message was stored, in milliseconds. */
export const millisOf = (message: JsMsg): number => Math.floor(message.info.timestampNanos / 1e6);

const isTaken = (error: unknown): boolean => error instanceof JetStreamApiError
  && (error.code === WRONG_LAST_SEQUENCE || (error.code === STORE_FAILED && /per subject/.test(error.message)));

const missing = (run: string): string => `the server has no run ${run}: it was removed, or never started there. What its keeper read is put back by brigade runs restore ${run}`;

/** Throws when trying again cannot help: the connection was closed, the run is gone, the disk is full, or we may not. */
async function refuseForGood(error: unknown, about: { nc: NatsConnection; jsm: () => Promise<JetStreamManager>; run: string; stream: string; subject: string }): Promise<void> {
  const cause = causeOf(error);
  if (about.nc.isClosed() || cause instanceof ClosedConnectionError) throw new JournalUnavailable(about.run, `the connection to the journal of ${about.run} was closed`, { cause: error });
  if (cause instanceof PermissionViolationError) throw new JournalUnavailable(about.run, `this process may not touch ${about.subject}: its key belongs to another role`, { cause: error });
  if (cause instanceof JetStreamApiError && cause.code === NO_STREAM) throw new JournalUnavailable(about.run, missing(about.run), { cause: error });
  if (cause instanceof JetStreamApiError && /insufficient|no space|maximum bytes|resources/.test(cause.message)) throw new JournalUnavailable(about.run, `the journal of ${about.run} is full (${cause.message}): free some disk space and resume the run`, { cause: error });
  if (about.stream === about.subject) return;
  if (error instanceof AnswerLost || isTimeout(error)) return; // a run that is gone is known at once: nobody serves its subjects
  const gone = await about.jsm().then((manager) => manager.streams.info(about.stream)).then(() => false, (why: unknown) => why instanceof JetStreamApiError && why.code === NO_STREAM);
  if (gone) throw new JournalUnavailable(about.run, missing(about.run), { cause: error });
}

function causeOf(error: unknown): unknown {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof JetStreamApiError || cause instanceof PermissionViolationError || cause instanceof ClosedConnectionError) return cause;
  }
  return error;
}
