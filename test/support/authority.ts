import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { connect, nkeyAuthenticator, type NatsConnection } from 'nats';
import { connectNats, type NatsSession } from '../../src/adapters/nats/index.ts';
import { tlsBeside } from '../../src/adapters/nats/session.ts';
import { natsCommand } from '../../src/cli/nats.ts';
import { inboxOf } from '../../src/protocols/authority.ts';
import type { Role } from '../../src/protocols/streams.ts';
import { natsBinary } from './nats.ts';

/** Real servers under the configuration that `brigade nats config` makes, gone when the block ends. */
export interface Authority extends AsyncDisposable {
  readonly dir: string;
  readonly keys: string;
  readonly url: string;
  readonly monitorUrl: string;
  /** Whatever the command printed. */
  readonly printed: string;
  /** A session as Brigade's own programs have it, by the name of a key file. */
  session(user: string): Promise<NatsSession>;
  /** A bare client with a user's key: it may try what it likes. `refusals` holds what the server would not let it. */
  client(user: string): Promise<NatsConnection & { readonly refusals: string[] }>;
  /** Stops one of the servers as a service manager does, does something to what it left in its store, and starts it again. */
  restart(server: string, meanwhile: (store: string) => Promise<void>): Promise<void>;
}

/** A port whose neighbours for routes and monitoring are free too. */
export async function freePort(): Promise<number> {
  const isFree = (port: number): Promise<boolean> => new Promise((resolve) => {
    const probe = createServer().once('error', () => resolve(false)).listen(port, '127.0.0.1', () => { probe.close(() => resolve(true)); });
  });
  for (;;) {
    const port = await new Promise<number>((resolve) => { const probe = createServer().listen(0, '127.0.0.1', () => { const { port: found } = probe.address() as AddressInfo; probe.close(() => resolve(found)); }); });
    if (port < 60_000 && (await Promise.all([2000, 4000].map((above) => isFree(port + above)))).every(Boolean)) return port;
  }
}

/** What `brigade nats …` prints. */
export async function natsCli(root: string, args: readonly string[]): Promise<string> {
  let out = '';
  const program = new Command().exitOverride();
  natsCommand(program, { root, runs: join(root, 'runs') }, { write: (text) => { out += text; } });
  await program.parseAsync(['nats', ...args], { from: 'user' });
  return out;
}

/** Starts as many servers as asked for; the flags are those of `brigade nats config` beside --out, --store and --server. */
export async function authority(flags: readonly string[], servers = 1): Promise<Authority> {
  const dir = await mkdtemp(join(tmpdir(), 'brigade-authority-'));
  const ports: number[] = [];
  while (ports.length < servers) { const port = await freePort(); if (!ports.includes(port)) ports.push(port); }
  const printed = await natsCli(join(import.meta.dirname, '..', '..'), ['config', '--out', dir, '--store', join(dir, 'store'), ...ports.flatMap((port) => ['--server', `127.0.0.1:${port}`]), ...flags]);
  const start = (i: number) => spawn(natsBinary, ['-c', join(dir, `n${i + 1}.conf`), '-l', join(dir, `n${i + 1}.log`)], { stdio: 'ignore' });
  const started = ports.map((_, i) => start(i));
  const monitors = ports.map((port) => `http://127.0.0.1:${port + 4000}`);
  const isReady = async (monitor: string): Promise<void> => { // E.g. a cluster is ready once it has a leader
    const look = (): Promise<boolean> => fetch(`${monitor}/healthz`).then((answer) => answer.ok, () => false);
    while (!(await look())) await new Promise((resolve) => { setTimeout(resolve, 50); });
  };
  for (const monitor of monitors) await isReady(monitor);
  const keys = join(dir, 'keys');
  const url = `${flags.includes('--tls') ? 'tls' : 'nats'}://127.0.0.1:${ports[0]}`;
  const closing: { close(): Promise<void> }[] = [];
  const keep = <T extends { close(): Promise<void> }>(opened: T): T => { closing.push(opened); return opened; };
  return {
    dir, keys, url, monitorUrl: monitors[0] ?? '', printed,
    session: async (user) => keep(await connectNats({ url, monitorUrl: monitors[0] ?? null, keyFile: join(keys, `${user}.nk`), name: `test ${user}`, role: (user.split('-')[0] ?? '') as Role })),
    async client(user) {
      const file = join(keys, `${user}.nk`);
      const tls = tlsBeside(file);
      const client = await connect({ servers: url, inboxPrefix: inboxOf(user), authenticator: nkeyAuthenticator(new TextEncoder().encode((await readFile(file, 'utf8')).trim())), maxReconnectAttempts: 0, ...(tls === null ? {} : { tls }) });
      const refusals: string[] = [];
      void (async () => { for await (const status of client.status()) if (status.type === 'error') refusals.push(String(status.error)); })();
      return keep(Object.assign(client, { refusals }));
    },
    async restart(server, meanwhile) {
      const i = Number(server.slice(1)) - 1;
      const [before, monitor = ''] = [started[i], monitors[i]];
      const gone = new Promise((resolve) => { before?.once('exit', resolve); });
      before?.kill('SIGTERM');
      await gone;
      await meanwhile(join(dir, 'store', ...(servers === 1 ? [] : [server])));
      started[i] = start(i);
      await isReady(monitor);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(closing.map((each) => each.close()));
      await Promise.all(started.map((server) => { const gone = new Promise((resolve) => { server.once('exit', resolve); }); server.kill('SIGKILL'); return server.exitCode === null && server.signalCode === null ? gone : null; }));
      await rm(dir, { recursive: true, force: true });
    },
  };
}
