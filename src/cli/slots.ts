import { readFileSync } from 'node:fs';
import type { OfferedSlot } from '../actors/evaluator/index.ts';
import type { Device } from '../adapters/devices/index.ts';
import type { SlotRequest } from '../domain/surface.ts';

// How a machine is cut into slots.
//
//   C1. A slot has cores of its own among the slots of its node: one where slots are cores, a share of them where slots are devices.
//   C2. What a slot holds has one name for every run of the machine: it is alone on its device, and shares its cores with slots of other runs.
//   C3. An exclusive slot is alone on its cores too, and on the other threads of them: what is timed must have no neighbour there.

/** The cores of this machine that this process may use, and which of them are threads of one core. */
export interface Cores { readonly allowed: readonly number[]; siblingsOf(core: number): readonly number[] }

/** Reads the cores: a job of Slurm's, or a container, may have been given some only, and not the first. */
export function coresHere(): Cores {
  return {
    allowed: numbersIn(/^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'),
    siblingsOf: (core) => {
      try { return numbersIn(readFileSync(`/sys/devices/system/cpu/cpu${core}/topology/thread_siblings_list`, 'utf8').trim()); } catch { return [core]; }
    },
  };
}

/** The numbers of a list such as `0-3,8`. */
function numbersIn(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, k) => first + k);
  });
}

export interface Machine { readonly devices: readonly Device[]; readonly cores: Cores; readonly memoryBytes: number }

/** Whether a surface's slots are threads that no other slot shares a core with (C3). */
const places = ({ kind, exclusive }: SlotRequest, { allowed, siblingsOf }: Cores): number[] =>
  (kind === 'cpu' && exclusive === true ? allowed.filter((core) => !siblingsOf(core).some((other) => other < core && allowed.includes(other))) : [...allowed]);

/** The cores, each with those of its threads that are ours: a device's share of them is whole, or two exclusive slots would want one core. */
function wholeCores({ allowed, siblingsOf }: Cores): number[][] {
  const threads = allowed.map((core) => siblingsOf(core).filter((other) => other === core || allowed.includes(other)));
  return threads.filter(([first], i) => first === allowed[i]);
}

/** How many slots of a surface a machine has. */
export const slotsOf = (request: SlotRequest, { devices, cores }: Pick<Machine, 'devices' | 'cores'>): number => (request.kind === 'gpu' ? devices.length : places(request, cores).length);

/** Cuts a machine into so many slots. */
export function layOut(request: SlotRequest, { devices, cores, memoryBytes }: Machine, count: number): OfferedSlot[] {
  const all = request.kind === 'cpu' ? places(request, cores).map((core) => [core]) : wholeCores(cores);
  const share = request.kind === 'gpu' ? Math.max(1, Math.floor(all.length / count)) : 1;
  return Array.from({ length: count }, (_, i) => {
    const own = Array.from({ length: share }, (_unused, k) => all[(i * share + k) % all.length] ?? []).flat(); // C1
    const device = request.kind === 'gpu' ? devices[i] : undefined;
    const held = [...new Set(request.exclusive === true ? own.flatMap((core) => cores.siblingsOf(core)) : own)].map((core) => `core-${core}`); // C3
    const ofDevice = device === undefined ? [] : [`device-${device.id}`];
    const holds = { cores: own, ...(request.exclusive === true ? { locks: [...ofDevice, ...held], shared: [] } : { locks: ofDevice, shared: held }) }; // C2
    if (device === undefined) return { slot: `${request.kind}${i}`, kind: request.kind, memoryBytes: Math.floor(memoryBytes / count), ...holds };
    const { index, model, driver } = device;
    return { slot: `gpu${index}`, kind: 'gpu', memoryBytes: device.memoryBytes, index, model: model.slice(0, 120), driver: driver.slice(0, 60), ...holds };
  });
}
