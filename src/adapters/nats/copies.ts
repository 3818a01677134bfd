import { setTimeout as sleep } from 'node:timers/promises';
import { AckPolicy, DeliverPolicy, type Consumer, type JetStreamClient, type JetStreamManager, type JsMsg } from '@nats-io/jetstream';
import { nanos, nuid, type NatsConnection } from 'nats';
import type { RunId } from '../../domain/ids.ts';
import type { Stored } from '../../domain/damage.ts';
import type { Copies, Copy } from '../../ports.ts';
import { journalStream } from '../../protocols/streams.ts';
import { millisOf, readFact } from './journal.ts';

// Each server's own copy of a run's journal.
//
//   C1. A consumer of one replica lives on one server and reads that server's own disk, whoever leads: so every copy is read, and nobody has to lead in turn.
//   C2. The server chooses where to put it, so it is asked for until it lies where it is wanted.

/** Of three servers each is hit by one in three: all but one in two hundred thousand times so many are enough. */
const MOST_TRIES = 30;
/** A server that has no more to give is waited for so long. */
const EXPIRES_MS = 2_000;
/** A reader that died is forgotten by the server after this. */
const FORGET_MS = 60_000;

/** The copies of one run's journal, over a connection. */
export function natsCopies({ nc, js, jsm, run }: { nc: NatsConnection; js: JetStreamClient; jsm: () => Promise<JetStreamManager>; run: RunId }): Copies {
  const stream = journalStream(run).name;
  const alone = (): string => nc.info?.server_name ?? 'nats-server';
  return {
    async servers() {
      const { cluster } = await (await jsm()).streams.info(stream);
      const others = (cluster?.replicas ?? []).map(({ name, current, offline }) => ({ name, standing: offline === true ? 'away' : current ? 'current' : 'behind' } as const));
      return [{ name: cluster?.leader ?? alone(), standing: 'current' }, ...others];
    },

    async open({ among, after }) {
      const manager = await jsm();
      for (let tries = 0; tries < MOST_TRIES; tries++) { // C2
        const name = `copy-${nuid.next()}`;
        const made = await manager.consumers.add(stream, {
          name, ack_policy: AckPolicy.None, deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: after + 1,
          num_replicas: 1, mem_storage: true, inactive_threshold: nanos(FORGET_MS), // C1
        }).catch(() => null);
        const server = made?.cluster?.leader ?? alone();
        if (made !== null && among.includes(server)) return copyOf(await js.consumers.get(stream, name), { run, server });
        if (made === null) await sleep(200); else await manager.consumers.delete(stream, name).catch(() => undefined);
      }
      return null;
    },
  };
}

const copyOf = (consumer: Consumer, { run, server }: { readonly run: RunId; readonly server: string }): Copy => ({
  server,
  async next(most) {
    const stored: Stored[] = [];
    for await (const message of await consumer.fetch({ max_messages: most, expires: EXPIRES_MS })) stored.push(storedBy(run, message));
    return stored;
  },
  async [Symbol.asyncDispose]() { await consumer.delete().catch(() => undefined); },
});

function storedBy(run: RunId, message: JsMsg): Stored {
  const [at, { seq, subject, data }] = [millisOf(message), message];
  const read = (): ReturnType<Stored['read']> => {
    const fact = readFact(run, { subject, data, seq, at });
    return typeof fact === 'string' ? null : fact;
  };
  return { seq, at, name: subject.split('.').slice(3).join('.'), text: message.string(), read };
}
