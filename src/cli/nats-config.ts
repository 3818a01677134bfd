import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { makeCertificates, makeKeys, MONITOR_ABOVE, publicKey, serverConfig, type ClusterPlace, type TlsFiles } from '../adapters/nats/index.ts';
import { loadSurface, SurfaceNotSetUp } from '../adapters/surfaces/index.ts';
import { COMPOSER } from '../domain/components.ts';
import { TOKEN } from '../domain/ids.ts';
import { userId, type User } from '../protocols/authority.ts';
import { ROLES } from '../protocols/streams.ts';
import { Mistake } from './mistake.ts';
import { number } from './number.ts';
import type { Place } from './place.ts';

// `brigade nats config`: a folder with the configuration of one nats-server, or of three, and a key for everybody it lets in.
//
//   G1. A key that is there is kept: a folder that is extended by a node or a specialist goes on letting in whoever it let in.
//   G2. Whatever could let somebody in is readable by its owner only, and stands in no command line.

interface Flags {
  readonly out: string; readonly at?: string; readonly store: string; readonly server: string[];
  readonly node: string[]; readonly nodes?: string; readonly specialist: string[]; readonly surface?: string;
  readonly tls?: true; readonly ca?: string; readonly cert?: string; readonly certKey?: string; readonly mutual: boolean; readonly json?: true;
}

/** Routes of a server listen so far above its clients' port: 6222 for 4222. */
const ROUTES_ABOVE = 2000;

/** Adds `config` to `brigade nats`. */
export function natsConfigCommand(nats: Command, place: Place, out: { write(text: string): unknown }): void {
  const more = (value: string, before: string[]): string[] => [...before, value];
  nats.command('config').description('make the configuration of a nats-server, or of a cluster of three, and a key for each daemon')
    .requiredOption('--out <dir>', 'where it goes; keys that are there already are kept')
    .option('--server <host:port>', 'where clients reach a server; three times for a cluster', more, [])
    .option('--node <name>', 'a machine with an evaluator; repeat it', more, []).option('--nodes <n>', 'so many of them, called node1 and so on')
    .option('--specialist <name>', 'one who proposes; repeat it', more, []).option('--surface <name>', 'all specialists of this surface')
    .option('--tls', 'make an authority and certificates with openssl, for servers and for everybody they let in')
    .option('--ca <file>', 'use certificates of your own: the authority,').option('--cert <file>', 'the servers\' certificate').option('--cert-key <file>', 'and its key')
    .option('--no-mutual', 'with TLS: let in clients that show no certificate')
    .option('--at <dir>', 'where the folder will lie on the server; for configurations that are made elsewhere')
    .option('--store <dir>', 'where the servers keep what they are told', './nats-store')
    .option('--json', 'say what was made as one object')
    .addHelpText('after', '\nExamples:\n  $ brigade nats config --out nats --server head:4222 --surface golf-mini --node atlas --node borg --tls\n  $ nats-server -c nats/n1.conf\n  $ brigade doctor --nats tls://head:4222 --keys nats/keys')
    .action(async (flags: Flags) => {
      const users = [...ROLES.filter((role) => role !== 'evaluator' && role !== 'specialist').map((role): User => ({ role, name: null })), ...await namedUsers(flags, place)];
      const made = await writeConfig(flags, users);
      if (flags.json) { out.write(`${JSON.stringify({ ...made, users: [...users.map(userId), 'sys'] })}\n`); return; }
      out.write([...made.configs.map((file) => `nats-server -c ${file}`), `${users.length + 1} keys in ${made.keys}: give each daemon its own, by --keys DIR with that file${flags.tls ? ', its .crt and .key, and ca.crt' : ''}`, ''].join('\n'));
    });
}

async function namedUsers({ node, nodes, specialist, surface }: Flags, place: Place): Promise<User[]> {
  const counted = nodes === undefined ? [] : Array.from({ length: number('--nodes', nodes, 1, 1000, true) }, (_, i) => `node${i + 1}`);
  const described = surface === undefined ? null : await loadSurface(place.root, surface).catch((error: unknown) => { // who proposes is known before anything is fetched
    if (error instanceof SurfaceNotSetUp) return error.outline;
    throw error;
  });
  const roster = described === null ? [] : [...described.roster.map((brief) => brief.specialist), COMPOSER];
  const users = [...[...node, ...counted].map((name): User => ({ role: 'evaluator', name })), ...[...specialist, ...roster].map((name): User => ({ role: 'specialist', name }))];
  const odd = users.find(({ name }) => name === null || !TOKEN.test(name));
  if (odd) throw new Mistake(`--${odd.role === 'evaluator' ? 'node' : 'specialist'} ${odd.name} must be 1 to 64 letters, digits, - or _`);
  for (const [role, flag] of [['evaluator', '--node or --nodes'], ['specialist', '--specialist or --surface']] as const) if (!users.some((user) => user.role === role)) throw new Mistake(`a server that lets in no ${role} serves no run: name them by ${flag}`);
  return [...new Map(users.map((user) => [userId(user), user])).values()];
}

