import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connectNats, isRecentServer, startServer, type EmbeddedServer } from '../../src/adapters/nats/index.ts';
import { ROLES } from '../../src/protocols/streams.ts';
import { natsBinary, natsServer } from '../support/nats.ts';

const folder = async () => {
  const dir = await mkdtemp(join(tmpdir(), 'brigade-server-'));
  return { dir, async [Symbol.asyncDispose]() { await rm(dir, { recursive: true, force: true }); } };
};
const hint = { from: 'kernel', to: 'data', file: 'model.py', symbol: null, hint: 'a hint', trial: null };
const connectTo = (server: EmbeddedServer) => connectNats({ url: server.url, monitorUrl: server.monitorUrl, keyFile: server.keyFile('supervisor'), name: 'test', role: 'supervisor' });
const isAlive = (pid: number): boolean => { try { process.kill(pid, 0); return true; } catch { return false; } };
const gone = async (pid: number): Promise<void> => { while (isAlive(pid)) await new Promise((resolve) => { setTimeout(resolve, 10); }); };
/** A program that says it is a nats-server of some version. */
const impostor = async (dir: string, version: string): Promise<string> => {
  const path = join(dir, `nats-server-${version}`);
  await writeFile(path, `#!/bin/sh\necho nats-server: v${version}\n`);
  await chmod(path, 0o755);
  return path;
};

