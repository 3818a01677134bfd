import { availableParallelism, freemem, totalmem } from 'node:os';
import { rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { startEvaluator, type Evaluator } from '../actors/evaluator/index.ts';
import { cachedBlobs } from '../adapters/blob-cache/index.ts';
import { openSandbox } from '../adapters/sandbox/index.ts';
import { createSigner } from '../adapters/signature/index.ts';
import { loadEvaluator, loadSurface } from '../adapters/surfaces/index.ts';
import { findToolchain, projectRoot } from '../adapters/toolchain/index.ts';
import { openWorkbench } from '../adapters/workbench/index.ts';
import type { RunId } from '../domain/ids.ts';
import type { Ports } from '../ports.ts';
import { Mistake } from './mistake.ts';
import { listGpus } from './needs.ts';
import { number } from './number.ts';
import { dataDir, nodeName, runDir, type Place } from './place.ts';

export interface EvaluatorDaemon {
  readonly run: RunId; readonly surface: string; readonly ports: Ports; readonly signal: AbortSignal;
  readonly node: string | undefined; readonly slots: string | undefined; readonly sandbox: string | undefined;
}

const LEVELS = ['best', 'bubblewrap', 'namespaces', 'none'] as const;
/** Tens of thousands of recipes; all evaluators of this folder share it. */
const BLOB_CACHE_BYTES = 512 * 2 ** 20;

/** This machine as a node: one slot a core unless told otherwise. */
export async function evaluatorOf(place: Place, { run, surface: name, ports, signal, node: named, slots: asked, sandbox: level = 'best' }: EvaluatorDaemon): Promise<Evaluator> {
  const toolchain = await findToolchain(projectRoot());
  const surface = await loadSurface(place.root, name);
  const spec = await loadEvaluator(place.root, surface.evaluator, { dataDir: dataDir(place) });
  const wanted = LEVELS.find((one) => one === level);
  if (wanted === undefined) throw new Mistake(`--sandbox ${level} must be one of ${LEVELS.join(', ')}`);
  const gpus = surface.slots.kind === 'gpu' ? await listGpus() : [];
  const most = surface.slots.kind === 'gpu' ? gpus.length : availableParallelism();
  const count = asked === undefined ? Math.max(1, most) : number('--slots', asked, 1, 1024, true);
  const node = nodeName(named);
  const memory = Math.floor(Math.min(totalmem(), freemem() * 2) / count);
  const [work, scratch] = [join(runDir(place, run), 'work'), join(runDir(place, run), 'scratch')];
  const sandbox = await openSandbox({ python: toolchain.python, interpreter: spec.python, bwrap: toolchain.bwrap, level: wanted, scratchRoot: scratch });
  ports.presence.log('info', 'sandbox', { sandbox: sandbox.level, holds: sandbox.describes });
  const workbench = await openWorkbench({
    python: toolchain.python, evaluatorDir: spec.dir, dataDir: join(dataDir(place), surface.evaluator), workDir: join(work, node),
    canaryDir: join(place.root, '.brigade', 'canaries'), spec, pinned: spec.pinned, surfaceHash: surface.hash, baseline: surface.recipe, sandbox: sandbox.level,
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
    const evaluator = await startEvaluator({ ...ports, blobs }, { sandbox, workbench, signer: createSigner() }, {
      node, surface, spec, signal,
      slots: Array.from({ length: count }, (_, i) => ({ slot: `${surface.slots.kind}${i}`, kind: surface.slots.kind, memoryBytes: gpus[i]?.memoryBytes ?? memory, cores: coresOf(i, surface.slots.kind === 'gpu' ? count : null) })),
    });
    return { done: evaluator.done, async [Symbol.asyncDispose]() { await evaluator[Symbol.asyncDispose](); clear(); } };
  } catch (error) {
    clear();
    throw error;
  }
}

/** The cores of one slot: one each, or their share of this machine where a slot is a GPU. */
function coresOf(slot: number, gpus: number | null): number[] {
  const all = availableParallelism();
  const share = gpus === null ? 1 : Math.max(1, Math.floor(all / gpus));
  return Array.from({ length: share }, (_, k) => (slot * share + k) % all);
}
