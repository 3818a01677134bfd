import { hostname } from 'node:os';
import { alike, BadDevices, findDevices, type FoundDevices } from '../adapters/devices/index.ts';
import { listSurfaces, loadSurface, SurfaceNotSetUp, type LoadedSurface, type OutlinedSurface } from '../adapters/surfaces/index.ts';
import type { SlotRequest } from '../domain/surface.ts';
import { Mistake } from './mistake.ts';
import type { Place } from './place.ts';
import { coresHere, slotsOf } from './slots.ts';

/** The accelerators of this machine, or those that a file lists (BRIGADE_DEVICES unless one is named). */
export async function devicesHere(file: string | null = process.env.BRIGADE_DEVICES ?? null): Promise<FoundDevices> {
  return findDevices({ file, environment: process.env }).catch((error: unknown) => { throw error instanceof BadDevices ? new Mistake(error.message) : error; });
}

/** How many slots of a surface this machine has: its cores, or those of its devices that are alike and large enough. */
export async function slotsHere(request: SlotRequest): Promise<number> {
  const { devices } = request.kind === 'gpu' ? await devicesHere() : { devices: [] };
  return slotsOf(request, { devices: alike(devices, request.minimumMemoryBytes).offered, cores: coresHere() });
}

/** Loads a surface to run it here, unless this machine could never offer the slots that one replicate needs; that is said before anything is fetched for it. */
export async function loadToRun(place: Place, name: string, { roster, isAlone }: { readonly roster: string | null; /** No other machine takes part. */ readonly isAlone: boolean }): Promise<LoadedSurface> {
  const found = await loadSurface(place.root, name, null, { roster }).catch((error: unknown) => {
    if (error instanceof SurfaceNotSetUp) return error;
    throw error;
  });
  const surface = found instanceof SurfaceNotSetUp ? found.outline : found;
  if (isAlone && surface.slots.kind === 'gpu') {
    const lack = lackOf(surface, (await devicesHere()).devices, hostname().split('.')[0] ?? 'this machine');
    if (lack !== null) throw new Mistake(`${lack} Start an evaluator on such a node, or run ${await twinOf(place, surface.name)}.`);
  }
  if (found instanceof SurfaceNotSetUp) throw found;
  return found;
}

/** Why this machine cannot serve a run as a node; null when it can. */
export async function lackHere(place: Place, { name, hash, roster, node }: { readonly name: string; readonly hash: string; readonly roster: string | null; readonly node: string }): Promise<string | null> {
  const surface = await loadSurface(place.root, name, null, { roster });
  if (surface.hash !== hash) return `surfaces/${name} here is not the one it was started with: bring this checkout to the same commit`;
  return surface.slots.kind === 'cpu' ? null : lackOf(surface, (await devicesHere()).devices, node);
}

/** What a machine lacks for one replicate of a surface; null when nothing. */
function lackOf({ name, slots }: Pick<OutlinedSurface, 'name' | 'slots'>, gpus: FoundDevices['devices'], machine: string): string | null {
  const fit = alike(gpus, slots.minimumMemoryBytes).offered;
  if (fit.length >= slots.count) return null;
  const kinds = [...new Set(gpus.map((gpu) => gpu.model))].map((kind) => `${gpus.filter((gpu) => gpu.model === kind).length} × ${kind}`).join(', ');
  const has = gpus.length === 0 ? `${machine} has none` : `${machine} has ${kinds}${fit.length < gpus.length ? `, ${fit.length} of them alike and large enough` : ''}`;
  return `surface ${name} needs ${slots.count} ${slots.count === 1 ? 'GPU' : 'GPUs on one node'}, each of ≥ ${Math.round(slots.minimumMemoryBytes / 1e9)} GB; ${has}.`;
}

/** The surface of the same shape that any machine can run, by its name: golf-mini for parameter-golf. */
async function twinOf(place: Place, name: string): Promise<string> {
  const stem = name.split('-');
  const minis = (await listSurfaces(place.root)).filter((other) => other.endsWith('-mini'));
  return minis.find((other) => stem.some((word) => word.replace(/\d+$/, '') === other.slice(0, -'-mini'.length))) ?? minis[0] ?? 'a surface of CPU slots';
}