describe('a nats-server of our own', () => {
  test('syncs every fact to disk, listens on loopback only and keeps its keys to its owner', async () => {
    await using server = await natsServer();
    const page = await (await fetch(`${server.server.monitorUrl}/jsz`)).json() as { config: { sync_always?: boolean } };
    expect(page.config.sync_always).toBe(true);
    expect(new URL(server.server.url).hostname).toBe('127.0.0.1');
    for (const role of ROLES) expect((await stat(server.server.keyFile(role) ?? '')).mode & 0o777).toBe(0o600);
    expect(await (await server.session()).ensureRun('r1')).toEqual({ kind: 'durable' });
  });
  test('waits for the key of a client on a machine that has much else to do', async () => {
    await using server = await natsServer();
    expect(await (await fetch(`${server.server.monitorUrl}/varz`)).json()).toMatchObject({ auth_timeout: 60 });
  });
  test('is given nothing of our environment but where programs lie', async () => {
    process.env['BRIGADE_SECRET_OF_A_TEST'] = 'sk-1';
    try {
      await using place = await natsServer();
      const names = (await readFile(`/proc/${place.server.pid}/environ`, 'utf8')).split('\0').filter(Boolean).map((entry) => entry.slice(0, entry.indexOf('=')));
      expect(names.filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name)), 'a shell adds what it is for').toEqual(['PATH']);
    } finally { delete process.env['BRIGADE_SECRET_OF_A_TEST']; }
  });
  test('that never says it is ready is given up with its log named, and is gone', async () => {
    await using place = await folder();
    const mute = join(place.dir, 'nats-server');
    await writeFile(mute, `#!/bin/sh\n[ "$1" = --version ] && exec echo nats-server: v2.15.1\necho $$ > '${place.dir}/mute.pid'\nexec sleep 600\n`);
    await chmod(mute, 0o755);
    await expect(startServer({ binary: mute, dir: place.dir, readyMs: 200 })).rejects.toThrow(/was not ready after 0\.2 s\. Its log is .*nats\.log/);
    await gone(Number(await readFile(join(place.dir, 'mute.pid'), 'utf8')));
  });
  test('has the facts of a run that was made when servers had no accounts', async () => {
    await using place = await folder();
    const before = await startServer({ binary: natsBinary, dir: place.dir, credentials: false });
    const old = await connectTo(before);
    await old.ensureRun('r1');
    await old.journal('r1').record('handoff.offered', ['h1'], hint);
    await old.close();
    await before.stop();
    const now = await startServer({ binary: natsBinary, dir: place.dir });
    const session = await connectTo(now);
    expect(await session.listRuns()).toEqual(['r1']);
    expect(await session.journal('r1').record('handoff.offered', ['h1'], { ...hint, hint: 'another' })).toEqual({ kind: 'taken' });
    await session.close();
    await now.stop();
  });
  test('started again has the same keys, port and facts', async () => {
    await using place = await folder();
    const first = await startServer({ binary: natsBinary, dir: place.dir });
    const session = await connectTo(first);
    await session.ensureRun('r1');
    await session.journal('r1').record('handoff.offered', ['h1'], hint);
    await session.close();
    const key = await readFile(first.keyFile('broker') ?? '', 'utf8');
    await first.stop();
    expect(isAlive(first.pid)).toBe(false);
    await using second = await startServer({ binary: natsBinary, dir: place.dir });
    expect([second.url, await readFile(second.keyFile('broker') ?? '', 'utf8')]).toEqual([first.url, key]);
    await using again = await connectTo(second);
    expect([await again.listRuns(), await again.journal('r1').position()]).toEqual([['r1'], 1]);
  });
  test('takes another port when its own was taken meanwhile', async () => {
    await using place = await folder();
    const first = await startServer({ binary: natsBinary, dir: place.dir });
    await first.stop();
    const squatter = createServer();
    await new Promise<void>((resolve) => { squatter.listen(Number(new URL(first.url).port), '127.0.0.1', resolve); });
    await using second = await startServer({ binary: natsBinary, dir: place.dir });
    expect(second.url).not.toBe(first.url);
    squatter.close();
  });
  test('says so when a port that must be had is taken', async () => {
    await using place = await folder();
    const squatter = createServer();
    await new Promise<void>((resolve) => { squatter.listen(0, '127.0.0.1', resolve); });
    const { port } = squatter.address() as AddressInfo;
    await expect(startServer({ binary: natsBinary, dir: place.dir, port })).rejects.toMatchObject({ reason: 'port-in-use', message: expect.stringContaining(String(port)) as string });
    squatter.close();
  });
  test('dies with the process that started it, even when that one is killed outright', async () => {
    await using place = await folder();
    await mkdir(join(place.dir, 'nats'));
    // The guard is a shell script in the source: the same program is started by a parent that then dies.
    const source = await readFile(join(import.meta.dirname, '..', '..', 'src', 'adapters', 'nats', 'server.ts'), 'utf8');
    const guard = /const GUARD = `([\s\S]*?)`;/.exec(source)?.[1] ?? '';
    const config = join(place.dir, 'nats.conf');
    await writeFile(config, `listen: "127.0.0.1:-1"\nports_file_dir: ${JSON.stringify(place.dir)}\npid_file: ${JSON.stringify(join(place.dir, 'pid'))}\n`);
    const parent = spawn(process.execPath, ['-e', `require('node:child_process').spawn('sh', ['-c', process.argv[1], 'nats', process.argv[2], '-c', process.argv[3]], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'], detached: true }); setInterval(() => {}, 1e6)`, guard, natsBinary, config], { stdio: 'ignore' });
    const pid = async (): Promise<number> => Number(await readFile(join(place.dir, 'pid'), 'utf8').catch(() => ''));
    while ((await pid()) === 0) await new Promise((resolve) => { setTimeout(resolve, 10); });
    const server = await pid();
    expect(isAlive(server)).toBe(true);
    parent.kill('SIGKILL');
    await gone(server);
  });
  test('two on one folder are refused', async () => {
    await using server = await natsServer();
    await expect(startServer({ binary: natsBinary, dir: server.dir })).rejects.toMatchObject({ reason: 'already-running' });
  });
  test('a missing binary, an old one and one that fails are told apart, each with its remedy', async () => {
    await using place = await folder();
    await expect(startServer({ binary: join(place.dir, 'none'), dir: join(place.dir, 'a') })).rejects.toThrow(/no nats-server at .*npm run setup/);
    await expect(startServer({ binary: await impostor(place.dir, '2.9.10'), dir: join(place.dir, 'b') })).rejects.toThrow(/nats-server 2\.9\.10 at .* cannot promise durability \(no sync_interval\)\. Brigade needs 2\.10\.27 or newer: npm run setup fetches one, or give --nats URL\./);
    await expect(startServer({ binary: await impostor(place.dir, '2.15.1'), dir: join(place.dir, 'c') })).rejects.toMatchObject({ reason: 'failed', message: expect.stringContaining('nats.log') as string });
  });
  test.each([['2.9.10', false], ['2.10.26', false], ['2.10.27', true], ['v2.11.0-RC.1', true], ['3.0.0', true]])('version %s is recent enough: %s', (version, isRecent) => { expect(isRecentServer(version)).toBe(isRecent); });
});

