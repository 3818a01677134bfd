import { cp, mkdir, readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openStore } from '../../src/adapters/lmdb/index.ts';
import { runDir } from '../../src/cli/place.ts';
import type { Cluster } from './cluster.ts';
import { leftBelow } from './groups.ts';
import type { Boxes } from './invariants/index.ts';
import type { Lab } from './lab.ts';
import { groupsNow } from './watch.ts';

// What lies on the hosts once every daemon but the servers has ended.

/** Larger files are data sets. */
const LARGEST_READ = 64 * 2 ** 20;

/** Looks into every box. */
export async function lookInside(lab: Lab, cluster: Cluster, secret: string): Promise<Boxes> {
  const copies = await cluster.inTurn();
  const missing = lab.servers.map((_, i) => `n${i + 1}`).filter((name) => !copies.some(({ state }) => state.server === name));
  return {
    streams: copies.map(({ state }) => state),
    copies: [...copies.map(({ state, facts }) => ({ server: state.server, facts })), ...missing.map((server) => ({ server, facts: null }))],
    caches: [await cacheOf(lab)],
    left: [...await processesLeft(lab), ...await groupsLeft(lab), ...await foldersLeft(lab)],
    leaks: await leaksOf(lab, secret, JSON.stringify(copies.map(({ facts }) => facts))),
    logBytes: Object.fromEntries(await Promise.all(lab.everyone().map(async ({ name, host }) => [name, await stat(join(host.folder, `${name}.log`)).then(({ size }) => size, () => 0)] as const))),
  };
}

async function cacheOf(lab: Lab): Promise<Boxes['caches'][number]> {
  const { name, host } = lab.keeper;
  const aside = join(lab.folder, 'cache');
  await mkdir(aside, { recursive: true });
  await cp(join(lab.project(host), 'runs', lab.run, 'lineage.lmdb'), join(aside, 'lineage.lmdb'));
  await using store = await openStore(join(aside, 'lineage.lmdb'));
  return { daemon: name, ...store.position(), ...(store.notice === null ? {} : { chain: store.notice }) };
}

async function processesLeft(lab: Lab): Promise<string[]> {
  const spaces = new Map<string, string>();
  for (const { init, name } of lab.hosts) if (init !== null) spaces.set(await readlink(`/proc/${init}/ns/pid`), name);
  const known = new Set([...lab.hosts.map(({ init }) => init), ...lab.everyone().map((each) => each.pid())]);
  const left: string[] = [];
  for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    const host = spaces.get(await readlink(`/proc/${pid}/ns/pid`).catch(() => ''));
    const [args, status] = await Promise.all(['cmdline', 'status'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')));
    if (host === undefined || known.has(Number(pid)) || !args || args.startsWith('sleep\0') || /^State:\s+[ZX]/m.test(status ?? '')) continue;
    left.push(`${host} still has a process: ${args.replaceAll('\0', ' ').slice(0, 120)}`);
  }
  return left;
}

const groupsLeft = async (lab: Lab): Promise<string[]> => [
  ...[...(await groupsNow(lab)).keys()].map((group) => `${group} is still there`),
  ...(await Promise.all(lab.hosts.map(async ({ name, group }) => (await leftBelow(group)).map((left) => `${name} still has the group ${left}`)))).flat(),
];

async function foldersLeft(lab: Lab): Promise<string[]> {
  const found = await Promise.all(lab.nodes.map(async ({ host }) => {
    const dir = runDir({ root: lab.project(host), runs: join(lab.project(host), 'runs') }, lab.run);
    const names = host.init === null ? await readdir(dir).catch(() => []) : (await host.shell(`ls -A '${dir}' 2>/dev/null || true`)).split('\n').filter(Boolean);
    return names.filter((name) => ['work', 'scratch'].includes(name)).map((name) => `${host.name} still has a folder ${name}`);
  }));
  return found.flat();
}

async function leaksOf(lab: Lab, secret: string, journal: string): Promise<string[]> {
  const leaks = journal.includes(secret) ? ['it stands in the journal'] : [];
  for (const entry of await readdir(lab.folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.isFile() || file.startsWith(join(lab.folder, 'program')) || (await stat(file).then(({ size }) => size, () => Infinity)) > LARGEST_READ) continue;
    if ((await readFile(file).catch(() => Buffer.alloc(0))).includes(secret)) leaks.push(`it stands in ${file.slice(lab.folder.length + 1)}`);
  }
  return leaks;
}
