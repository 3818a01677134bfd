import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { ShownDevices } from '../../ports.ts';
import { ask, askAny } from './ask.ts';
import { IDLE_BYTES, SYSTEM_VIEW, type Device, type FoundDevices } from './device.ts';

// NVIDIA, by nvidia-smi.
//
//   N1. A program is shown a GPU by its UUID: inside a sandbox that has some device files only, ordinals count those alone.
//   N2. /dev/nvidiaN is numbered by the driver, not as nvidia-smi counts: the driver says which is which.
//   N3. A process may be one that we cannot see, as from inside a container; its memory can be seen from everywhere.

export interface NvidiaOptions {
  /** What the daemon itself was given, by Slurm say: the only ones it may offer. */
  readonly visible: string | undefined;
  readonly libraryPath: string | undefined;
  /** Where the machine's files lie; another folder in tests. */
  readonly root?: string;
  readonly places?: readonly string[];
  readonly linkers?: readonly string[];
}

const LINKERS = ['/sbin/ldconfig', 'ldconfig'];
const PLACES = ['nvidia-smi', '/usr/local/nvidia/bin/nvidia-smi', '/usr/lib/wsl/lib/nvidia-smi'];
const LIST = ['--query-gpu=index,uuid,name,memory.total,driver_version,pci.bus_id,mig.mode.current', '--format=csv,noheader,nounits'];
/** Where driver libraries lie that the system's linker does not know: in containers, under WSL, on NixOS, on Colab. */
const LIBRARIES = ['/usr/local/nvidia/lib64', '/usr/lib/wsl/lib', '/run/opengl-driver/lib', '/usr/lib64-nvidia'];

/** The NVIDIA GPUs of this machine; null where there is no driver. */
export async function findNvidia({ visible, libraryPath, root = '/', places = PLACES, linkers = LINKERS }: NvidiaOptions): Promise<FoundDevices | null> {
  const found = await askAny(places, LIST);
  if (found === null) return null;
  const { program, answer } = found;
  const at = (path: string): string => join(root, path);
  if (answer.kind === 'failed') return { devices: [], notices: [`${answer.why}: mend the driver, or take nvidia-smi off the PATH`], show: () => shown([], []), unclean: async () => answer.why };
  const rows = (answer.kind === 'said' ? answer.text : '').split('\n').map((line) => line.split(',').map((field) => field.trim())).filter(([, uuid]) => uuid?.startsWith('GPU-'));
  const notices: string[] = [];
  const devices: Device[] = [];
  const minors = new Map<number, number>();
  for (const [index = '', id = '', model = '', mebibytes = '', driver = '', bus = '', mig = ''] of rows) {
    const memoryBytes = Number(mebibytes) * 2 ** 20;
    if (!isVisible(visible, Number(index), id)) continue;
    if (mig === 'Enabled') notices.push(`GPU ${index} (${model}) is cut into MIG instances, which are not offered: nvidia-smi -i ${index} -mig 0 makes it whole`);
    else if (!(memoryBytes > 0)) notices.push(`GPU ${index} (${model}) does not say its memory (${mebibytes}): it is not offered`);
    else {
      devices.push({ index: Number(index), id, vendor: 'nvidia', model, driver, memoryBytes });
      minors.set(Number(index), minorOf(at('/proc/driver/nvidia/gpus'), bus) ?? Number(index)); // N2
    }
  }
  if (devices.length > 0 && !existsSync(at('/dev/nvidia-uvm'))) await ask('nvidia-modprobe', ['-u', '-c=0']); // nobody inside a sandbox could make it
  const fileOf = (index: number): string => `/dev/nvidia${minors.get(index) ?? index}`;
  const control = ['/dev/nvidiactl', '/dev/nvidia-uvm', ...(existsSync(at('/dev/nvidia-uvm-tools')) ? ['/dev/nvidia-uvm-tools'] : [])];
  const lacking = devices.length === 0 ? [] : [...control, ...devices.map(({ index }) => fileOf(index))].filter((path) => !canOpen(at(path)));
  if (lacking.length > 0) notices.push(`${lacking.join(', ')} cannot be opened here: ${lacking.some((path) => path.endsWith('uvm')) ? 'run nvidia-modprobe -u -c=0 as root, and ' : ''}give this process the device files of its GPUs`);
  const library = devices.length === 0 ? null : await findLibrary(at, linkers, libraryPath);
  if (library === 'nowhere') notices.push(`libcuda.so.1 is neither known to ldconfig nor in ${LIBRARIES.join(', ')}: install the driver's libraries, or name their folder in LD_LIBRARY_PATH`);
  const folder = library === 'nowhere' ? null : library;
  const idOf = (index: number): string => devices.find((device) => device.index === index)?.id ?? `GPU-${index}-is-not-here`;
  return {
    devices, notices,
    show: (indexes) => shown([...control, ...indexes.map(fileOf)], indexes.map(idOf), folder),
    unclean: async (index) => {
      const [apps, memory] = await Promise.all([
        ask(program, ['-i', idOf(index), '--query-compute-apps=pid,process_name', '--format=csv,noheader']),
        ask(program, ['-i', idOf(index), '--query-gpu=memory.used', '--format=csv,noheader,nounits']),
      ]);
      if (apps.kind !== 'said' || memory.kind !== 'said') return `GPU ${index} could not be asked: ${apps.kind === 'failed' ? apps.why : memory.kind === 'failed' ? memory.why : 'nvidia-smi is gone'}`;
      const [process] = apps.text.split('\n').filter((line) => /^\d+\s*,/.test(line.trim()));
      if (process !== undefined) return `GPU ${index} has a compute process: ${process.trim().slice(0, 120)}`;
      const used = Number(memory.text.trim().split('\n')[0]) * 2 ** 20;
      return used > IDLE_BYTES ? `GPU ${index} has ${Math.round(used / 2 ** 20)} MiB in use, and no process that can be seen from here` : null; // N3
    },
  };
}

