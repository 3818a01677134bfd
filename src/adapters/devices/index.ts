import { findListed } from './file.ts';
import type { FoundDevices } from './device.ts';
import { findNvidia } from './nvidia.ts';
import { findRocm } from './rocm.ts';

export { alike, BadDevices, classOf, type Device, type FoundDevices } from './device.ts';

// The accelerators of this machine: one file a vendor, or a file that lists them. A machine with none has its cores.

export interface DevicesOptions {
  /** A JSON file that lists them instead of a vendor's tool; null for none. */
  readonly file: string | null;
  /** What this process was given of a vendor's devices by whoever started it: CUDA_VISIBLE_DEVICES, ROCR_VISIBLE_DEVICES and LD_LIBRARY_PATH are heard. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const NONE: FoundDevices = { devices: [], notices: [], show: () => ({ count: 0, files: [], reads: [], env: {} }), unclean: async (index) => `there is no device ${index}` };

/** Looks for devices, vendor by vendor; throws BadDevices when a file of them is wrong. */
export async function findDevices({ file, environment }: DevicesOptions): Promise<FoundDevices> {
  if (file !== null) return findListed(file);
  return await findNvidia({ visible: environment['CUDA_VISIBLE_DEVICES'], libraryPath: environment['LD_LIBRARY_PATH'] })
    ?? await findRocm({ visible: environment['ROCR_VISIBLE_DEVICES'] }) ?? NONE;
}
