import { execFile, spawn } from 'node:child_process';
import { mkdir, open, readFile, readdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Role } from '../../protocols/streams.ts';
import { keyFile, makeRoleKeys } from './keys.ts';
import { serverConfig, type KnownUser } from './server-config.ts';
import { isRecentServer, ServerNotDurable } from './version.ts';

// A nats-server of our own.
//
//   E1. It never outlives the process that started it, not even one killed with SIGKILL.
//   E2. Started again on its folder it has the same keys and the same store, and the same port when that is free.
//   E3. It is ready when it says so, not after a while.
//   E4. It is given nothing of our environment but where programs lie: whatever keys are there are not its business.

/** The server could not be started; the message says the remedy. */
export class ServerNotStarted extends Error {
  readonly reason: 'no-binary' | 'port-in-use' | 'disk-full' | 'already-running' | 'killed' | 'failed';
  constructor(reason: ServerNotStarted['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ServerNotStarted';
    this.reason = reason;
  }
}

export interface EmbeddedServer extends AsyncDisposable {
  readonly url: string;
  readonly monitorUrl: string;
  readonly pid: number;
  readonly dir: string;
  /** The seed file of a role's key; null when the server lets everybody in. */
  keyFile(role: Role): string | null;
  stop(): Promise<void>;
  /** Resolves when the server process is gone, whoever ended it. */
  readonly exited: Promise<void>;
}

export interface ServerOptions {
  readonly binary: string;
  readonly dir: string;
  /** A port that must be had; null takes the last one, or any that is free. */
  readonly port?: number | null;
  /** False lets everybody in: only for tests and measurements. */
  readonly credentials?: boolean;
  /** How long it may take to be ready. */
  readonly readyMs?: number;
  readonly log?: (line: string) => void;
}

/** Longer than reading a large store takes; without an end a server that never says it is ready would be waited for in vain. */
const READY_MS = 60_000;

/** Below this the journal of one run might not fit. */
const LEAST_FREE_BYTES = 64 * 1024 * 1024;

// The shell becomes the server; what it leaves behind reads a pipe that the kernel closes when our process is gone (E1), and takes the server with it
// as long as it is still the server's child: a process number may have found another owner.
const GUARD = `
server=$$
( while read -r _; do :; done
  mine() { read -r _ _ _ parent _ < /proc/self/stat && [ "$parent" = "$server" ]; }
  mine && kill "$server"
  tries=0; while mine && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
  mine && kill -9 "$server" ) <&3 &
exec "$@" </dev/null 3<&-`;

const environment = (): { readonly PATH?: string } => (process.env.PATH === undefined ? {} : { PATH: process.env.PATH });

/** Starts a nats-server on loopback that keeps what it acknowledges. */
export async function startServer({ binary, dir, port = null, credentials = true, readyMs = READY_MS, log = () => {} }: ServerOptions): Promise<EmbeddedServer> {
  await requireVersion(binary);
  await mkdir(dir, { recursive: true });
  await awaitPredecessor(dir);
  const free = await freeBytes(dir);
  if (free < LEAST_FREE_BYTES) throw new ServerNotStarted('disk-full', `only ${Math.floor(free / 1e6)} MB are free where ${dir} lies and the journal wants ${LEAST_FREE_BYTES / 1e6 | 0}: free some space, or put the run elsewhere`);
  const users = credentials ? await makeRoleKeys(dir) : null;
  if (users !== null) await adoptStreams(dir);
  const wanted = port ?? (await lastPort(dir));
  const attempt = (candidate: number) => boot({ binary, dir, readyMs, config: configOf(dir, candidate, free * 0.8, users) });
  let booted: Booted;
  try {
    booted = await attempt(wanted ?? -1);
  } catch (error) {
    if (port !== null || wanted === null || !(error instanceof ServerNotStarted) || error.reason !== 'port-in-use') throw error;
    log(`port ${wanted} is taken now: taking another`);
    booted = await attempt(-1);
  }
  await writeFile(join(dir, 'port'), new URL(booted.url).port);
  log(`nats-server ${booted.pid} at ${booted.url}`);
  return { ...booted, dir, keyFile: (role) => (credentials ? keyFile(dir, role) : null), [Symbol.asyncDispose]: booted.stop };
}

/** Streams of a store that was begun when the server had no accounts; they belong to the one that has the facts. */
async function adoptStreams(dir: string): Promise<void> {
  const streamsOf = (account: string): string => join(dir, 'store', 'jetstream', account, 'streams');
  const [before, now] = [streamsOf('$G'), streamsOf('CORE')];
  for (const stream of await readdir(before).catch(() => [])) {
    await mkdir(now, { recursive: true });
    await rename(join(before, stream), join(now, stream)).catch((error: NodeJS.ErrnoException) => { if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error; });
  }
}

/** One server on loopback with its folder for all it leaves. */
const configOf = (dir: string, port: number, storeBytes: number, users: readonly KnownUser[] | null): string => serverConfig({
  name: 'brigade', listen: `127.0.0.1:${port}`, monitor: '127.0.0.1:-1', storeDir: join(dir, 'store'), storeBytes, users, sysKey: null, cluster: null, tls: null,
  more: [['ports_file_dir', dir], ['pid_file', join(dir, 'nats.pid')], ['log_file', join(dir, 'nats.log')]].map(([key, value]) => `${key}: ${JSON.stringify(value)}`).concat('logfile_size_limit: 8MB', 'logfile_max_num: 3'),
});

type Booted = Pick<EmbeddedServer, 'url' | 'monitorUrl' | 'pid' | 'stop' | 'exited'>;

async function boot({ binary, dir, config, readyMs }: { binary: string; dir: string; config: string; readyMs: number }): Promise<Booted> {
  for (const name of await readdir(dir)) if (name.endsWith('.ports')) await rm(join(dir, name));
  const configFile = join(dir, 'nats.conf');
  await writeFile(configFile, config, { mode: 0o600 });
  const errors = await open(join(dir, 'nats.err'), 'w');
  const logged = await readFile(join(dir, 'nats.log'), 'utf8').then((text) => text.length, () => 0);
  // Its own session, so that a Ctrl-C meant for us does not end the journal before the last fact is in it.
  const child = spawn('sh', ['-c', GUARD, 'nats', binary, '-c', configFile], { stdio: ['ignore', 'ignore', errors.fd, 'pipe'], detached: true, env: environment() }); // E4
  let ended = false;
  let killedBy: NodeJS.Signals | null = null;
  const exited = new Promise<void>((resolve) => {
    const end = (): void => { ended = true; child.stdio[3]?.destroy(); resolve(); };
    child.once('error', end);
    child.once('exit', (_code, signal) => { killedBy = signal; end(); }); // before anything is awaited: a server that fails at once would end unseen
  });
  await errors.close();
  const pipe = child.stdio[3];
  pipe?.on('error', () => {});
  const stop = async (): Promise<void> => { pipe?.destroy(); await exited; };
  for (const since = performance.now(); ;) {
    const ready = await readPorts(dir);
    if (ready) return { ...ready, stop, exited };
    if (ended && killedBy !== null) throw new ServerNotStarted('killed', `${binary} was ended by ${killedBy} while it started: something on this machine kills it, a lack of memory perhaps`);
    if (ended) throw await explain(binary, dir, logged);
    if (performance.now() - since > readyMs) {
      await stop();
      throw new ServerNotStarted('failed', `${binary} was not ready after ${readyMs / 1000} s. Its log is ${join(dir, 'nats.log')}: a large store or a slow disk wants longer, so try again`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function readPorts(dir: string): Promise<{ url: string; monitorUrl: string; pid: number } | null> {
  const name = (await readdir(dir)).find((entry) => entry.endsWith('.ports'));
  if (name === undefined) return null;
  try {
    const ports = JSON.parse(await readFile(join(dir, name), 'utf8')) as { nats?: string[]; monitoring?: string[] };
    const [url] = ports.nats ?? [];
    const [monitorUrl] = ports.monitoring ?? [];
    return url === undefined || monitorUrl === undefined ? null : { url, monitorUrl, pid: Number(/_(\d+)\.ports$/.exec(name)?.[1]) };
  } catch {
    return null; // half written: look again
  }
}

async function explain(binary: string, dir: string, logged: number): Promise<ServerNotStarted> {
  const text = async (name: string) => readFile(join(dir, name), 'utf8').catch(() => '');
  const said = `${await text('nats.err')}${(await text('nats.log')).slice(logged)}`.trim();
  const last = said.split('\n').filter((line) => /FTL|ERR|error|nats-server:|\bsh:/i.test(line)).slice(-2).join(' ') || said.slice(-400);
  if (/address already in use/.test(said)) {
    const address = /(127\.0\.0\.1:\d+)/.exec(last)?.[1] ?? 'the port';
    return new ServerNotStarted('port-in-use', `${address} is in use by another process: stop it, or leave the port out and a free one is taken`);
  }
  if (/no space left/.test(said)) return new ServerNotStarted('disk-full', `the disk under ${dir} is full: free some space and start again`);
  return new ServerNotStarted('failed', `${binary} did not start: ${last}. Its log is ${join(dir, 'nats.log')}`);
}

async function requireVersion(binary: string): Promise<void> {
  let printed: string;
  try {
    printed = (await promisify(execFile)(binary, ['--version'], { env: environment() })).stdout;
  } catch (cause) {
    throw new ServerNotStarted('no-binary', `no nats-server at ${binary}: npm run setup fetches one, or give --nats URL`, { cause });
  }
  const version = /v?(\d+\.\d+\.\d+)/.exec(printed)?.[1] ?? 'of unknown version';
  if (!isRecentServer(version)) throw new ServerNotDurable(version, binary, /^2\.[0-9]\./.test(version) ? 'no sync_interval' : 'untested and older');
}

/** A server whose process was killed may take a moment to go; two on one store would ruin it. */
async function awaitPredecessor(dir: string): Promise<void> {
  const pid = Number(await readFile(join(dir, 'nats.pid'), 'utf8').catch(() => ''));
  const alive = async () => pid > 1 && (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes(join(dir, 'nats.conf'));
  for (let tries = 0; await alive(); tries++) {
    if (tries >= 300) throw new ServerNotStarted('already-running', `a nats-server (process ${pid}) already serves ${dir}: use it, or stop its owner first`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const lastPort = async (dir: string): Promise<number | null> => {
  const port = Number(await readFile(join(dir, 'port'), 'utf8').catch(() => ''));
  return Number.isInteger(port) && port > 0 && port < 65536 ? port : null;
};

async function freeBytes(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}
