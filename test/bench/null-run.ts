import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { startBroker } from '../../src/actors/broker/index.ts';
import { startLineage } from '../../src/actors/lineage/index.ts';
import { openTrial, weigh, weighClaim } from '../../src/actors/trial/index.ts';
import { openClock } from '../../src/adapters/clock/index.ts';
import { openStore } from '../../src/adapters/lmdb/index.ts';
import { memoryPorts } from '../../src/adapters/memory/index.ts';
import { connectNats, startServer, type EmbeddedServer } from '../../src/adapters/nats/index.ts';
import { patches } from '../../src/adapters/patches/index.ts';
import { openSyntax } from '../../src/adapters/python/index.ts';
import { verifySignature } from '../../src/adapters/signature/index.ts';
import { loadSurface, type LoadedSurface } from '../../src/adapters/surfaces/index.ts';
import { findToolchain } from '../../src/adapters/toolchain/index.ts';
import { admissionOf } from '../../src/cli/admission.ts';
import type { RunStarted } from '../../src/domain/fact.ts';
import { canonicalRecipe } from '../../src/domain/recipe.ts';
import type { Blobs, Ports } from '../../src/ports.ts';
import type { Role } from '../../src/protocols/streams.ts';
import { HASH, STARTED } from '../support/story.ts';

// A run in which nothing costs anything but Brigade itself: the real broker, trials and admission, and an evaluator that answers at once.

/** What the journal is kept in, and where broker and lineage keeper run: as daemons of their own, or in this process. */
export type Keeping = 'daemons' | 'nats' | 'memory';

export interface NullRun extends AsyncDisposable {
  readonly surface: LoadedSurface;
  /** What a node and the authors use, on connections of their own. */
  readonly node: Ports;
  readonly author: Ports;
  /** Its server, for whoever else looks on; null with the journal in memory. */
  readonly server: EmbeddedServer | null;
  /** The broker's own process, and when it was begun by the system's clock; null where it runs in this one. */
  readonly broker: Begun | null;
}

interface Begun { readonly pid: number; readonly at: number }

export interface NullRunOptions {
  readonly root: string; readonly folder: string; readonly keeping: Keeping;
  /** Specialists of the surface unless given; others share every partition. */
  readonly roster?: readonly string[];
  /** Whether the lineage keeper follows along with its copy in LMDB. */
  readonly withLineage: boolean;
}

interface Reach extends Readonly<Record<'broker' | 'node' | 'lineage' | 'supervisor' | 'specialist', Ports>> { readonly server: EmbeddedServer | null; readonly daemon: (command: string, role: Role) => Begun }

export const NODE = 'null';
export const RUN = 'null-1';

/** The first fact of a null run, whose recipe is stored: one calibration replicate, so that nothing is kept for later runs. */
export async function firstFact({ blobs, surface, roster = null }: { readonly blobs: Blobs; readonly surface: LoadedSurface; readonly roster?: readonly string[] | null }): Promise<RunStarted> {
  const agents = roster ?? surface.roster.map(({ specialist }) => specialist);
  return {
    ...STARTED, surface: 'tiny', surfaceHash: surface.hash, evaluator: 'tiny', evaluatorHash: HASH, snapshot: await blobs.put(new TextEncoder().encode(canonicalRecipe(surface.recipe))), roster: [...agents],
    arm: { kind: roster === null ? 'specialists' : 'generic', agents: agents.length, ownership: roster === null ? 'enforced' : 'advisory', lineage: true }, keep: { kind: 'strict', alpha: 0.01, replicates: 5 },
    limits: { ...STARTED.limits, trials: null }, calibrationReplicates: 1, leaseTtlMs: 60_000,
  };
}

/** Starts server, broker and, where asked, the lineage keeper of a run over the surface tiny; one that its folder's journal holds already goes on. */
export async function openNullRun({ root, folder, keeping, roster, withLineage }: NullRunOptions): Promise<NullRun> {
  const opened: AsyncDisposable[] = [];
  const own = <T extends AsyncDisposable>(thing: T): T => { opened.unshift(thing); return thing; };
  const release = async (): Promise<void> => { for (const thing of opened.splice(0)) await thing[Symbol.asyncDispose](); };
  await mkdir(folder, { recursive: true });
  const toolchain = await findToolchain(root);
  const surface = await loadSurface(root, 'tiny');
  const clock = openClock();
  const ports = keeping !== 'memory' ? await natsPorts(toolchain.nats?.path ?? 'nats-server', folder) : memoryPortsFor();
  const { broker, node, lineage, supervisor, server, daemon } = ports;
  const run = { surface, node, author: ports.specialist, server, broker: null, [Symbol.asyncDispose]: release };
  await supervisor.journal.record('run.started', [], await firstFact({ blobs: supervisor.blobs, surface, roster: roster ?? null }));
  if (keeping === 'daemons') {
    const begun = daemon('broker', 'broker');
    if (withLineage) daemon('keeper', 'lineage');
    return { ...run, broker: begun };
  }
  const syntax = own(await openSyntax({ python: toolchain.python }));
  own(await startBroker(broker, {
    admit: admissionOf(surface, { syntax, patches }), trials: { weigh, weighClaim, open: openTrial },
    calibrations: { find: async () => null, keep: async () => undefined }, verify: verifySignature,
  }, { run: RUN, signal: new AbortController().signal }));
  if (withLineage) own(await startLineage(lineage, { store: await openStore(join(folder, 'lineage.lmdb')), verify: verifySignature, claims: surface.claims }, { run: RUN, signal: new AbortController().signal }));
  return run;

  function memoryPortsFor(): Reach {
    const all = memoryPorts(RUN, clock);
    return { broker: all, node: all, lineage: all, supervisor: all, specialist: all, server: null, daemon: () => { throw new Error('a daemon cannot reach a journal in memory'); } };
  }

  async function natsPorts(binary: string, dir: string): Promise<Reach> {
    const server = own(await startServer({ binary, dir: join(dir, 'nats') }));
    const portsOf = async (role: Role): Promise<Ports> => {
      const session = own(await connectNats({ url: server.url, monitorUrl: server.monitorUrl, keyFile: server.keyFile(role), name: `bench ${role}`, role }));
      if (role === 'supervisor') await session.ensureRun(RUN);
      return { journal: session.journal(RUN), bus: session.bus, blobs: session.blobs(RUN), clock, presence: session.presence({ run: RUN, actor: role }) };
    };
    /** Started as the supervisor would start it; it ends when its standard input closes. */
    const daemon = (command: string, role: Role): Begun => {
      const at = Date.now();
      const child = spawn(process.execPath, [join(root, 'dist', 'main.js'), command, '--run', RUN, '--surface', 'tiny', '--nats', server.url, '--keys', dirname(server.keyFile(role) ?? '')], {
        env: { ...process.env, BRIGADE_RUNS: join(dir, 'runs'), BRIGADE_LIFELINE: 'stdin' }, stdio: ['pipe', 'ignore', 'inherit'],
      });
      const exited = new Promise<void>((resolve) => { child.once('exit', () => resolve()); });
      own({ async [Symbol.asyncDispose]() { child.stdin.end(); await exited; } });
      return { pid: child.pid ?? 0, at };
    };
    const supervisor = await portsOf('supervisor');
    // The authors watch the journal to know when a trial has ended, which a specialist may not: they get an operator's eyes.
    const specialist = { ...await portsOf('specialist'), journal: supervisor.journal };
    return { supervisor, broker: await portsOf('broker'), node: await portsOf('evaluator'), lineage: await portsOf('lineage'), specialist, server, daemon };
  }
}
