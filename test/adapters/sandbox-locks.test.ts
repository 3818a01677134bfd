import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Occupied } from '../../src/ports.ts';
import { alive, bench, INDEX, levels, until, type Bench } from '../adversarial/sandboxed.ts';

// One slot of a machine, taken by several processes: each bench is a warden of its own, as two runs have them.

const [level = 'none'] = await levels();
const folder = mkdtempSync(join(tmpdir(), 'brigade-locks-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let made = 0;
const locksOf = (): string => join(folder, String(made++));

interface Asked { readonly taken: Promise<Occupied>; readonly said: string[] }
function ask(on: Bench, locks: readonly string[], { shared = [] as readonly string[], by = 'run a on atlas', silenceMs = 600_000, signal = new AbortController().signal } = {}): Asked {
  const said: string[] = [];
  return { taken: on.slot.occupy({ locks, shared, by, silenceMs, signal, onWait: (why) => { said.push(why); } }), said };
}

test('a slot that another process holds is waited for, with the holder\'s name, and the one that waits has the next turn', async () => {
  const locks = locksOf();
  await using first = await bench(level, { locks });
  await using second = await bench(level, { locks });
  const holder = await ask(first, ['device-a']).taken;
  const waiter = ask(second, ['device-a', 'core-9'], { by: 'run b on atlas' });
  await until(() => waiter.said.length > 0);
  expect(waiter.said[0]).toMatch(/^device-a is held by run a on atlas, process \d+$/);
  const order: string[] = [];
  void waiter.taken.then(() => order.push('second'));
  expect(await holder.leave()).toBeNull();
  const again = ask(first, ['device-a']);
  void again.taken.then(() => order.push('first'));
  expect(await (await waiter.taken).leave()).toBeNull();
  await again.taken;
  expect(order).toEqual(['second', 'first']);
});

test('slots without a device or a core in common are held at one time, and a wait that is given up is over', async () => {
  const locks = locksOf();
  await using first = await bench(level, { locks });
  await using second = await bench(level, { locks });
  const holder = await ask(first, ['device-a', 'device-b']).taken;
  await (await ask(second, ['device-c']).taken).leave();
  const ending = new AbortController();
  const waiter = ask(second, ['device-b', 'device-c'], { signal: ending.signal });
  await until(() => waiter.said.length > 0);
  ending.abort(new Error('the lease has lapsed'));
  await expect(waiter.taken).rejects.toThrow('the lease has lapsed');
  await (await ask(second, ['device-c']).taken).leave();
  await holder.leave();
});

test('what is shared is held by several at one time, and by nobody who must be alone on it; who waits to be alone has the next turn', async () => {
  const locks = locksOf();
  await using first = await bench(level, { locks });
  await using second = await bench(level, { locks });
  await using third = await bench(level, { locks });
  const one = await ask(first, [], { shared: ['core-1'] }).taken;
  const two = await ask(second, [], { shared: ['core-1', 'core-2'], by: 'run b on atlas' }).taken;
  const alone = ask(third, ['core-1'], { by: 'run c on atlas' });
  await until(() => alone.said.length > 0);
  expect(alone.said[0]).toMatch(/^core-1 is held by run b on atlas, process \d+$/);
  expect(await one.leave()).toBeNull();
  const again = ask(first, [], { shared: ['core-1'] });
  await until(() => again.said.length > 0);
  expect(await two.leave()).toBeNull();
  expect(await (await alone.taken).leave()).toBeNull();
  expect(await (await again.taken).leave()).toBeNull();
});

test.runIf(process.getuid?.() === 0 && level !== 'none')('where no control group can be written, two slots of one number take turns: nothing but their user tells whose a process is', async () => {
  const locks = locksOf();
  await using first = await bench(level, { locks, groups: 'tree' });
  await using second = await bench(level, { locks, groups: 'tree' });
  const one = await ask(first, [], { shared: ['core-1'] }).taken;
  const two = ask(second, [], { shared: ['core-1'], by: 'run b on atlas' });
  await until(() => two.said.length > 0);
  expect(two.said[0]).toMatch(new RegExp(`^user-${60_000 + INDEX} is held by run a on atlas`));
  expect(await one.leave()).toBeNull();
  expect(await (await two.taken).leave()).toBeNull();
});

test('a slot that is given back twice at once is given back, and both are told', async () => {
  await using on = await bench(level, { locks: locksOf() });
  const holder = await ask(on, ['device-a']).taken;
  expect(await Promise.all([holder.leave(), holder.leave()])).toEqual([null, null]);
});

test('a holder whose daemon falls silent loses the slot when what ran is dead, and runs nothing more under it', async () => {
  const locks = locksOf();
  await using first = await bench(level, { locks });
  await using second = await bench(level, { locks });
  await ask(first, ['device-a'], { silenceMs: 300 }).taken;
  const ended = first.run('import time\ntime.sleep(1000)\n', { silenceMs: 300 });
  await (await ask(second, ['device-a']).taken).leave();
  expect(alive(first.mark)).toEqual([]);
  expect(await ended).toMatchObject({ kind: 'killed', why: 'silence' });
  expect(await first.run('print(1)')).toMatchObject({ kind: 'not-started', reason: expect.stringMatching(/given back/) as string });
});

test('a killed warden frees its slot when the last process that ran under it is dead, and not before', async () => {
  const locks = locksOf();
  await using first = await bench(level, { locks });
  await using second = await bench(level, { locks });
  await ask(first, ['device-a']).taken;
  const ended = first.run('import time\nopen("/work/began", "w").close()\ntime.sleep(1000)\n');
  await until(() => alive(first.mark).length > 0);
  const { pid } = first.slot.warden;
  const freezer = freezerOf(alive(first.mark)[0] ?? 0);
  const undertaker = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).find((name) => isForkOf(name, pid));
  expect(undertaker).toBeDefined();
  process.kill(Number(undertaker), 'SIGSTOP');
  if (freezer === null) console.warn('no freezer can be written here: that a lock outlives its warden was tried with nothing left alive');
  else writeFileSync(freezer.file, freezer.stop);
  process.kill(pid, 'SIGKILL');
  await ended;
  const waiter = ask(second, ['device-a']);
  await until(() => waiter.said.length > 0);
  if (freezer !== null) expect(alive(first.mark)).not.toEqual([]);
  process.kill(Number(undertaker), 'SIGCONT');
  await (await waiter.taken).leave();
  expect(alive(first.mark)).toEqual([]);
});

test.runIf(process.getuid?.() === 0 && existsSync('/usr/bin/setpriv'))('a slot whose user still has a process is not given back', async () => {
  await using on = await bench(level, { locks: locksOf() });
  const held = await ask(on, ['device-a']).taken;
  const left = spawn('/usr/bin/setpriv', [`--reuid=${60_000 + INDEX}`, '--clear-groups', '/bin/sleep', '1000'], { stdio: 'ignore' });
  await until(() => readFileSync(`/proc/${left.pid}/comm`, 'utf8').startsWith('sleep'));
  expect(await held.leave()).toBe(`process ${left.pid} runs as its user ${60_000 + INDEX}`);
  left.kill('SIGKILL');
  await new Promise((resolve) => left.once('exit', resolve));
  expect(await held.leave()).toBeNull();
});

/** Where the group of a process is frozen and how; null where there is none to write. */
function freezerOf(pid: number): { readonly file: string; readonly stop: string } | null {
  const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n');
  const v1 = groups.find((line) => line.split(':')[1] === 'freezer')?.split(':')[2];
  const v2 = groups.find((line) => line.startsWith('0::'))?.slice(3);
  return [{ file: `/sys/fs/cgroup/freezer${v1 ?? ''}/freezer.state`, stop: 'FROZEN' }, { file: `/sys/fs/cgroup${v2 ?? ''}/cgroup.freeze`, stop: '1' }]
    .find(({ file }) => file.includes('/brigade/') && existsSync(file)) ?? null;
}

/** Whether a process was forked by another and runs the same program. */
function isForkOf(name: string, parent: number): boolean {
  try {
    const status = readFileSync(`/proc/${name}/status`, 'utf8');
    return new RegExp(`^PPid:\\s+${parent}$`, 'm').test(status) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('warden.py');
  } catch { return false; }
}
