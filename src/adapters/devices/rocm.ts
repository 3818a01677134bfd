import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ask, askAny } from './ask.ts';
import { IDLE_BYTES, SYSTEM_VIEW, type Device, type FoundDevices } from './device.ts';

// AMD, by rocm-smi.
//
//   R1. A program is shown a GPU by its unique id: ordinals count what a sandbox has only.
//   R2. Which render node a GPU is, the kernel says by the bus it is on.

export interface RocmOptions {
  readonly visible: string | undefined;
  readonly root?: string;
  readonly places?: readonly string[];
}

const PLACES = ['rocm-smi', '/opt/rocm/bin/rocm-smi'];
const LIST = ['--showproductname', '--showuniqueid', '--showbus', '--showmeminfo', 'vram', '--showdriverversion', '--json'];
const Said = z.record(z.string(), z.record(z.string(), z.string()));

/** The AMD GPUs of this machine; null where there is no ROCm. */
export async function findRocm({ visible, root = '/', places = PLACES }: RocmOptions): Promise<FoundDevices | null> {
  const found = await askAny(places, LIST);
  if (found === null) return null;
  const { program, answer } = found;
  const at = (path: string): string => join(root, path);
  const said = answer.kind === 'said' ? read(answer.text) : null;
  const notices: string[] = said === null ? [`${answer.kind === 'failed' ? answer.why : `${program} did not answer with JSON`}: mend ROCm, or take rocm-smi off the PATH`] : [];
  const driver = said?.['system']?.['Driver version'] ?? 'unknown';
  const devices: Device[] = [];
  const nodes = new Map<number, string>();
  const allowed = visible?.split(',').map((name) => name.trim());
  for (const [card, fields] of Object.entries(said ?? {})) {
    const index = /^card(\d+)$/.exec(card)?.[1];
    if (index === undefined || (allowed !== undefined && !allowed.includes(index))) continue;
    const id = fields['Unique ID'] ?? '';
    const model = fields['Card Series'] ?? fields['Card series'] ?? fields['Card Model'] ?? 'unknown';
    const memoryBytes = Number(fields['VRAM Total Memory (B)']);
    const node = renderNode(at('/sys/bus/pci/devices'), fields['PCI Bus'] ?? '');
    if (!/^0x[0-9a-f]+$/i.test(id) || !(memoryBytes > 0) || node === null) notices.push(`GPU ${index} (${model}) is not offered: rocm-smi and the kernel do not say its unique id, its memory and its render node`);
    else {
      devices.push({ index: Number(index), id: `GPU-${id.slice(2).toLowerCase()}`, vendor: 'amd', model, driver, memoryBytes });
      nodes.set(Number(index), `/dev/dri/${node}`); // R2
    }
  }
  if (devices.length > 0 && !existsSync(at('/dev/kfd'))) notices.push('/dev/kfd is not there: give this process the device files of its GPUs');
  return {
    devices, notices,
    show: (indexes) => ({
      count: indexes.length, files: ['/dev/kfd', ...indexes.map((index) => nodes.get(index) ?? `/dev/dri/no-${index}`)],
      reads: [...SYSTEM_VIEW, '/opt/rocm', '/opt/amdgpu'].filter((path) => existsSync(path)),
      env: { ROCR_VISIBLE_DEVICES: indexes.map((index) => devices.find((device) => device.index === index)?.id ?? 'none').join(',') }, // R1
    }),
    unclean: async (index) => {
      const memory = await ask(program, ['-d', String(index), '--showmeminfo', 'vram', '--json']);
      const used = memory.kind === 'said' ? Number(read(memory.text)?.[`card${index}`]?.['VRAM Total Used Memory (B)']) : NaN;
      if (Number.isNaN(used)) return `GPU ${index} could not be asked: ${memory.kind === 'failed' ? memory.why : 'rocm-smi does not say its memory'}`;
      return used > IDLE_BYTES ? `GPU ${index} has ${Math.round(used / 2 ** 20)} MiB in use` : null;
    },
  };
}

function read(text: string): z.infer<typeof Said> | null {
  try { return Said.safeParse(JSON.parse(text)).data ?? null; } catch { return null; }
}

function renderNode(folder: string, bus: string): string | null {
  try { return readdirSync(join(folder, bus.toLowerCase(), 'drm')).find((name) => name.startsWith('renderD')) ?? null; } catch { return null; }
}
