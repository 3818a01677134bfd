import type { Devices } from '../../ports.ts';

/** One accelerator of this machine. */
export interface Device {
  /** Its ordinal as its vendor's tools count; its slot is named after it. */
  readonly index: number;
  /** Its name on any machine: what a lock is taken on and, where the vendor knows it, what a program is shown it by. */
  readonly id: string;
  readonly vendor: string;
  readonly model: string;
  readonly driver: string;
  readonly memoryBytes: number;
}

/** What was found, and how it is used. */
export interface FoundDevices extends Devices {
  readonly devices: readonly Device[];
  /** Sentences on what was found and is not offered, or would not work, each with its remedy. */
  readonly notices: readonly string[];
}

/** A list of devices that cannot be read. */
export class BadDevices extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BadDevices';
  }
}

/** What of the machine's own view a driver asks for when a program begins: without it CUDA ends with error 304, and ROCm finds no device. Neither control groups nor debug files lie there. */
export const SYSTEM_VIEW = ['/sys/bus', '/sys/class', '/sys/dev', '/sys/devices', '/sys/module'];

/** Memory that a device has in use with nobody on it: drivers keep some hundreds of megabytes for themselves, and any program takes more. */
export const IDLE_BYTES = 2 ** 30;

/** What kind of device a score was made on, e.g. `nvidia/h100-80gb-hbm3/driver-550.54.15`: scores of two kinds are never compared. */
export function classOf({ vendor, model, driver }: Pick<Device, 'vendor' | 'model' | 'driver'>): string {
  const plain = (text: string): string => text.toLowerCase().replace(new RegExp(`^${vendor}\\s+`), '').replace(/[^a-z0-9.]+/g, '-').replace(/^-+|-+$/g, '') || 'unknown';
  return `${plain(vendor).slice(0, 20)}/${plain(model).slice(0, 60)}/driver-${plain(driver).slice(0, 20)}`;
}

/** The devices of one class that a node may offer together, the most numerous class first; the rest in sentences. */
export function alike(devices: readonly Device[], minimumMemoryBytes: number): { readonly offered: readonly Device[]; readonly notices: readonly string[] } {
  const small = devices.filter(({ memoryBytes }) => memoryBytes < minimumMemoryBytes);
  const classes = new Map<string, Device[]>();
  for (const device of devices) if (!small.includes(device)) classes.set(classOf(device), [...classes.get(classOf(device)) ?? [], device]);
  const [offered, ...others] = [...classes.values()].sort((a, b) => b.length - a.length || (a[0]?.index ?? 0) - (b[0]?.index ?? 0));
  const named = (some: readonly Device[]): string => some.map(({ index, model }) => `${index} (${model})`).join(', ');
  return {
    offered: offered ?? [],
    notices: [
      ...(small.length > 0 ? [`not offered: ${named(small)}, with less memory than the surface asks for`] : []),
      ...(others.length > 0 ? [`not offered: ${named(others.flat())}, of another kind than ${offered?.[0]?.model ?? ''}; scores of unlike devices are not compared: start a second evaluator with another --node and CUDA_VISIBLE_DEVICES set to them`] : []),
    ],
  };
}
