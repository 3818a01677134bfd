import { BadDevices, findDevices } from '../adapters/devices/index.ts';
import type { Check } from '../adapters/toolchain/index.ts';

/** What this machine has of accelerators, and what would keep a run from them. */
export async function diagnoseDevices(file: string | null, environment: Readonly<Record<string, string | undefined>>, python: 'cpu' | 'cuda' | null): Promise<readonly Check[]> {
  const found = await findDevices({ file, environment }).catch((error: unknown) => { if (error instanceof BadDevices) return error; throw error; });
  if (found instanceof BadDevices) return [{ name: 'gpu', ok: 'bad', says: found.message, remedy: 'mend the file, or leave --devices and BRIGADE_DEVICES out' }];
  const { devices, notices } = found;
  if (devices.length === 0 && notices.length === 0) return [{ name: 'gpu', ok: 'ok', says: 'none: CPU slots', remedy: null }];
  const checks: Check[] = await Promise.all(devices.map(async ({ index, vendor, model, driver, memoryBytes }) => {
    const why = await found.unclean(index);
    const says = `${index}: ${model}, ${Math.round(memoryBytes / 2 ** 20)} MiB, driver ${driver} (${vendor})`;
    return why === null ? { name: 'gpu', ok: 'ok' as const, says, remedy: null } : { name: 'gpu', ok: 'weak' as const, says: `${says}; ${why}`, remedy: 'end what uses it: a slot waits until its device is clean' };
  }));
  const lacks: Check[] = notices.map((notice) => ({ name: 'gpu', ok: 'weak', says: notice, remedy: null }));
  const build: Check[] = python === 'cpu' ? [{ name: 'gpu', ok: 'weak', says: 'PyTorch here is a CPU build', remedy: 'set BRIGADE_PYTHON to a Python with a CUDA build of PyTorch, then npm run setup; a surface that was set up with an environment of its own needs none of it' }] : [];
  return [...checks, ...lacks, ...build];
}