async function writeConfig({ out, at, store, server: asked, tls: makesTls, ca, cert, certKey, mutual }: Flags, users: readonly User[]): Promise<{ readonly configs: readonly string[]; readonly keys: string }> {
  const servers = (asked.length === 0 ? ['127.0.0.1:4222'] : asked).map(addressOf);
  if (servers.length !== 1 && (servers.length < 3 || servers.length % 2 === 0)) throw new Mistake(`${servers.length} servers cannot outlive one of them: give --server once, three or five times`);
  const own = [ca, cert, certKey].filter((each) => each !== undefined);
  if (own.length % 3 !== 0 || (own.length > 0 && makesTls)) throw new Mistake('certificates of your own are three files, --ca, --cert and --cert-key; --tls makes all of them');
  const keys = join(out, 'keys');
  const there = resolve(at ?? out);
  await mkdir(out, { recursive: true, mode: 0o700 });
  const known = await makeKeys(keys, users); // G1
  const sysKey = await publicKey(join(keys, 'sys.nk'));
  const name = (i: number): string => `n${i + 1}`;
  if (makesTls) await makeCertificates({ dir: keys, caDir: join(out, 'authority'), wanted: [
    ...servers.map(({ host }, i) => ({ file: name(i), name: host, hosts: [...new Set([host, 'localhost', '127.0.0.1'])] })),
    ...[...users.map(userId), 'sys'].map((user) => ({ file: user, name: user, hosts: null })),
  ] });
  const tlsOf = (i: number): TlsFiles | null => (makesTls ? { ca: join(there, 'keys', 'ca.crt'), cert: join(there, 'keys', `${name(i)}.crt`), key: join(there, 'keys', `${name(i)}.key`), isMutual: mutual }
    : ca !== undefined && cert !== undefined && certKey !== undefined ? { ca: resolve(ca), cert: resolve(cert), key: resolve(certKey), isMutual: mutual } : null);
  const secret = servers.length === 1 ? '' : await routeSecret(join(keys, 'route.secret'));
  const configs = await Promise.all(servers.map(async ({ host, port }, i) => {
    const cluster: ClusterPlace | null = servers.length === 1 ? null : { listen: `${host}:${port + ROUTES_ABOVE}`, routes: servers.filter((_, k) => k !== i).map((each) => `${each.host}:${each.port + ROUTES_ABOVE}`), secret };
    const file = join(out, `${name(i)}.conf`);
    await writeFile(file, serverConfig({ name: name(i), listen: `${host}:${port}`, monitor: `127.0.0.1:${port + MONITOR_ABOVE}`, storeDir: join(store, name(i)), storeBytes: null, users: known, sysKey, cluster, tls: tlsOf(i), more: ['# made by brigade nats config: change its flags and make it again, keys are kept'] }), { mode: 0o600 }); // G2
    await chmod(file, 0o600);
    return file;
  }));
  return { configs, keys };
}

function addressOf(text: string): { readonly host: string; readonly port: number } {
  const found = /^([A-Za-z0-9.-]+)(?::(\d{1,5}))?$/.exec(text);
  const [, host = '', port = '4222'] = found ?? [];
  if (found === null || Number(port) + MONITOR_ABOVE > 65_535) throw new Mistake(`--server ${text} must be a host, with a port below ${65_536 - MONITOR_ABOVE} if it is not 4222`);
  return { host, port: Number(port) };
}

/** What servers show one another; kept once made. */
async function routeSecret(file: string): Promise<string> {
  if (!existsSync(file)) await writeFile(file, randomBytes(24).toString('hex'), { mode: 0o600, flag: 'wx' });
  const secret = (await readFile(file, 'utf8')).trim();
  if (secret === '') throw new Mistake(`${file} is empty, as a full disk leaves it, and would let every server into the cluster: remove it, and another is made`);
  return secret;
}
