import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { startBroker } from '../../src/actors/broker/index.ts';
import { startLineage } from '../../src/actors/lineage/index.ts';
import { openTrial, weigh, weighClaim } from '../../src/actors/trial/index.ts';
import { openClock } from '../../src/adapters/clock/index.ts';
import { openStore } from '../../src/adapters/lmdb/index.ts';
import { memoryPorts } from '../../src/adapters/memory/index.ts';
import { connectNats, startServer } from '../../src/adapters/nats/index.ts';
import { patches } from '../../src/adapters/patches/index.ts';
import { openSyntax } from '../../src/adapters/python/index.ts';
import { verifySignature } from '../../src/adapters/signature/index.ts';
import { loadSurface, type LoadedSurface } from '../../src/adapters/surfaces/index.ts';
import { findToolchain } from '../../src/adapters/toolchain/index.ts';
import { admissionOf } from '../../src/cli/admission.ts';
import { canonicalRecipe } from '../../src/domain/recipe.ts';
import type { Ports } from '../../src/ports.ts';
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
}

export interface NullRunOptions {
  readonly root: string; readonly folder: string; readonly keeping: Keeping;
  readonly slots: number;
  /** Whether the lineage keeper follows along with its copy in LMDB. */
  readonly withLineage: boolean;
}

interface Reach extends Readonly<Record<'broker' | 'node' | 'lineage' | 'supervisor' | 'specialist', Ports>> { readonly daemon: (command: string, role: Role) => void }

export const NODE = 'null';
const RUN = 'null-1';

/** Starts server, broker (with one calibration replicate, so that nothing is kept for later runs) and, where asked, the lineage keeper of a fresh run over the surface tiny. */
export async function openNullRun({ root, folder, keeping, slots, withLineage }: NullRunOptions): Promise<NullRun> {
  const opened: AsyncDisposable[] = [];
  const own = <T extends AsyncDisposable>(thing: T): T => { opened.unshift(thing); return thing; };
  const release = async (): Promise<void> => { for (const thing of opened.splice(0)) await thing[Symbol.asyncDispose](); };
  await mkdir(folder, { recursive: true });
  const toolchain = await findToolchain(root);
  const surface = await loadSurface(root, 'tiny');
  const clock = openClock();
  const ports = keeping !== 'memory' ? await natsPorts(toolchain.nats?.path ?? 'nats-server', folder) : memoryPortsFor();
  const { broker, node, lineage, supervisor, daemon } = ports;
  const snapshot = await supervisor.blobs.put(new TextEncoder().encode(canonicalRecipe(surface.recipe)));
  await supervisor.journal.record('run.started', [], {
    ...STARTED, surface: 'tiny', surfaceHash: surface.hash, evaluator: 'tiny', evaluatorHash: HASH, snapshot, roster: surface.roster.map(({ specialist }) => specialist),
    arm: { kind: 'specialists', agents: surface.roster.length, ownership: 'enforced', lineage: true }, keep: { kind: 'strict', alpha: 0.01, replicates: 5 },
    limits: { ...STARTED.limits, trials: null }, calibrationReplicates: 1, leaseTtlMs: 60_000,
  });
  if (keeping === 'daemons') {
    daemon('broker', 'broker');
    if (withLineage) daemon('keeper', 'lineage');
    return { surface, node, author: ports.specialist, [Symbol.asyncDispose]: release };
  }
  const syntax = own(await openSyntax({ python: toolchain.python }));
  own(await startBroker(broker, {
    admit: admissionOf(surface, { syntax, patches }), trials: { weigh, weighClaim, open: openTrial },
    calibrations: { find: async () => null, keep: async () => undefined }, verify: verifySignature,
  }, { run: RUN, signal: new AbortController().signal }));
  if (withLineage) own(await startLineage(lineage, { store: await openStore(join(folder, 'lineage.lmdb')), verify: verifySignature, claims: surface.claims }, { run: RUN, signal: new AbortController().signal }));
  return { surface, node, author: ports.specialist, [Symbol.asyncDispose]: release };

  function memoryPortsFor(): Reach {
    const all = memoryPorts(RUN, clock);
    return { broker: all, node: all, lineage: all, supervisor: all, specialist: all, daemon: () => { throw new Error('a daemon cannot reach a journal in memory'); } };
  }

  async function natsPorts(binary: string, dir: string): Promise<Reach> {
    const server = own(await startServer({ binary, dir: join(dir, 'nats') }));
    const portsOf = async (role: Role): Promise<Ports> => {
      const session = own(await connectNats({ url: server.url, monitorUrl: server.monitorUrl, keyFile: server.keyFile(role), name: `bench ${role}`, role }));
      if (role === 'supervisor') await session.ensureRun(RUN);
      return { journal: session.journal(RUN), bus: session.bus, blobs: session.blobs(RUN), clock, presence: session.presence({ run: RUN, actor: role }) };
    };
    /** Started as the supervisor would start it; it ends when its standard input closes. */
    const daemon = (command: string, role: Role): void => {
      const child = spawn(process.execPath, [join(root, 'dist', 'main.js'), command, '--run', RUN, '--surface', 'tiny', '--nats', server.url, '--keys', dirname(server.keyFile(role) ?? '')], {
        env: { ...process.env, BRIGADE_RUNS: join(dir, 'runs'), BRIGADE_LIFELINE: 'stdin' }, stdio: ['pipe', 'ignore', 'inherit'],
      });
      const exited = new Promise<void>((resolve) => { child.once('exit', () => resolve()); });
      own({ async [Symbol.asyncDispose]() { child.stdin.end(); await exited; } });
    };
    const supervisor = await portsOf('supervisor');
    // The authors watch the journal to know when a trial has ended, which a specialist may not: they get an operator's eyes.
    const specialist = { ...await portsOf('specialist'), journal: supervisor.journal };
    return { supervisor, broker: await portsOf('broker'), node: await portsOf('evaluator'), lineage: await portsOf('lineage'), specialist, daemon };
  }
}
