import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { AuthorizationError, connect, nkeyAuthenticator, type NatsConnection, type ReconnectToServerHandler, type TlsOptions } from 'nats';
import type { Fact } from '../../domain/fact.ts';
import type { RunId } from '../../domain/ids.ts';
import type { Blobs, Bus, Copies, Journal, Presence } from '../../ports.ts';
import { inboxOf } from '../../protocols/authority.ts';
import type { Role } from '../../protocols/streams.ts';
import { natsBlobs } from './blobs.ts';
import { natsBus, type Refused } from './bus.ts';
import { natsCopies } from './copies.ts';
import { natsJournal } from './journal.ts';
import { Endpoints } from './micro.ts';
import { natsPresence, type LogLine } from './presence.ts';
import { Reconnects, Shunning } from './reconnects.ts';
import { restoreRun, type Restored, type SetAside } from './restore.ts';
import { ensureRun, inspectDurability, listRuns, removeRun, type Durability } from './runs.ts';
import { standingOf, type Standing } from './standing.ts';

/** What happens to a session; nobody has to act on it. */
export type SessionEvent = { readonly kind: 'disconnected' | 'reconnected' | 'closed' | 'error'; readonly reason: string } | Refused;

/** One process's connection to the bus, with everything it may do there. */
export interface NatsSession extends AsyncDisposable {
  readonly role: Role;
  readonly url: string;
  readonly serverVersion: string;
  readonly bus: Bus;
  journal(run: RunId): Journal;
  /** What each server holds of a journal. */
  copies(run: RunId): Copies;
  blobs(run: RunId): Blobs;
  /** `actor` and `name` stand on log lines until an actor is announced; `write` takes the place of standard error. */
  presence(options: { readonly run: RunId; readonly actor?: string; readonly name?: string; readonly write?: (line: LogLine) => void }): Presence;
  /** Makes the run's streams, or checks them; refuses a server that is known not to be durable. */
  ensureRun(run: RunId): Promise<Durability>;
  removeRun(run: RunId): Promise<void>;
  /** Puts a damaged or lost journal back from what a keeper read of it. */
  restoreRun(run: RunId, facts: readonly Fact[], setAside: SetAside): Promise<Restored>;
  listRuns(): Promise<RunId[]>;
  /** Where a run stands; null before its first fact. */
  standing(run: RunId): Promise<Standing | null>;
  /** Calls back at every event until disposed. */
  events(handler: (event: SessionEvent) => void): Disposable;
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** Of a server, or of several of one cluster with commas between: whichever answers first is taken, and another when that one is lost. */
  readonly url: string;
  /** File with the nkey seed; null for a server that lets everybody in. */
  readonly keyFile: string | null;
  readonly name: string;
  readonly role: Role;
  /** The server's monitoring page; null looks at port 8222 of the same host. */
  readonly monitorUrl?: string | null;
  /** How long to look for the server at first; afterwards it is looked for until closed. */
  readonly firstConnectMs?: number;
  /** What to do when nobody answers in that time; who asks by a flag is told of it unless this says better. */
  readonly remedy?: string;
}

