import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { alike, BadDevices, classOf, findDevices, type Device } from '../../src/adapters/devices/index.ts';
import { findNvidia } from '../../src/adapters/devices/nvidia.ts';
import { findRocm } from '../../src/adapters/devices/rocm.ts';

// What a machine has of accelerators. No machine of ours has any: a vendor's tool is a script that answers as the vendor's does, and its files lie in a folder.

let home = '';
beforeAll(() => { home = mkdtempSync(join(tmpdir(), 'brigade-devices-')); });
afterAll(() => rmSync(home, { recursive: true, force: true }));

const say = (path: string, text: string): string => {
  const at = join(home, path);
  mkdirSync(join(at, '..'), { recursive: true });
  writeFileSync(at, text);
  return at;
};

describe('a file of devices', () => {
  const device = { index: 3, id: 'acme-3', model: 'Acme 9000', driver: '1.2', memoryBytes: 8e9, files: ['/dev/acme3'] };
  const whole = { vendor: 'acme', variable: 'ACME_VISIBLE_DEVICES', files: ['/dev/acmectl'], devices: [device, { ...device, index: 5, id: 'acme-5', files: ['/dev/acme5'] }] };
  const find = (content: unknown) => findDevices({ file: say('devices.json', typeof content === 'string' ? content : JSON.stringify(content)), environment: {} });

  test('shows a program the leased devices by name, and their files with those that all of them share', async () => {
    const found = await find(whole);
    expect(found.devices.map(({ index, model }) => `${index} ${model}`)).toEqual(['3 Acme 9000', '5 Acme 9000']);
    expect(found.show([5])).toEqual({ count: 1, files: ['/dev/acmectl', '/dev/acme5'], reads: [], env: { ACME_VISIBLE_DEVICES: 'acme-5' } });
    expect(found.show([3, 5])).toMatchObject({ count: 2, files: ['/dev/acmectl', '/dev/acme3', '/dev/acme5'], env: { ACME_VISIBLE_DEVICES: 'acme-3,acme-5' } });
  });

  test('says anew at every question whether a device is clean, and one that nobody can read is not', async () => {
    const found = await find(whole);
    expect(await found.unclean(3)).toBeNull();
    say('devices.json', JSON.stringify({ ...whole, devices: [{ ...device, unclean: 'process 7 computes' }] }));
    expect([await found.unclean(3), await found.unclean(5)]).toEqual(['process 7 computes', expect.stringMatching(/devices\.json lists no device 5 any more/)]);
    say('devices.json', '{');
    expect(await found.unclean(3)).toMatch(/devices\.json cannot be read as JSON/);
  });

  test.each([
    ['a field too many', { ...whole, colour: 'red' }, /devices\.json: the whole: .*colour/],
    ['memory in words', { ...whole, devices: [{ ...device, memoryBytes: '8GB' }] }, /devices\.json: devices\.0\.memoryBytes: /],
    ['a path of no root', { ...whole, devices: [{ ...device, files: ['dev/acme3'] }] }, /devices\.json: devices\.0\.files\.0: give an absolute path/],
    ['one index twice', { ...whole, devices: [device, { ...device, id: 'other' }] }, /devices\.json: devices: each index and each id once/],
    ['no JSON', 'index,uuid', /devices\.json cannot be read as JSON/],
  ])('with %s is refused, with the file and the field', async (_, content, said) => {
    const error: unknown = await find(content).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(BadDevices);
    expect(String(error)).toMatch(said);
  });
});

