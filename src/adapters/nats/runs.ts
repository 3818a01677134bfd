import { JetStreamApiError, type JetStreamClient, type JetStreamManager, type StreamConfig } from '@nats-io/jetstream';
import { Objm, StorageType } from '@nats-io/obj';
import type { NatsConnection } from 'nats';
import type { RunId } from '../../domain/ids.ts';
import { blobBucket, journalStream } from '../../protocols/streams.ts';
import { isRecentServer, ServerNotDurable } from './version.ts';

// The streams of runs: made exactly as the protocol says, or not used.

/** Monitoring of a server listens so far above its clients' port: 8222 for 4222. */
export const MONITOR_ABOVE = 4000;
const NO_STREAM = 10059;
const NO_PEERS = 10005;
const TOO_FEW_PEERS = 10074;
const PREFIX = journalStream('').name;

/** What is known of the server's promise to keep what it acknowledged. */
export type Durability = { readonly kind: 'durable' } | { readonly kind: 'unknown'; readonly why: string };

/** Where a server's monitoring page is looked for: at the usual port of its host, and so far above its own port as `brigade nats config` puts it. */
export function monitorPages(address: string): readonly string[] {
  const { hostname, port } = new URL(address.includes('://') ? address : `nats://${address}`);
  return [...new Set([8222, Number(port || 4222) + MONITOR_ABOVE])].map((each) => `http://${hostname}:${each}`);
}

/** Looks at the server's monitoring page; refuses a server that says it does not sync. */
export async function inspectDurability(nc: NatsConnection, monitorUrl: string | null): Promise<Durability> {
  const version = nc.info?.version ?? '0.0.0';
  const where = nc.getServer();
  if (!isRecentServer(version)) throw new ServerNotDurable(version, where, /^2\.[0-9]\./.test(version) ? 'no sync_interval' : 'untested and older');
  const pages = monitorUrl === null ? monitorPages(where) : [monitorUrl];
  const answers = await Promise.all(pages.map((page) => fetch(`${page.replace(/\/$/, '')}/jsz`, { signal: AbortSignal.timeout(2_000) }).then((response) => response.json() as Promise<unknown>, () => null)));
  const config = answers.map((looked) => (looked !== null && typeof looked === 'object' && 'config' in looked && 'server_id' in looked && looked.server_id === nc.info?.server_id ? looked.config : null)).find((each) => each !== null) ?? null;
  if (config === null || typeof config !== 'object') {
    return { kind: 'unknown', why: `the server at ${where} cannot be inspected from here (no monitoring page of it at ${pages.join(' or ')}): it must run with sync_interval: always, or a power cut can lose acknowledged facts` };
  }
  if (!('sync_always' in config) || config.sync_always !== true) throw new ServerNotDurable(version, where, 'sync_interval is not always');
  return { kind: 'durable' };
}

/** A stream of that name exists and promises something else. */
export class StreamDiffers extends Error {
  readonly run: string;
  constructor(run: string, message: string) {
    super(message);
    this.name = 'StreamDiffers';
    this.run = run;
  }
}

/** The cluster has too few servers for as many copies as a journal needs. */
export class ClusterTooSmall extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ClusterTooSmall';
  }
}

/** Makes a run's journal and blobs if they are not there, in a cluster on three servers, and reads back what the server made of it. */
export async function ensureRun({ js, jsm, run, isCluster }: { js: JetStreamClient; jsm: JetStreamManager; run: RunId; isCluster: boolean }): Promise<void> {
  const wanted = journalStream(run, isCluster ? 3 : 1);
  const config = (await infoOf(jsm, wanted.name)) ?? (await jsm.streams.add({ ...wanted, subjects: [...wanted.subjects] } as Partial<StreamConfig> & { name: string }).catch(tellTooFew)).config;
  for (const [key, value] of Object.entries(wanted)) {
    const real: unknown = (config as unknown as Record<string, unknown>)[key];
    if (JSON.stringify(real ?? (value === false ? false : null)) !== JSON.stringify(value)) {
      throw new StreamDiffers(run, `stream ${wanted.name} has ${key} ${JSON.stringify(real)} and a journal needs ${JSON.stringify(value)}: remove the stream, or use another run name`);
    }
  }
  const bucket = await new Objm(js).create(blobBucket(run), { storage: StorageType.File, replicas: wanted.num_replicas });
  const { config: made } = (await bucket.status()).streamInfo;
  if (made.allow_direct) await jsm.streams.update(made.name, { ...made, allow_direct: false }); // a direct get is a publisher whose words its asker chooses
}

/** A cluster that is still coming up has too few servers for three copies. */
function tellTooFew(error: unknown): never {
  if (error instanceof JetStreamApiError && (error.code === NO_PEERS || error.code === TOO_FEW_PEERS)) {
    throw new ClusterTooSmall(`the cluster cannot keep three copies of a journal (${error.message}): start its other nats-servers, or wait until they have joined`, { cause: error });
  }
  throw error;
}

/** Removes everything the server holds of a run: its journal last, because by that it is found again when this was cut short. */
export async function removeRun({ js, jsm, run }: { js: JetStreamClient; jsm: JetStreamManager; run: RunId }): Promise<void> {
  const missing = (error: unknown): false => { if (error instanceof JetStreamApiError && error.code === NO_STREAM) return false; throw error; };
  await new Objm(js).open(blobBucket(run), false).then((bucket) => bucket.destroy()).catch(missing);
  await jsm.streams.delete(journalStream(run).name).catch(missing);
}

/** Every run the server holds a journal of, sorted. */
export async function listRuns(jsm: JetStreamManager): Promise<RunId[]> {
  const runs: RunId[] = [];
  for await (const name of jsm.streams.names()) if (name.startsWith(PREFIX)) runs.push(name.slice(PREFIX.length));
  return runs.sort();
}

async function infoOf(jsm: JetStreamManager, stream: string): Promise<StreamConfig | null> {
  return jsm.streams.info(stream).then((info) => info.config, (error: unknown) => {
    if (error instanceof JetStreamApiError && error.code === NO_STREAM) return null;
    throw error;
  });
}