/** No server could be reached, or it does not let us in. */
export class ServerUnreachable extends Error {
  readonly url: string;
  readonly reason: 'no-answer' | 'no-entry';
  constructor(url: string, reason: ServerUnreachable['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ServerUnreachable';
    this.url = url;
    this.reason = reason;
  }
}

/** A server that was cut off says no goodbye: two signs of life missed, and another one is looked for before anybody's patience with us ends. */
const SIGN_OF_LIFE_MS = 2_500;

/** Connects, and from then on reconnects for ever. */
export async function connectNats(options: ConnectOptions): Promise<NatsSession> {
  const shunning = new Shunning();
  const nc = await openConnection(options, shunning.choose);
  const js = jetstream(nc, { timeout: 10_000 });
  const reading = jetstream(nc, { timeout: 5_000 }); // a consumer that is put on a server without storage is never answered for: the next may be put on another
  let manager: Promise<JetStreamManager> | null = null;
  const jsm = (): Promise<JetStreamManager> => (manager ??= jetstreamManager(nc, { checkAPI: false, timeout: 10_000 }));
  let asking: Promise<JetStreamManager> | null = null; // a journal's, which takes a server that is silent for so long for one that is cut off
  const handlers = new Set<(event: SessionEvent) => void>();
  const emit = (event: SessionEvent): void => { for (const handler of handlers) handler(event); };
  watch(nc, emit);
  const reconnects = new Reconnects(nc, shunning);
  const endpoints = new Endpoints();
  const bus = natsBus(nc, endpoints, emit, bearerOf(options));
  const journals = new Map<RunId, Journal>();
  const stores = new Map<RunId, Blobs>();
  const close = async (): Promise<void> => {
    if (nc.isClosed()) return;
    // A drain needs the server's answer; without one, closing must not wait for it.
    await Promise.race([nc.drain().catch(() => {}), sleep(2_000, undefined, { ref: false })]);
    await nc.close();
  };
  const copies = (run: RunId): Copies => natsCopies({ nc, js: reading, jsm, run });
  const journal = (run: RunId): Journal => remembered(journals, run, () => natsJournal({ nc, js: reading, jsm: () => (asking ??= jetstreamManager(nc, { checkAPI: false, timeout: 5_000 })), reconnects, run }));
  return {
    role: options.role,
    url: options.url,
    serverVersion: nc.info?.version ?? 'unknown',
    bus,
    journal,
    copies,
    blobs: (run) => remembered(stores, run, () => natsBlobs({ nc, js, reconnects, run })),
    presence: (about) => natsPresence({ nc, bus, endpoints, name: bearerOf(options) ?? 'main', ...about }),
    async ensureRun(run) {
      const durability = await inspectDurability(nc, options.monitorUrl ?? null);
      await ensureRun({ js, jsm: await jsm(), run, isCluster: nc.info?.cluster !== undefined });
      return durability;
    },
    removeRun: async (run) => { journals.delete(run); stores.delete(run); await removeRun({ js, jsm: await jsm(), run }); },
    restoreRun: async (run, facts, setAside) => restoreRun({ nc, jsm: await jsm(), copies: copies(run), journal: journal(run), run, facts, setAside }),
    listRuns: async () => listRuns(await jsm()),
    standing: async (run) => standingOf(await jsm(), run),
    events(handler) {
      handlers.add(handler);
      return { [Symbol.dispose]() { handlers.delete(handler); } };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A bare connection with a user's key: for looking at a server; actors have sessions. */
export async function openConnection({ url, keyFile, name, role, firstConnectMs = 5_000, remedy = 'start one, or leave --nats out and Brigade starts its own' }: ConnectOptions, choose?: ReconnectToServerHandler): Promise<NatsConnection> {
  const seed = keyFile === null ? null : await readFile(keyFile, 'utf8').catch((cause: unknown) => {
    throw new ServerUnreachable(url, 'no-entry', `the key ${keyFile} cannot be read: --keys names the folder it lies in`, { cause });
  });
  const tls = keyFile === null ? null : tlsBeside(keyFile);
  const until = performance.now() + firstConnectMs;
  for (;;) {
    try {
      return await connect({
        servers: url.split(','), name, inboxPrefix: inboxOf(keyFile === null ? role : basename(keyFile, '.nk')), timeout: 5_000, ...(tls === null ? {} : { tls }),
        ...(seed === null ? {} : { authenticator: nkeyAuthenticator(new TextEncoder().encode(seed.trim())) }),
        maxReconnectAttempts: -1, reconnectTimeWait: 100, reconnectJitter: 100, // ten tries, the default, give up twenty seconds after the server
        pingInterval: SIGN_OF_LIFE_MS, ...(choose === undefined ? {} : { reconnectToServer: choose }),
        ignoreAuthErrorAbort: true,
        noAsyncTraces: true, // a stack kept for every request costs more than the request
      });
    } catch (cause) {
      if (cause instanceof AuthorizationError || (cause instanceof Error && /authorization|authentication/i.test(cause.message))) {
        throw new ServerUnreachable(url, 'no-entry', `the server at ${url} does not accept ${keyFile === null ? 'a connection without a key: give the key file' : `the key ${keyFile}: give the one`} of role ${role} from its run's folder`, { cause });
      }
      if (performance.now() >= until) throw new ServerUnreachable(url, 'no-answer', `no nats-server answers at ${url}${firstConnectMs >= 10_000 ? ` within ${firstConnectMs / 1000} s` : ''}: ${remedy}`, { cause });
      await sleep(100);
    }
  }
}

/** The name that a key bears among those of its role; null for the one that they share. */
const bearerOf = ({ keyFile, role }: ConnectOptions): string | null => (keyFile === null || !basename(keyFile).startsWith(`${role}-`) ? null : basename(keyFile, '.nk').slice(role.length + 1));

/** The authority that a server must show a certificate of, and one's own for a server that asks, where they lie beside a key: ca.crt, and <user>.crt with <user>.key. */
export function tlsBeside(keyFile: string): TlsOptions | null {
  const [dir, user] = [dirname(keyFile), basename(keyFile, '.nk')];
  const caFile = join(dir, 'ca.crt');
  if (!existsSync(caFile)) return null;
  const [certFile, own] = [join(dir, `${user}.crt`), join(dir, `${user}.key`)];
  return { caFile, ...(existsSync(certFile) ? { certFile, keyFile: own } : {}) };
}

function watch(nc: NatsConnection, emit: (event: SessionEvent) => void): void {
  void (async () => {
    for await (const status of nc.status()) {
      if (status.type === 'disconnect') emit({ kind: 'disconnected', reason: `lost ${status.server}` });
      if (status.type === 'reconnect') emit({ kind: 'reconnected', reason: `back at ${status.server}` });
      if (status.type === 'error') emit({ kind: 'error', reason: status.error.message });
      if (status.type === 'slowConsumer') emit({ kind: 'error', reason: 'messages come faster than they are read' });
    }
  })();
  void nc.closed().then((error) => { emit({ kind: 'closed', reason: error instanceof Error ? error.message : 'closed' }); });
}

function remembered<T>(known: Map<RunId, T>, run: RunId, make: () => T): T {
  const found = known.get(run) ?? make();
  known.set(run, found);
  return found;
}
