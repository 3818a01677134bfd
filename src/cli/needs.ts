import { execFile } from 'node:child_process';
import { availableParallelism, hostname } from 'node:os';
import { promisify } from 'node:util';
import { listSurfaces, loadSurface, SurfaceNotSetUp, type LoadedSurface, type OutlinedSurface } from '../adapters/surfaces/index.ts';
import { Mistake } from './mistake.ts';
import type { Place } from './place.ts';

/** A GPU of this machine. */
export interface Gpu { readonly name: string; readonly memoryBytes: number }

/** What this machine has; nothing where there is no driver. */
export async function listGpus(): Promise<readonly Gpu[]> {
  const said = await promisify(execFile)('nvidia-smi', ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits'], { timeout: 20_000, killSignal: 'SIGKILL' }).then(({ stdout }) => stdout, () => '');
  return said.split('\n').flatMap((line) => {
    const [name = '', mebibytes = ''] = line.split(',').map((field) => field.trim());
    return name === '' ? [] : [{ name, memoryBytes: Number(mebibytes) * 2 ** 20 }];
  });
}

/** How many slots of a kind this machine has: its cores, or its GPUs. */
export const slotsHere = async (kind: 'cpu' | 'gpu'): Promise<number> => (kind === 'cpu' ? availableParallelism() : (await listGpus()).length);

/** Loads a surface to run it here, unless this machine could never offer the slots that one replicate needs; that is said before anything is fetched for it. */
export async function loadToRun(place: Place, name: string, { roster, isAlone }: { readonly roster: string | null; /** No other machine takes part. */ readonly isAlone: boolean }): Promise<LoadedSurface> {
  const found = await loadSurface(place.root, name, null, { roster }).catch((error: unknown) => {
    if (error instanceof SurfaceNotSetUp) return error;
    throw error;
  });
  const surface = found instanceof SurfaceNotSetUp ? found.outline : found;
  if (isAlone && surface.slots.kind === 'gpu') {
    const lack = lackOf(surface, await listGpus(), hostname().split('.')[0] ?? 'this machine');
    if (lack !== null) throw new Mistake(`${lack} Start an evaluator on such a node, or run ${await twinOf(place, surface.name)}.`);
  }
  if (found instanceof SurfaceNotSetUp) throw found;
  return found;
}

/** Why this machine cannot serve a run as a node; null when it can. */
export async function lackHere(place: Place, { name, hash, roster, node }: { readonly name: string; readonly hash: string; readonly roster: string | null; readonly node: string }): Promise<string | null> {
  const surface = await loadSurface(place.root, name, null, { roster });
  if (surface.hash !== hash) return `surfaces/${name} here is not the one it was started with: bring this checkout to the same commit`;
  return surface.slots.kind === 'cpu' ? null : lackOf(surface, await listGpus(), node);
}

/** What a machine lacks for one replicate of a surface; null when nothing. */
function lackOf({ name, slots }: Pick<OutlinedSurface, 'name' | 'slots'>, gpus: readonly Gpu[], machine: string): string | null {
  const fit = gpus.filter(({ memoryBytes }) => memoryBytes >= slots.minimumMemoryBytes);
  if (fit.length >= slots.count) return null;
  const kinds = [...new Set(gpus.map((gpu) => gpu.name))].map((kind) => `${gpus.filter((gpu) => gpu.name === kind).length} × ${kind}`).join(', ');
  const has = gpus.length === 0 ? `${machine} has none` : `${machine} has ${kinds}${fit.length < gpus.length ? `, ${fit.length} of them large enough` : ''}`;
  return `surface ${name} needs ${slots.count} ${slots.count === 1 ? 'GPU' : 'GPUs on one node'}, each of ≥ ${Math.round(slots.minimumMemoryBytes / 1e9)} GB; ${has}.`;
}

/** The surface of the same shape that any machine can run, by its name: golf-mini for parameter-golf. */
async function twinOf(place: Place, name: string): Promise<string> {
  const stem = name.split('-');
  const minis = (await listSurfaces(place.root)).filter((other) => other.endsWith('-mini'));
  return minis.find((other) => stem.some((word) => word.replace(/\d+$/, '') === other.slice(0, -'-mini'.length))) ?? minis[0] ?? 'a surface of CPU slots';
}
