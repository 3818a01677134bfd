import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { connectNats, type NatsSession } from '../../src/adapters/nats/index.ts';
import type { Role } from '../../src/protocols/streams.ts';
import { coresHere } from '../../src/cli/slots.ts';
import { keepAlive, logOf, type Daemon } from './daemons.ts';
import { movable } from './faults/index.ts';
import type { History } from './history.ts';
import { apartHost, endHost, output, plainHost, type Host } from './hosts.ts';
import type { Program } from './program.ts';
import { addressOf, layWire, type Wire } from './wire.ts';

// The machines of a run: three servers, two brokers, a keeper, three nodes and whoever proposes, each on a host of its own.

export interface Lab extends AsyncDisposable {
  readonly run: string;
  readonly surface: string;
  readonly folder: string;
  readonly hosts: readonly Host[];
  readonly servers: readonly Daemon[];
  readonly brokers: readonly Daemon[];
  readonly keeper: Daemon;
  readonly nodes: readonly Daemon[];
  readonly specialists: readonly Daemon[];
  /** The relay that one node reaches the servers by; what it does with messages is told to it. */
  readonly relay: Daemon;
  readonly relayed: Daemon;
  /** null where hosts have no network of their own. */
  readonly wire: Wire | null;
  readonly history: History;
  /** Where clients reach the servers. */
  readonly url: string;
  session(role: Role): Promise<NatsSession>;
  /** A session on one server alone. */
  sessionAt(server: Daemon, role: Role): Promise<NatsSession>;
  project(host: Host): string;
  /** Starts everything but the servers and the relay, which are there already. */
  staff(): void;
  everyone(): readonly Daemon[];
  /** Ends all daemons but the servers. */
  dismiss(): Promise<void>;
}

export interface LabOptions {
  readonly id: string; readonly run: string; readonly surface: string; readonly roster: readonly string[]; readonly folder: string;
  readonly program: Program; readonly history: History; readonly isApart: boolean; readonly slots: number; readonly proposer: string; readonly seed: number;
  /** Stands in every daemon's environment and must stand nowhere else. */
  readonly secret: string;
  /** The relay's program. */
  readonly relay: string;
}

const NODES = ['n1', 'n2', 'n3'];
const SERVERS = ['s1', 's2', 's3'];
const PORT = 4222;
/** Of a server or a node whose disk is to be full: enough for a run of two hours and for what a node wants free before it begins, and soon filled. */
const SMALL_DISK = '384m';

