import { execFile, execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { natsCli } from '../support/authority.ts';
import { natsBinary } from '../support/nats.ts';

// What `brigade nats config` leaves in a folder, looked at by the server that is to read it.

const ROOT = join(import.meta.dirname, '..', '..');
let dir: string;
beforeAll(async () => { dir = await mkdtemp(join(tmpdir(), 'brigade-nats-config-')); });
afterAll(() => rm(dir, { recursive: true, force: true }));

const make = (out: string, ...flags: string[]): Promise<string> => natsCli(ROOT, ['config', '--out', join(dir, out), ...flags]);
const USERS = ['--node', 'atlas', '--specialist', 'optimizer'];
const THREE = ['--server', 'a:4222', '--server', 'b:4222', '--server', 'c:4222'];
/** Fails where the server itself says that it cannot read it. */
const accept = (file: string): Promise<unknown> => promisify(execFile)(natsBinary, ['-t', '-c', file]);
const configs = async (folder: string): Promise<string[]> => (await readdir(folder)).filter((name) => name.endsWith('.conf')).map((name) => join(folder, name));

function hasOpenssl(): boolean {
  try { execFileSync('openssl', ['version'], { stdio: 'ignore' }); return true; } catch { return false; }
}
if (!hasOpenssl()) process.stderr.write('openssl is not here: --tls is not tried\n');

test.each<[string, number, string[]]>([
  ['one server', 1, [...USERS]],
  ['one server for a surface and counted nodes', 1, ['--surface', 'tiny', '--nodes', '3', '--server', '127.0.0.1:14222']],
  ['one server for a surface that is not set up here', 1, ['--surface', 'parameter-golf', '--node', 'atlas']],
  ['three servers', 3, [...USERS, ...THREE]],
  ...(hasOpenssl() ? [['one server over TLS that asks for certificates', 1, [...USERS, '--tls']], ['one that asks for none', 1, [...USERS, '--tls', '--no-mutual']], ['three servers over TLS', 3, [...USERS, ...THREE, '--tls']]] satisfies [string, number, string[]][] : []),
])('the configuration of %s is accepted by nats-server', async (name, count, flags) => {
  await make(name, ...flags);
  const files = await configs(join(dir, name));
  expect(files).toHaveLength(count);
  for (const file of files) {
    await accept(file);
    const text = await readFile(file, 'utf8');
    expect(text).toContain('sync_interval: always');
    expect(text).toMatch(/^http: "127\.0\.0\.1:\d+"$/m);
    expect(text.includes('verify: true'), 'clients, and always neighbours, show a certificate').toBe(flags.includes('--tls') && (!flags.includes('--no-mutual') || count > 1));
    expect([...text.matchAll(/nats-route:/g)]).toHaveLength(count === 1 ? 0 : count - 1);
  }
}, 240_000);

test('whatever lets somebody in is readable by its owner only, and no seed stands in a configuration or is printed', async () => {
  const printed = await make('private', ...USERS, ...THREE);
  const seeds = await Promise.all((await readdir(join(dir, 'private', 'keys'))).map(async (name) => {
    expect((await stat(join(dir, 'private', 'keys', name))).mode & 0o777, name).toBe(0o600);
    return (await readFile(join(dir, 'private', 'keys', name), 'utf8')).trim();
  }));
  expect((await readdir(join(dir, 'private', 'keys'))).sort()).toEqual(['broker.nk', 'dashboard.nk', 'evaluator-atlas.nk', 'lineage.nk', 'operator.nk', 'route.secret', 'specialist-optimizer.nk', 'supervisor.nk', 'sys.nk']);
  for (const file of await configs(join(dir, 'private'))) {
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const text = await readFile(file, 'utf8');
    for (const seed of seeds.filter((each) => each.startsWith('SU'))) expect(text).not.toContain(seed);
  }
  for (const seed of seeds) expect(printed).not.toContain(seed);
});

test('a secret of the cluster that was never written is no secret, and is not used as one', async () => {
  await mkdir(join(dir, 'torn', 'keys'), { recursive: true });
  await writeFile(join(dir, 'torn', 'keys', 'route.secret'), '');
  await expect(make('torn', ...USERS, ...THREE)).rejects.toThrow(/route\.secret is empty.*remove it, and another is made/);
  expect(await configs(join(dir, 'torn'))).toEqual([]);
  await make('torn', ...USERS);
});

test('made again with one node more it lets in whoever it let in, with the same keys', async () => {
  await make('grown', ...USERS);
  const before = await readFile(join(dir, 'grown', 'n1.conf'), 'utf8');
  await make('grown', ...USERS, '--node', 'borg');
  const after = await readFile(join(dir, 'grown', 'n1.conf'), 'utf8');
  const users = (text: string): string[] => [...text.matchAll(/\{nkey: (\w+),.*# (\S+)$/gm)].map(([, key, user]) => `${user} ${key}`);
  expect(users(after)).toEqual(expect.arrayContaining(users(before)));
  expect(users(after).filter((user) => !users(before).includes(user))).toEqual([expect.stringMatching(/^evaluator-borg U/)]);
});

test.each<[string[], RegExp]>([
  [[...USERS, '--server', 'a', '--server', 'b'], /2 servers cannot outlive one of them: give --server once, three or five times/],
  [['--specialist', 'optimizer'], /lets in no evaluator serves no run: name them by --node or --nodes/],
  [['--node', 'atlas'], /lets in no specialist serves no run: name them by --specialist or --surface/],
  [['--node', 'at.las', '--specialist', 'optimizer'], /--node at\.las must be 1 to 64 letters/],
  [[...USERS, '--server', 'head:99999'], /--server head:99999 must be a host, with a port below 61536/],
  [[...USERS, '--ca', 'x', '--cert', 'y'], /certificates of your own are three files/],
])('%j is refused and says why', async (flags, why) => {
  await expect(make('wrong', ...flags)).rejects.toThrow(why);
});

test('certificates of one’s own are used where they lie, and nothing is made', async () => {
  await make('own', ...USERS, '--ca', '/etc/ssl/ca.crt', '--cert', '/etc/ssl/head.crt', '--cert-key', '/etc/ssl/head.key');
  expect(await readFile(join(dir, 'own', 'n1.conf'), 'utf8')).toContain('tls {cert_file: "/etc/ssl/head.crt", key_file: "/etc/ssl/head.key", ca_file: "/etc/ssl/ca.crt", verify: true');
  expect((await readdir(join(dir, 'own', 'keys'))).filter((name) => /\.(crt|key)$/.test(name))).toEqual([]);
});

// The samples in deploy/nats, with keys that nobody has the other half of. Words that are newer than a sample do not make it wrong; its shape must be that of today.
const SAMPLES: readonly (readonly [string, readonly string[]])[] = [
  ['single', ['--server', 'head:4222', '--surface', 'golf-mini', '--node', 'atlas', '--node', 'borg']],
  ['cluster', ['--server', 'head-1:4222', '--server', 'head-2:4222', '--server', 'head-3:4222', '--surface', 'golf-mini', '--node', 'atlas', '--node', 'borg']],
];
const shape = (text: string): string => text.split('\n').filter((line) => !/^\s+\{/.test(line)).join('\n').replace(/\bU[A-Z2-7]{55}\b/g, 'KEY').replace(/(password: "|nats-route:\/\/route:)[0-9a-z-]+/g, '$1SECRET');

test.each(SAMPLES)('the sample %s in deploy/nats has the shape of what the command makes, and is accepted by nats-server', async (name, flags) => {
  await make(`sample ${name}`, '--at', '/etc/brigade/nats', '--store', '/var/lib/brigade-nats', ...flags);
  const made = await configs(join(dir, `sample ${name}`));
  const kept = await configs(join(ROOT, 'deploy', 'nats', name));
  expect(kept.map((file) => file.split('/').at(-1))).toEqual(made.map((file) => file.split('/').at(-1)));
  for (const [i, file] of kept.entries()) {
    const text = await readFile(file, 'utf8');
    expect(shape(text), `make it again: brigade nats config --out DIR --at /etc/brigade/nats --store /var/lib/brigade-nats ${flags.join(' ')}`).toBe(shape(await readFile(made[i] ?? '', 'utf8')));
    expect(text).not.toMatch(/\bSU[A-Z2-7]{50,}|nats-route:\/\/route:(?!change-me@)/);
    const copy = join(dir, 'copy.conf');
    await writeFile(copy, text);
    await accept(copy);
  }
});
