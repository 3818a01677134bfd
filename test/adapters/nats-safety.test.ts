import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect as dial, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager, type StreamConfig } from '@nats-io/jetstream';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { inspectServer, makeKeys, type Finding } from '../../src/adapters/nats/index.ts';
import { journalStream } from '../../src/protocols/streams.ts';
import { authority, freePort, type Authority } from '../support/authority.ts';
import { natsBinary } from '../support/nats.ts';

// What doctor refuses, each tried on a real server that is so.

const wrong = (findings: readonly Finding[]) => findings.filter(({ ok }) => ok !== 'ok').map(({ name, ok, says, remedy }) => `${ok} ${name}: ${says}: ${remedy}`);

/** A server under a configuration of the test's own. */
async function serverUnder(config: (dir: string) => string | Promise<string>) {
  const [dir, port] = [await mkdtemp(join(tmpdir(), 'brigade-unsafe-')), await freePort()];
  await writeFile(join(dir, 'nats.conf'), `listen: "127.0.0.1:${port}"\nhttp: "127.0.0.1:${port + 4000}"\nserver_name: one\n${await config(dir)}`);
  const child = spawn(natsBinary, ['-c', join(dir, 'nats.conf')], { stdio: 'ignore' });
  const monitorUrl = `http://127.0.0.1:${port + 4000}`;
  while (!(await fetch(`${monitorUrl}/healthz`).then((answer) => answer.ok, () => false))) await new Promise((resolve) => { setTimeout(resolve, 20); });
  return {
    dir, port, monitorUrl, url: `nats://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() { const gone = new Promise((resolve) => { child.once('exit', resolve); }); child.kill('SIGKILL'); await gone; await rm(dir, { recursive: true, force: true }); },
  };
}
const store = (dir: string, sync = 'always'): string => `jetstream { store_dir: "${dir}/store", sync_interval: ${sync} }`;

function hasOpenssl(): boolean {
  try { execFileSync('openssl', ['version'], { stdio: 'ignore' }); return true; } catch { return false; }
}
if (!hasOpenssl()) process.stderr.write('openssl is not here: the cluster of three goes without TLS\n');

let nats: Authority;
beforeAll(async () => { nats = await authority(['--node', 'atlas', '--specialist', 'optimizer']); }, 120_000);
afterAll(() => nats[Symbol.asyncDispose]());

test('a server under the generated configuration is found safe, and nothing is left on it', async () => {
  await (await nats.session('supervisor')).ensureRun('night');
  const findings = await inspectServer({ url: nats.url, keys: nats.keys });
  expect(wrong(findings)).toEqual([]);
  expect(findings.map(({ name, says }) => `${name} ${says.replace(/\d+\.\d+\.\d+\S*/g, 'V')}`)).toEqual([
    'nats-entry nobody is let in without a key', 'nats-server V at nats://V, every acknowledged message is on disk'.replace('nats://V,', `${nats.url.replace(/\d+\.\d+\.\d+\S*/, 'V')}`), 'nats-journal 1 journal as the protocol says',
    'nats-facts specialist-optimizer.nk can neither write, hear nor ask for facts, nor have anybody say one',
  ]);
  expect(await (await nats.session('supervisor')).listRuns()).toEqual(['night']);
});

test('what cannot be seen without a key is said to be so', async () => {
  expect(wrong(await inspectServer({ url: nats.url, keys: null }))).toEqual(['weak nats-server: what it is cannot be seen without a key: give --keys the folder that was made with its configuration']);
  expect(wrong(await inspectServer({ url: 'nats://127.0.0.1:9', keys: null }))).toEqual([expect.stringMatching(/^bad nats-server: no connection to nats:\/\/127\.0\.0\.1:9: .*is the address right/)]);
});

test.each<[string, Partial<StreamConfig>, RegExp]>([
  ['deny_delete', { deny_delete: false }, /has deny_delete false and a journal needs true: .*start another/],
  ['deny_purge', { deny_purge: false }, /has deny_purge false and a journal needs true: .*start another/],
  ['discard_new_per_subject', { discard_new_per_subject: false }, /has discard_new_per_subject (false|null) and a journal needs true: .*start another/],
  ['max_msgs_per_subject', { max_msgs_per_subject: 2 }, /has max_msgs_per_subject 2 and a journal needs 1: .*start another/],
  ['allow_direct', { allow_direct: true }, /has allow_direct true and a journal needs false: .*start another/],
  ['max_age', { max_age: 3_600_000_000_000 }, /has max_age 3600000000000 and a journal needs 0: .*start another/],
])('a journal with another %s is refused by name', async (_, change, says) => {
  const { streams } = await jetstreamManager(await nats.client('supervisor'));
  const wanted = journalStream('odd');
  await streams.add({ ...wanted, subjects: [...wanted.subjects], ...change } as Partial<StreamConfig> & { name: string });
  try {
    const found = wrong(await inspectServer({ url: nats.url, keys: nats.keys }));
    expect(found).toEqual([expect.stringMatching(says)]);
    expect(found[0]).toContain('bad nats-journal: BRIGADE_EVT_odd');
  } finally { await streams.delete(wanted.name); }
});

test('three servers keep three copies of a run, each is looked at, and a journal with one copy is refused', async () => {
  await using cluster = await authority(['--node', 'atlas', '--specialist', 'optimizer', ...(hasOpenssl() ? ['--tls'] : [])], 3);
  const supervisor = await cluster.session('supervisor');
  await vi.waitFor(() => supervisor.ensureRun('night'), { timeout: 60_000, interval: 250 }); // a cluster is asked too early until all have joined
  const { streams } = await jetstreamManager(await cluster.client('supervisor'));
  for (const stream of ['BRIGADE_EVT_night', 'OBJ_BRIGADE_BLOBS_night']) expect((await streams.info(stream)).config.num_replicas).toBe(3);
  const safe = await inspectServer({ url: cluster.url, keys: cluster.keys });
  expect(wrong(safe)).toEqual([]);
  expect(safe.filter(({ name }) => name === 'nats-server').map(({ says }) => /\((n\d of \w+)\)/.exec(says)?.[1])).toEqual(['n1 of brigade', 'n2 of brigade', 'n3 of brigade']);
  const wanted = journalStream('odd', 1);
  await streams.add({ ...wanted, subjects: [...wanted.subjects] } as Partial<StreamConfig> & { name: string });
  expect(wrong(await inspectServer({ url: cluster.url, keys: cluster.keys }))).toEqual(['bad nats-journal: BRIGADE_EVT_odd has num_replicas 1 and a journal needs 3: nats stream edit BRIGADE_EVT_odd --replicas 3, with the supervisor\'s key']);
  await expect(supervisor.ensureRun('odd')).rejects.toThrow(/num_replicas 1 and a journal needs 3/);
}, 240_000);

test('a server that does not sync is refused', async () => {
  await using lazy = await serverUnder(async (dir) => (await readFile(join(nats.dir, 'n1.conf'), 'utf8')).split('\n').filter((line) => !/^(server_name|listen|http|\s+sync_interval)/.test(line)).join('\n').replace(/store_dir: ".*"/, `store_dir: "${dir}/store"`));
  expect(wrong(await inspectServer({ url: lazy.url, keys: nats.keys }))).toEqual([`bad nats-server: ${(await version(lazy.monitorUrl))} at ${lazy.url} does not sync every message: a power cut loses acknowledged facts: put \`sync_interval: always\` into its jetstream block`]);
});
const version = async (monitorUrl: string): Promise<string> => ((await (await fetch(`${monitorUrl}/varz`)).json()) as { version: string }).version;