/** Makes the hosts, connects them and starts the servers. */
export async function openLab(options: LabOptions): Promise<Lab> {
  const { folder, program, history, isApart, run, surface } = options;
  const wire = isApart ? await layWire(PORT) : null;
  const hosts: Host[] = [];
  const host = async (name: string): Promise<Host> => {
    const made = isApart ? await apartHost(name, join(folder, name), { address: addressOf(11 + hosts.length), ordinal: hosts.length, lab: options.id }) : await plainHost(name, join(folder, name));
    hosts.push(made);
    await wire?.plug(made);
    return made;
  };
  const projects = new Map<Host, string>();
  const furnish = async (name: string): Promise<Host> => {
    const made = await host(name);
    projects.set(made, await program.furnish(made));
    return made;
  };
  const project = (of: Host): string => projects.get(of) ?? of.folder;

  const serverHosts: Host[] = [];
  for (const name of SERVERS) serverHosts.push(await host(name));
  const ports = isApart ? SERVERS.map(() => PORT) : await Promise.all(SERVERS.map(() => freeBlock()));
  const places = serverHosts.map(({ address }, i) => `${address}:${ports[i]}`);
  const config = join(folder, 'nats');
  await output([process.execPath, program.main, 'nats', 'config', '--out', config, '--store', join(folder, 'store'), ...places.flatMap((place) => ['--server', place]), ...NODES.flatMap((node) => ['--node', node]), ...options.roster.flatMap((name) => ['--specialist', name])]);
  await mkdir(join(folder, 'store'), { recursive: true });
  if (isApart) await serverHosts[1]?.shell(`mkdir -p '${join(folder, 'store', 'n2')}'; mount -t tmpfs -o size=${SMALL_DISK} tmpfs '${join(folder, 'store', 'n2')}'`);
  const servers = serverHosts.map((on, i) => keepAlive({ name: on.name, host: on, command: [program.server, '-c', join(config, `n${i + 1}.conf`)], log: logOf(on, on.name) }, history));
  const url = places.map((place) => `nats://${place}`).join(',');

  const env = { BRIGADE_LAB_SECRET: options.secret };
  const daemon = async (on: Host, name: string, key: string, role: string, args: readonly string[], through = url): Promise<() => Daemon> => {
    const keys = join(on.folder, 'keys');
    await mkdir(keys, { recursive: true, mode: 0o700 });
    await copyFile(join(config, 'keys', `${key}.nk`), join(keys, `${key}.nk`));
    const at = isApart && role === 'evaluator' ? ['taskset', '-c', coresFor(NODES.indexOf(name), options.slots)] : [];
    const command = [...at, process.execPath, program.main, role, '--run', run, '--surface', surface, '--nats', through, '--keys', keys, ...args];
    const clock = role === 'evaluator' || role === 'broker' ? movable(on) : {};
    return () => keepAlive({ name, host: on, command, log: logOf(on, name), cwd: project(on), env: { ...env, ...clock, BRIGADE_RUNS: join(project(on), 'runs') } }, history);
  };

  const brokers: (() => Daemon)[] = [];
  for (const name of ['b1', 'b2']) brokers.push(await daemon(await furnish(name), name, 'broker', 'broker', []));
  const keeper = await daemon(await furnish('k1'), 'k1', 'lineage', 'keeper', []);
  const nodes: (() => Daemon)[] = [];
  let relayHost: Host | null = null;
  const relayPort = isApart ? PORT : await freeBlock();
  for (const name of NODES) {
    const on = await furnish(name);
    if (isApart && name === NODES[1]) await on.shell(`mount -t tmpfs -o size=${SMALL_DISK} tmpfs '${join(project(on), 'runs')}'`);
    if (name === NODES[2]) relayHost = on;
    nodes.push(await daemon(on, name, `evaluator-${name}`, 'evaluator', ['--node', name, '--slots', String(options.slots)], name === NODES[2] ? `nats://127.0.0.1:${relayPort}` : url));
  }
  if (relayHost === null) throw new Error('a node is reached by a relay');
  const relay = keepAlive({ name: 'relay', host: relayHost, command: [process.execPath, options.relay, String(relayPort), ...places], log: logOf(relayHost, 'relay'), hasInput: true }, history);
  const specialists: (() => Daemon)[] = [];
  for (const name of options.roster) specialists.push(await daemon(await furnish(name), name, `specialist-${name}`, 'specialist', ['--domain', name, '--proposer', options.proposer, '--seed', String(options.seed), '--concurrent', '2']));

  const staff: { brokers: Daemon[]; keeper: Daemon | null; nodes: Daemon[]; specialists: Daemon[] } = { brokers: [], keeper: null, nodes: [], specialists: [] };
  const sessions: NatsSession[] = [];
  const open = async (at: string, role: Role): Promise<NatsSession> => {
    const opened = await connectNats({ url: at, keyFile: join(config, 'keys', `${role}.nk`), name: `lab-${role}`, role, firstConnectMs: 60_000 });
    sessions.push(opened);
    return opened;
  };
  const present = (): Daemon[] => [...staff.specialists, ...staff.nodes, ...staff.brokers, ...(staff.keeper === null ? [] : [staff.keeper])];
  return {
    run, surface, folder, hosts, servers, wire, history, url, relay, project,
    get brokers() { return staff.brokers; },
    get keeper() { if (staff.keeper === null) throw new Error('nobody was started yet'); return staff.keeper; },
    get nodes() { return staff.nodes; },
    get specialists() { return staff.specialists; },
    get relayed() { const last = staff.nodes.at(-1); if (!last) throw new Error('nobody was started yet'); return last; },
    session: (role) => open(url, role),
    sessionAt: (server, role) => open(`nats://${places[servers.indexOf(server)]}`, role),
    staff() {
      staff.keeper = keeper();
      staff.brokers = brokers.map((start) => start());
      staff.nodes = nodes.map((start) => start());
      staff.specialists = specialists.map((start) => start());
    },
    everyone: () => [...servers, relay, ...present()],
    async dismiss() { await Promise.all(present().map((each) => each.end())); },
    async [Symbol.asyncDispose]() {
      await Promise.all(sessions.map((each) => each.close()));
      await Promise.all([...present(), relay, ...servers].map((each) => each.end(5_000)));
      for (const each of hosts) endHost(each);
    },
  };
}

/** Cores of this machine for the n-th node: each would take the first otherwise, and measure on one core what the machine has several for. */
const coresFor = (n: number, slots: number): string => {
  const { allowed } = coresHere();
  return Array.from({ length: Math.min(slots, allowed.length) }, (_, k) => allowed[(n * slots + k) % allowed.length]).join(',');
};

/** A block of ports of loopback that nobody else is likely to have: routes and monitoring lie above clients'. */
const freeBlock = async (): Promise<number> => {
  const { createServer } = await import('node:net');
  for (let tries = 0; tries < 50; tries++) {
    const base = 20_000 + Math.floor(Math.random() * 9_000);
    const isFree = (port: number): Promise<boolean> => new Promise((resolve) => { const probe = createServer().once('error', () => resolve(false)).listen(port, '127.0.0.1', () => probe.close(() => resolve(true))); });
    if ((await Promise.all([base, base + 2_000, base + 4_000].map(isFree))).every(Boolean)) return base;
  }
  throw new Error('no free ports on loopback');
};