describe('a server of somebody else', () => {
  const other = async (dir: string, config: string): Promise<{ url: string } & AsyncDisposable> => {
    await writeFile(join(dir, 'other.conf'), `listen: "127.0.0.1:-1"\nports_file_dir: ${JSON.stringify(dir)}\n${config}`);
    const child = spawn(natsBinary, ['-c', join(dir, 'other.conf')], { stdio: 'ignore' });
    const ports = join(dir, `nats-server_${child.pid}.ports`);
    let text = '';
    while (!text.includes('}')) { text = await readFile(ports, 'utf8').catch(() => ''); await new Promise((resolve) => { setTimeout(resolve, 10); }); }
    return { url: (JSON.parse(text) as { nats: string[] }).nats[0] ?? '', async [Symbol.asyncDispose]() { const closed = new Promise((resolve) => { child.once('exit', resolve); }); child.kill(); await closed; } };
  };
  test('that does not sync is refused where that can be seen, and otherwise it is said that it cannot', async () => {
    await using place = await folder();
    await using server = await other(place.dir, `http: "127.0.0.1:-1"\njetstream { store_dir: ${JSON.stringify(join(place.dir, 'store'))} }\n`);
    const ports = await Promise.all((await import('node:fs')).readdirSync(place.dir).filter((name) => name.endsWith('.ports')).map((name) => readFile(join(place.dir, name), 'utf8')));
    const monitorUrl = (JSON.parse(ports[0] ?? '{}') as { monitoring: string[] }).monitoring[0] ?? '';
    await using seen = await connectNats({ url: server.url, monitorUrl, keyFile: null, name: 'test', role: 'supervisor' });
    await expect(seen.ensureRun('r1')).rejects.toThrow(/sync_interval is not always/);
    await using blind = await connectNats({ url: server.url, monitorUrl: 'http://127.0.0.1:9', keyFile: null, name: 'test', role: 'supervisor' });
    expect(await blind.ensureRun('r1')).toMatchObject({ kind: 'unknown', why: expect.stringContaining('sync_interval: always') as string });
  });
  test('whose store is full refuses the next fact with the remedy, and keeps what it acknowledged', async () => {
    await using place = await folder();
    await using server = await other(place.dir, `jetstream { store_dir: ${JSON.stringify(join(place.dir, 'store'))}, sync_interval: always, max_file_store: 500000 }\n`);
    await using session = await connectNats({ url: server.url, keyFile: null, name: 'test', role: 'supervisor' });
    await session.ensureRun('r1');
    let recorded = 0;
    const fill = async (): Promise<void> => {
      for (; recorded < 1_000; recorded++) await session.journal('r1').record('handoff.offered', [`h${recorded}`], { ...hint, hint: 'x'.repeat(600) });
    };
    await expect(fill()).rejects.toThrow(/the journal of r1 is full .*free some disk space/);
    expect(await session.journal('r1').position()).toBe(recorded);
  });
  test('with a stream that promises less is refused by name of what differs', async () => {
    await using server = await natsServer({ credentials: false });
    const { connect } = await import('nats');
    const { jetstreamManager } = await import('@nats-io/jetstream');
    const raw = await connect({ servers: server.server.url });
    await (await jetstreamManager(raw)).streams.add({ name: 'BRIGADE_EVT_r1', subjects: ['brigade.evt.r1.>'] });
    await raw.close();
    await expect((await server.session()).ensureRun('r1')).rejects.toThrow(/stream BRIGADE_EVT_r1 has (discard|max_msgs_per_subject)/);
  });
  test('that is not there, or does not know our key, is said to be so', async () => {
    await expect(connectNats({ url: 'nats://127.0.0.1:9', keyFile: null, name: 'test', role: 'operator', firstConnectMs: 200 })).rejects.toThrow(/no nats-server answers at nats:\/\/127\.0\.0\.1:9: start one, or leave --nats out/);
    await expect(connectNats({ url: 'nats://127.0.0.1:9', keyFile: null, name: 'test', role: 'broker', firstConnectMs: 200, remedy: 'the broker of r1 cannot work without it' })).rejects.toThrow(/127\.0\.0\.1:9: the broker of r1 cannot work without it/);
    await using server = await natsServer();
    await expect(connectNats({ url: server.server.url, keyFile: null, name: 'test', role: 'operator' })).rejects.toThrow(/does not accept/);
  });
  test('the journal of a run cannot be purged or rewritten, not even by its supervisor', async () => {
    await using server = await natsServer({ credentials: false });
    const session = await server.run('r1');
    await session.journal('r1').record('handoff.offered', ['h1'], hint);
    const { connect } = await import('nats');
    const { jetstreamManager } = await import('@nats-io/jetstream');
    const raw = await connect({ servers: server.server.url });
    const { streams } = await jetstreamManager(raw);
    await expect(streams.purge('BRIGADE_EVT_r1')).rejects.toThrow(/not permitted/);
    await expect(streams.deleteMessage('BRIGADE_EVT_r1', 1)).rejects.toThrow(/not permitted/);
    await raw.close();
    expect(await session.journal('r1').position()).toBe(1);
  });
});