test('a server whose version is too old is refused whatever else it promises', async () => {
  const port = Number(new URL(nats.url).port);
  const old = createServer((socket) => { // a real server, that says it is another
    const real = dial(port, '127.0.0.1');
    real.on('data', (bytes: Buffer) => { socket.write(bytes.toString('latin1').replace(/"version":"[^"]*"/, '"version":"2.9.10"'), 'latin1'); });
    socket.on('data', (bytes) => { real.write(bytes); });
    for (const [one, two] of [[socket, real], [real, socket]] as const) { one.on('error', () => undefined); one.on('close', () => two.destroy()); }
  });
  await new Promise<void>((resolve) => { old.listen(0, '127.0.0.1', resolve); });
  try {
    const url = `nats://127.0.0.1:${(old.address() as AddressInfo).port}`;
    expect(wrong(await inspectServer({ url, keys: nats.keys }))).toEqual([`bad nats-server: 2.9.10 at ${url} cannot promise durability. Brigade needs 2.10.27 or newer: npm run setup fetches one`]);
  } finally { old.close(); }
});

test('a server that lets everybody in is refused', async () => {
  await using open = await serverUnder((dir) => store(dir));
  expect(wrong(await inspectServer({ url: open.url, keys: null, monitorUrl: open.monitorUrl }))).toEqual(['bad nats-entry: everybody is let in, without a key: make its configuration with brigade nats config']);
  expect(wrong(await inspectServer({ url: open.url, keys: null, monitorUrl: 'http://127.0.0.1:9' }))).toContainEqual(expect.stringMatching(/^weak nats-server: .*cannot be seen from here: put `sync_interval: always`/));
});

test('a server that takes whoever shows no key for one of its users is refused', async () => {
  await using named = await serverUnder((dir) => `${store(dir)}\nauthorization { users: [{user: somebody, password: p}] }\nno_auth_user: somebody\n`);
  expect(wrong(await inspectServer({ url: named.url, keys: null, monitorUrl: named.monitorUrl }))).toEqual(['bad nats-entry: whoever shows no key is let in, as the user that no_auth_user names: take no_auth_user out of its configuration']);
});

test.each([
  ['may do anything', '">"', '">"', /ask for them, have a server write them, have whoever answers it write them, hear them, write them/],
  ['may only propose, in the account of the facts', '"brigade.cmd.broker.propose.*"', '"_INBOX.specialist.>"', /it can have whoever answers it write them: make its configuration with brigade nats config/],
  ['may ask JetStream', '["brigade.cmd.nothing", "$JS.API.STREAM.NAMES"]', '"_INBOX.specialist.>"', /it can ask for them: make/],
  ['may listen', '"brigade.cmd.nothing"', '["_INBOX.specialist.>", "brigade.evt.>"]', /it can hear them: make/],
])('a server whose specialist %s is found out by trying', async (_, publish, subscribe, says) => {
  await using lax = await serverUnder(async (dir) => {
    const users = await makeKeys(join(dir, 'keys'), (['supervisor', 'operator', 'specialist'] as const).map((role) => ({ role, name: null })));
    return `${store(dir)}\nauthorization { users: [${users.map(({ role, publicKey }) => `{nkey: ${publicKey}${role === 'specialist' ? `, permissions: {publish: ${publish}, subscribe: ${subscribe}}` : ''}}`).join(', ')}] }\n`;
  });
  const found = wrong(await inspectServer({ url: lax.url, keys: join(lax.dir, 'keys'), monitorUrl: lax.monitorUrl }));
  expect(found).toEqual([expect.stringMatching(says)]);
  expect(found[0]).toMatch(/^bad nats-facts: the key specialist\.nk reaches the facts/);
});

test.each([['under nobody\'s', '"brigade.cmd.broker.propose.*"'], ['under everybody\'s', '"brigade.cmd.broker.propose.*.*"']])('a server whose specialist may ask %s name is found out by trying', async (_, publish) => {
  await using lax = await serverUnder(async (dir) => {
    const users = await makeKeys(join(dir, 'keys'), (['supervisor', 'operator', 'specialist'] as const).map((role) => ({ role, name: role === 'specialist' ? 'optimizer' : null })));
    return `${store(dir)}\nauthorization { users: [${users.map(({ role, publicKey }) => `{nkey: ${publicKey}${role === 'specialist' ? `, permissions: {publish: ${publish}, subscribe: "_INBOX.specialist-optimizer.>"}` : ''}}`).join(', ')}] }\n`;
  });
  const found = wrong(await inspectServer({ url: lax.url, keys: join(lax.dir, 'keys'), monitorUrl: lax.monitorUrl }));
  expect(found[0]).toBe('bad nats-facts: the key specialist-optimizer.nk can speak for another specialist: make its configuration with brigade nats config');
});