describe('NVIDIA', () => {
  const gpu = (index: number, bus: string, mig = 'Disabled'): string => `${index}, GPU-0000000${index}-aaaa, NVIDIA H100 80GB HBM3, 81559, 550.54.15, 00000000:${bus}:00.0, ${mig}`;
  /** A nvidia-smi that lists these, on a machine with these files; compute processes and used memory lie in files beside it. */
  const machine = (rows: readonly string[], minors: Readonly<Record<string, number>>): string => {
    rmSync(join(home, 'nvidia'), { recursive: true, force: true });
    for (const name of ['nvidiactl', 'nvidia-uvm', 'nvidia-uvm-tools', ...Object.values(minors).map((minor) => `nvidia${minor}`)]) say(`nvidia/dev/${name}`, '');
    for (const [bus, minor] of Object.entries(minors)) say(`nvidia/proc/driver/nvidia/gpus/0000:${bus}:00.0/information`, `Model: \t\t NVIDIA H100\nGPU UUID: \t GPU-????????\nDevice Minor: \t ${minor}\n`);
    say('nvidia/usr/local/nvidia/lib64/libcuda.so.1', '');
    say('nvidia/rows', `${rows.join('\n')}\n`);
    say('nvidia/apps', '');
    say('nvidia/used', '4\n');
    const smi = say('nvidia/nvidia-smi', `#!/bin/sh\ncase "$*" in *compute-apps*) exec cat ${home}/nvidia/apps;; *memory.used*) exec cat ${home}/nvidia/used;; *) exec cat ${home}/nvidia/rows;; esac\n`);
    chmodSync(smi, 0o755);
    return smi;
  };
  const find = (smi: string, visible?: string) => findNvidia({ visible, libraryPath: undefined, root: join(home, 'nvidia'), places: [smi], linkers: [] });

  test('a GPU is known by its index, shown by its UUID, and opened by the device file that the driver says is its own', async () => {
    const found = await find(machine([gpu(0, '65'), gpu(1, 'B1')], { 65: 1, b1: 0 }));
    expect(found?.devices).toEqual([0, 1].map((index) => ({ index, id: `GPU-0000000${index}-aaaa`, vendor: 'nvidia', model: 'NVIDIA H100 80GB HBM3', driver: '550.54.15', memoryBytes: 81559 * 2 ** 20 })));
    expect(found?.show([0])).toMatchObject({ count: 1, files: ['/dev/nvidiactl', '/dev/nvidia-uvm', '/dev/nvidia-uvm-tools', '/dev/nvidia1'], env: { CUDA_VISIBLE_DEVICES: 'GPU-00000000-aaaa', LD_LIBRARY_PATH: '/usr/local/nvidia/lib64' } });
    expect(found?.show([0, 1])).toMatchObject({ count: 2, env: { CUDA_VISIBLE_DEVICES: 'GPU-00000000-aaaa,GPU-00000001-aaaa' } });
    expect(found?.show([0]).reads).toEqual(expect.arrayContaining(['/sys/devices', '/sys/module', '/sys/bus']));
  });

  test('it offers only what its own process was given, and no GPU that is cut into pieces', async () => {
    const smi = machine([gpu(0, '65'), gpu(1, '66'), gpu(2, '67', 'Enabled')], { 65: 0, 66: 1, 67: 2 });
    const indexes = async (visible?: string) => (await find(smi, visible))?.devices.map(({ index }) => index);
    expect([await indexes(), await indexes('1'), await indexes('GPU-00000000,1'), await indexes('NoDevFiles,0'), await indexes('')]).toEqual([[0, 1], [1], [0, 1], [], []]);
    expect((await find(smi))?.notices).toEqual([expect.stringMatching(/GPU 2 .* MIG .*-mig 0/)]);
  });

  test('a GPU with a compute process, or with memory in use that nobody can be seen to use, is not clean', async () => {
    const found = await find(machine([gpu(0, '65')], { 65: 0 }));
    expect(await found?.unclean(0)).toBeNull();
    say('nvidia/apps', '4711, python\n');
    expect(await found?.unclean(0)).toBe('GPU 0 has a compute process: 4711, python');
    say('nvidia/apps', '');
    say('nvidia/used', '20480\n');
    expect(await found?.unclean(0)).toMatch(/20480 MiB in use/);
  });

  test('what would keep a program from its GPU is said with its remedy, and a driver that fails is no machine without one', async () => {
    const smi = machine([gpu(0, '65')], { 65: 0 });
    rmSync(join(home, 'nvidia/dev/nvidia0'));
    rmSync(join(home, 'nvidia/usr'), { recursive: true });
    expect((await find(smi))?.notices.join('\n')).toMatch(/\/dev\/nvidia0 cannot be opened here/);
    expect((await find(smi))?.notices.join('\n')).toMatch(/libcuda\.so\.1 is .*LD_LIBRARY_PATH/);
    writeFileSync(smi, '#!/bin/sh\necho "Failed to initialize NVML: Driver/library version mismatch"\nexit 18\n');
    expect(await find(smi)).toMatchObject({ devices: [], notices: [expect.stringMatching(/Driver\/library version mismatch/)] });
    expect(await findNvidia({ visible: undefined, libraryPath: undefined, places: [join(home, 'nowhere')] })).toBeNull();
  });
});

test('an AMD GPU is shown by its unique id and opened by the render node of its bus', async () => {
  const card = { 'Card Series': 'AMD Instinct MI300X', 'Unique ID': '0xAB12', 'PCI Bus': '0000:C1:00.0', 'VRAM Total Memory (B)': '206141652992', 'VRAM Total Used Memory (B)': '297000000' };
  say('rocm/dev/kfd', '');
  say('rocm/sys/bus/pci/devices/0000:c1:00.0/drm/renderD130', '');
  const smi = say('rocm/rocm-smi', `#!/bin/sh\necho '${JSON.stringify({ card0: card, system: { 'Driver version': '6.7.0' } })}'\n`);
  chmodSync(smi, 0o755);
  const found = await findRocm({ visible: undefined, root: join(home, 'rocm'), places: [smi] });
  expect(found?.devices).toMatchObject([{ index: 0, id: 'GPU-ab12', vendor: 'amd', driver: '6.7.0', memoryBytes: 206141652992 }]);
  expect(found?.show([0])).toMatchObject({ files: ['/dev/kfd', '/dev/dri/renderD130'], env: { ROCR_VISIBLE_DEVICES: 'GPU-ab12' } });
  expect(await found?.unclean(0)).toBeNull();
});

describe('devices of a machine', () => {
  const one: Device = { index: 0, id: 'a', vendor: 'nvidia', model: 'NVIDIA A100-SXM4-80GB', driver: '550.54.15', memoryBytes: 80e9 };
  let devices: Device[] = [];
  beforeEach(() => { devices = [one, { ...one, index: 1, id: 'b', model: 'NVIDIA H100 80GB HBM3' }, { ...one, index: 2, id: 'c' }, { ...one, index: 3, id: 'd', memoryBytes: 8e9 }]; });

  test('are named by model and driver, so that another driver is another class', () => {
    expect(classOf(one)).toBe('nvidia/a100-sxm4-80gb/driver-550.54.15');
    expect(classOf({ ...one, driver: '560.1' })).not.toBe(classOf(one));
  });

  test('are offered together only when they are alike and large enough; the others are told of', () => {
    const { offered, notices } = alike(devices, 40e9);
    expect(offered.map(({ index }) => index)).toEqual([0, 2]);
    expect(notices).toEqual([expect.stringMatching(/not offered: 3 .*less memory/), expect.stringMatching(/not offered: 1 \(NVIDIA H100.*another --node/)]);
  });
});
