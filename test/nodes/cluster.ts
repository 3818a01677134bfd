import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, nkeyAuthenticator, type NatsConnection } from 'nats';
import { readFact } from '../../src/adapters/nats/index.ts';
import type { Fact } from '../../src/domain/fact.ts';
import { journalStream } from '../../src/protocols/streams.ts';
import type { Daemon } from './daemons.ts';
import type { Lab } from './lab.ts';

// What the servers themselves say of the stream.

export interface StreamState { readonly server: string; readonly firstSeq: number; readonly lastSeq: number; readonly messages: number; readonly deleted: number }
/** One server's copy: its figures, and every fact it has. */
export interface Copy { readonly state: StreamState; readonly facts: readonly Fact[] }

/** Answers asked for at once. */
const AT_ONCE = 64;

export interface Cluster extends AsyncDisposable {
  /** The server that leads the run's journal. */
  leader(): Promise<Daemon>;
  /** The journal's last position. */
  position(): Promise<number>;
  /** Waits until every copy is current; the ones that are not when patience ends. */
  agreed(patienceMs: number): Promise<readonly string[]>;
  /** The whole journal as each server tells it while it leads. */
  inTurn(): Promise<readonly Copy[]>;
}

/** Opens a connection of its own, with the supervisor's key. */
export async function openCluster(lab: Lab): Promise<Cluster> {
  const seed = (await readFile(join(lab.folder, 'nats', 'keys', 'supervisor.nk'), 'utf8')).trim();
  const nc: NatsConnection = await connect({ servers: lab.url.split(','), name: 'lab-cluster', authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)), maxReconnectAttempts: -1, reconnectTimeWait: 200, pingInterval: 2_000, timeout: 5_000, waitOnFirstConnect: true });
  const manager: JetStreamManager = await jetstreamManager(nc, { checkAPI: false, timeout: 3_000 });
  const stream = journalStream(lab.run).name;
  const info = () => manager.streams.info(stream);
  const patiently = async <T>(what: () => Promise<T>): Promise<T> => {
    for (let tries = 0; ; tries++) {
      try { return await what(); } catch (error) { if (tries >= 30) throw error; }
      await sleep(500);
    }
  };
  const named = (name: string | undefined): Daemon | null => lab.servers[Number(name?.slice(1)) - 1] ?? null; // they call themselves n1 to n3
  const behind = (cluster: Awaited<ReturnType<typeof info>>['cluster']): string[] => (cluster?.replicas ?? []).filter((each) => !each.current || each.offline).map(({ name }) => name);
  const read = async (last: number): Promise<Fact[]> => {
    const facts: Fact[] = [];
    for (let from = 1; from <= last; from += AT_ONCE) { // an answer that was lost is no gap in the journal
      const some = await Promise.all(Array.from({ length: Math.min(AT_ONCE, last - from + 1) }, (_, i) => patiently(() => manager.streams.getMessage(stream, { seq: from + i }))));
      for (const message of some) {
        const fact = message === null ? null : readFact(lab.run, { subject: message.subject, data: message.data, seq: message.seq, at: millisOf(message.timestamp) });
        if (fact !== null && typeof fact !== 'string') facts.push(fact);
      }
    }
    return facts;
  };
  return {
    leader: () => patiently(async () => {
      const found = named((await info()).cluster?.leader);
      if (found === null) throw new Error('the journal has no leader');
      return found;
    }),
    position: () => patiently(async () => (await info()).state.last_seq),
    async agreed(patienceMs) {
      for (const until = performance.now() + patienceMs; ;) {
        const cluster = await info().then((said) => said.cluster, () => null);
        const late = cluster === null || cluster === undefined || cluster.leader === undefined || (cluster.replicas ?? []).length < 2 ? ['no leader with two followers'] : behind(cluster);
        if (late.length === 0 || performance.now() > until) return late;
        await sleep(500);
      }
    },
    async inTurn() {
      const seen = new Map<string, Copy>();
      for (let tries = 0; tries < 40 && seen.size < lab.servers.length; tries++) {
        const { cluster, state } = await patiently(info);
        const server = cluster?.leader ?? 'nobody';
        const facts = seen.has(server) ? [] : await read(state.last_seq);
        const isStill = (await patiently(info)).cluster?.leader === server;
        if (isStill && !seen.has(server)) seen.set(server, { facts, state: { server, firstSeq: state.first_seq, lastSeq: state.last_seq, messages: state.messages, deleted: state.num_deleted ?? 0 } });
        const next = lab.servers.map((_, i) => `n${i + 1}`).find((name) => !seen.has(name));
        if (next === undefined) break;
        await nc.request(`$JS.API.STREAM.LEADER.STEPDOWN.${stream}`, JSON.stringify({ placement: { preferred: next } }), { timeout: 3_000 }).catch(() => undefined);
        await sleep(1_000);
      }
      return [...seen.values()];
    },
    async [Symbol.asyncDispose]() { await nc.close(); },
  };
}

/** The moment of a stored message as readers of the journal reckon it: from nanoseconds, in a number that has not room for all of them. */
function millisOf(timestamp: string): number {
  const [whole = '', fraction = ''] = timestamp.replace('Z', '').split('.');
  return Math.floor(Number(`${Date.parse(`${whole}Z`) / 1000}${fraction.padEnd(9, '0')}`) / 1e6);
}
