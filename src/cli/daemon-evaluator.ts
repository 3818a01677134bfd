import { freemem, totalmem } from 'node:os';
import { rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { startEvaluator, type Evaluator } from '../actors/evaluator/index.ts';
import { cachedBlobs } from '../adapters/blob-cache/index.ts';
import { alike, classOf } from '../adapters/devices/index.ts';
import { openSandbox } from '../adapters/sandbox/index.ts';
import { createSigner } from '../adapters/signature/index.ts';
import { loadEvaluator, loadSurface } from '../adapters/surfaces/index.ts';
import { findToolchain, projectRoot } from '../adapters/toolchain/index.ts';
import { openWorkbench } from '../adapters/workbench/index.ts';
import type { RunId } from '../domain/ids.ts';
import type { Ports } from '../ports.ts';
import { Mistake } from './mistake.ts';
import { devicesHere } from './needs.ts';
import { number } from './number.ts';
import { dataDir, nodeName, runDir, type Place } from './place.ts';
import { coresHere, layOut, slotsOf } from './slots.ts';

export interface EvaluatorDaemon {
  readonly run: RunId; readonly surface: string; readonly ports: Ports; readonly signal: AbortSignal;
  readonly node: string | undefined; readonly slots: string | undefined; readonly sandbox: string | undefined;
  /** A file that lists the accelerators; null to ask their drivers. */
  readonly devices: string | null;
}

/** Every process of a machine finds its locks here, whatever its user and its temporary folder; of several hosts on one machine each has a folder of its own. */
const LOCKS = '/dev/shm/brigade-slots';
const LEVELS = ['best', 'bubblewrap', 'namespaces', 'none'] as const;
/** Tens of thousands of recipes; all evaluators of this folder share it. */
const BLOB_CACHE_BYTES = 512 * 2 ** 20;

/** This machine as a node: one slot a core unless told otherwise. */
export async function evaluatorOf(place: Place, { run, surface: name, ports, signal, node: named, slots: asked, sandbox: level = 'best', devices: file }: EvaluatorDaemon): Promise<Evaluator> {
  const toolchain = await findToolchain(projectRoot());
  const surface = await loadSurface(place.root, name);
  const spec = await loadEvaluator(place.root, surface.evaluator, { dataDir: dataDir(place) });
  const wanted = LEVELS.find((one) => one === level);
  if (wanted === undefined) throw new Mistake(`--sandbox ${level} must be one of ${LEVELS.join(', ')}`);
  const found = surface.slots.kind === 'gpu' ? await devicesHere(file) : null;
  const { offered, notices } = alike(found?.devices ?? [], surface.slots.minimumMemoryBytes);
  for (const notice of [...found?.notices ?? [], ...notices]) ports.presence.log('warn', 'a device', { notice });
  const machine = { devices: offered, cores: coresHere(), memoryBytes: Math.min(totalmem(), freemem() * 2) };
  const most = slotsOf(surface.slots, machine);
  const wished = asked === undefined ? Math.max(1, most) : number('--slots', asked, 1, 1024, true);
  const count = found === null ? wished : Math.min(wished, most);
  if (count < surface.slots.count) throw new Mistake(`${surface.name} takes ${surface.slots.count} ${surface.slots.kind} slots a replicate, and this node would offer ${count}: ${[...found?.notices ?? [], ...notices].join('; ') || 'brigade doctor says what it has'}`);
  const node = nodeName(named);
  const [work, scratch] = [join(runDir(place, run), 'work'), join(runDir(place, run), 'scratch')];
  const sandbox = await openSandbox({ python: toolchain.python, interpreter: spec.python, bwrap: toolchain.bwrap, level: wanted, scratchRoot: scratch, locks: process.env.BRIGADE_LOCKS ?? LOCKS });
  ports.presence.log('info', 'sandbox', { sandbox: sandbox.level, holds: sandbox.describes });
  const workbench = await openWorkbench({
    python: toolchain.python, evaluatorDir: spec.dir, dataDir: join(dataDir(place), surface.evaluator), workDir: join(work, node),
    canaryDir: join(place.root, '.brigade', 'canaries'), spec, pinned: spec.pinned, surfaceHash: surface.hash, baseline: surface.recipe, sandbox: sandbox.level,
    ...(offered[0] === undefined ? {} : { device: classOf(offered[0]) }),
  });
  const clear = (): void => {
    workbench[Symbol.dispose]();
    for (const dir of [join(work, node), work, scratch]) try { rmdirSync(dir); } catch { /* not empty: another node of this folder is at work, or this one never was */ }
  };
  process.once('exit', clear); // a daemon whose goodbyes take too long leaves without them
  try {
    const blobs = cachedBlobs(ports.blobs, {
      dir: join(place.root, '.brigade', 'blobs'), mostBytes: BLOB_CACHE_BYTES,
      onDamaged: (hash) => ports.presence.log('warn', 'a file of the blob cache was damaged: it is fetched again', { hash }),
    });
    const evaluator = await startEvaluator({ ...ports, blobs }, { sandbox, workbench, signer: createSigner(), ...(found === null ? {} : { devices: found }) }, {
      node, surface, spec, signal,
      slots: layOut(surface.slots, machine, count),
    });
    return { done: evaluator.done, async [Symbol.asyncDispose]() { await evaluator[Symbol.asyncDispose](); clear(); } };
  } catch (error) {
    clear();
    throw error;
  }
}