function shown(files: readonly string[], ids: readonly string[], folder: string | null = null): ShownDevices {
  return {
    count: ids.length, files, reads: [...SYSTEM_VIEW.filter((path) => existsSync(path)), ...(folder === null || folder.startsWith('/usr/') ? [] : [folder])],
    env: { CUDA_VISIBLE_DEVICES: ids.join(','), CUDA_DEVICE_ORDER: 'PCI_BUS_ID', ...(folder === null ? {} : { LD_LIBRARY_PATH: folder }) }, // N1
  };
}

/** Whether CUDA itself would show a GPU to a process with this CUDA_VISIBLE_DEVICES: what follows a name that means nothing is not shown. */
function isVisible(visible: string | undefined, index: number, id: string): boolean {
  if (visible === undefined) return true;
  const names = visible.split(',').map((name) => name.trim());
  const nonsense = names.findIndex((name) => !/^(\d+|GPU-[0-9a-fA-F-]+)$/.test(name));
  return names.slice(0, nonsense < 0 ? undefined : nonsense).some((name) => name === String(index) || (name.startsWith('GPU-') && id.startsWith(name)));
}

/** The number of a GPU's device file, by the bus it is on: 00000000:65:00.0 to one tool is 0000:65:00.0 to the other. */
function minorOf(folder: string, bus: string): number | null {
  const plain = (name: string): string => name.toLowerCase().replace(/^0+(?=[0-9a-f]{4}:)/, '');
  try {
    const name = readdirSync(folder).find((entry) => plain(entry) === plain(bus));
    const minor = name === undefined ? undefined : /^Device Minor:\s+(\d+)/m.exec(readFileSync(join(folder, name, 'information'), 'utf8'))?.[1];
    return minor === undefined ? null : Number(minor);
  } catch { return null; } // a driver that does not say so numbers them as it counts
}

/** The folder of libcuda.so.1 where a program would not find it by itself; null where it would. */
async function findLibrary(at: (path: string) => string, linkers: readonly string[], libraryPath: string | undefined): Promise<string | null | 'nowhere'> {
  const known = await askAny(linkers, ['-p']);
  if (known?.answer.kind === 'said' && known.answer.text.includes('libcuda.so.1')) return null;
  return [...(libraryPath ?? '').split(delimiter).filter((path) => path.startsWith('/')), ...LIBRARIES].find((path) => existsSync(at(join(path, 'libcuda.so.1')))) ?? 'nowhere';
}

/** Whether a device file is there and this process may use it. */
function canOpen(path: string): boolean {
  try { accessSync(path, constants.R_OK | constants.W_OK); return true; } catch { return false; }
}
