import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { ShownDevices } from '../../src/ports.ts';
import { bench, levels } from '../adversarial/sandboxed.ts';

// What a phase on an accelerator sees of the machine. The device files are made here: three that answer as /dev/zero does, under names of their own.

const held = await levels();
const folder = mkdtempSync(join(tmpdir(), 'brigade-gpus-'));
chmodSync(folder, 0o755); // the user of a slot looks for them too
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Makes the device files; false, and said aloud, where this process may not. */
function made(): boolean {
  const works = ['ctl', 'gpu0', 'gpu1', 'gpu2'].every((name) => spawnSync('mknod', ['-m', '666', join(folder, name), 'c', '1', '5']).status === 0)
    && spawnSync('head', ['-c', '1', join(folder, 'gpu0')]).status === 0;
  if (!works) console.warn(`device files were not tried in a sandbox: this process cannot make any that work under ${folder}`);
  return works;
}
const canMake = made();
const lease = (...indexes: number[]): ShownDevices => ({
  count: indexes.length, files: ['ctl', ...indexes.map((index) => `gpu${index}`)].map((name) => join(folder, name)), reads: ['/sys/devices'],
  env: { CUDA_VISIBLE_DEVICES: indexes.map((index) => `GPU-${index}`).join(',') },
});
const LOOK = `
import os
def opens(name):
    try:
        with open(os.path.join(${JSON.stringify(folder)}, name), 'r+b', buffering=0) as file: return file.read(1) == bytes(1)
    except OSError as error: return type(error).__name__
seen = f"{[opens(name) for name in ('ctl', 'gpu0', 'gpu1', 'gpu2')]} {os.environ.get('CUDA_VISIBLE_DEVICES')} {os.environ.get('BRIGADE_GPUS')}"
`;

describe.each(held)('a phase that was leased devices at level %s', (level) => {
  test.runIf(canMake)('can open the files of these and of no other, and so can its auditor; one that was leased none has none', async () => {
    await using on = await bench(level);
    writeFileSync(join(on.folder, 'evaluator', 'auditor.py'), `${LOOK}os.read(3, 1)\nos.write(3, seen.encode())\nos.read(3, 1)\n`);
    writeFileSync(join(on.folder, 'evaluator', 'scorer.py'), "import json, os\nfirst = os.read(3, 999).decode()\nos.write(4, b'?')\nprint(json.dumps([first, os.read(4, 999).decode()]))\n");
    const both = { auditor: ['python', '/eval/auditor.py'], scorer: { command: ['python', 'scorer.py'], request: '{}' } };
    const two = await on.run(`${LOOK}os.write(3, seen.encode())\nos.read(3, 1)\n`, { ...both, devices: lease(0, 2) });
    expect(two.scored).toEqual(Array.from({ length: 2 }, () => "[True, True, 'FileNotFoundError', True] GPU-0,GPU-2 2"));
    expect((await on.run(`${LOOK}print(seen)`)).logTail).toBe(`${"['FileNotFoundError', 'FileNotFoundError', 'FileNotFoundError', 'FileNotFoundError'] None None"}\n`);
  });

  test.runIf(canMake && process.getuid?.() === 0)('can open files that only their group may, and cannot make one of its own', async () => {
    for (const name of ['ctl', 'gpu1']) execFileSync('chown', ['0:45678', join(folder, name)]);
    for (const name of ['ctl', 'gpu1']) execFileSync('chmod', ['660', join(folder, name)]);
    await using on = await bench(level);
    const end = await on.run(`${LOOK}
try: os.mknod('/work/gpu', 0o20666, os.makedev(1, 5)); made = 'made'
except OSError as error: made = type(error).__name__
print(seen, made)`, { devices: lease(1) });
    for (const name of ['ctl', 'gpu1']) execFileSync('chmod', ['666', join(folder, name)]);
    expect(end.logTail).toBe("[True, 'FileNotFoundError', True, 'FileNotFoundError'] GPU-1 1 PermissionError\n");
  });

  test('finds its own processes by name over a network of nothing else, keeps what compilers make until it ends, and sees the machine as a driver must', async () => {
    await using on = await bench(level);
    const source = `
import os, socket
listening = socket.create_server(('localhost', 0))
for name in ('localhost', socket.gethostname()): socket.create_connection((name, listening.getsockname()[1]), 5).close()
try: network = [name for _, name in socket.if_nameindex()]
except OSError as error: network = type(error).__name__
caches = [os.environ[name] for name in ('TRITON_CACHE_DIR', 'TORCHINDUCTOR_CACHE_DIR', 'CUDA_CACHE_PATH')]
left = [path for path in caches if os.path.exists(path)]
for path in caches: os.makedirs(path)
try: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4); other = 'open'
except OSError as error: other = type(error).__name__
try: open('/sys/devices/new', 'w'); written = 'written'
except OSError: written = 'read-only'
print(network, left, other, len(os.listdir('/sys/devices/system/cpu')) > 1, written, os.listdir('/sys'), os.sched_getaffinity(0) == {0, 1})
`;
    const devices = { ...lease(), count: 1, files: [] };
    for (const _ of ['first', 'second']) expect((await on.run(source, { devices, cores: [0, 1] })).logTail).toMatch(/^\['lo'\] \[\] PermissionError True read-only \['devices'\] (True|False)\n$/);
  });
});

test('a phase at level none is told which devices are its own, and has a folder of its own for caches', async () => {
  await using on = await bench('none');
  const end = await on.run("import os\nprint(os.environ['CUDA_VISIBLE_DEVICES'], os.environ['BRIGADE_GPUS'], os.environ['TRITON_CACHE_DIR'].startswith(os.path.dirname(os.environ['BRIGADE_WORK'])))\n", { devices: lease(1, 2) });
  expect(end.logTail).toBe('GPU-1,GPU-2 2 True\n');
});
