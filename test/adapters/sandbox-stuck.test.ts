import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Occupied } from '../../src/ports.ts';
import { alive, bench, until, type Bench } from '../adversarial/sandboxed.ts';

// Wardens that are stopped, as a debugger, a full swap or a disk that is gone would stop them: they answer nothing and end nothing. What they hold runs without a
// sandbox here, for its strength is not what is tried.

const folder = mkdtempSync(join(tmpdir(), 'brigade-stuck-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let made = 0;
const locksOf = (): string => join(folder, String(made++));
const SLEEP = 'import time\ntime.sleep(1000)\n';

function ask(on: Bench, locks: readonly string[], silenceMs = 600_000): { readonly taken: Promise<Occupied>; readonly said: string[] } {
  const said: string[] = [];
  return { taken: on.slot.occupy({ locks, shared: [], by: 'run a on atlas', silenceMs, signal: new AbortController().signal, onWait: (why) => { said.push(why); } }), said };
}

test('of the signs of life that a stopped warden finds waiting the newest counts, and no age is added to another', async () => {
  await using on = await bench('none', { locks: locksOf() });
  const held = await ask(on, ['device-a'], 20_000).taken;
  const { pid } = on.slot.warden;
  process.kill(pid, 'SIGSTOP');
  for (let n = 0; n < 3; n++) on.slot.beat(8_000);
  process.kill(pid, 'SIGCONT');
  for (let n = 0; n < 2; n++) expect(await on.run('print(1)')).toMatchObject({ kind: 'exited', code: 0 }); // what was read in one breath with the first is judged after it
  expect(await held.leave()).toBeNull();
});

test('a slot whose warden answers nothing is given back all the same, and others get it', async () => {
  const locks = locksOf();
  await using first = await bench('none', { locks });
  await using second = await bench('none', { locks });
  const held = await ask(first, ['device-a']).taken;
  process.kill(first.slot.warden.pid, 'SIGSTOP');
  expect(await held.leave()).toBeNull();
  expect(await (await ask(second, ['device-a']).taken).leave()).toBeNull();
  expect(await (await ask(first, ['device-a']).taken).leave(), 'and so does whoever had it, with a new warden').toBeNull();
});

test('a phase whose warden is stopped ends when it has had all its time, says why, and leaves nothing', async () => {
  await using on = await bench('none', { locks: locksOf(), overdueMs: 500 });
  const held = await ask(on, ['device-a']).taken;
  const ended = on.run(SLEEP, { wallSeconds: 2 });
  await until(() => alive(on.mark).length > 0);
  process.kill(on.slot.warden.pid, 'SIGSTOP');
  expect(await ended).toMatchObject({ kind: 'not-started', reason: 'the warden said nothing of a phase that may take 2 s: a disk or a driver of this machine may be stuck' });
  await until(() => alive(on.mark).length === 0);
  expect(await held.leave()).toBeNull();
  await ask(on, ['device-a']).taken;
  expect(await on.run('print(1)')).toMatchObject({ kind: 'exited', code: 0 });
});

test('a lease of hundreds of cores is held until what ran under it is dead, whatever the kernel carries in one message', async () => {
  const locks = locksOf();
  await using first = await bench('none', { locks });
  await using second = await bench('none', { locks });
  await ask(first, [...Array.from({ length: 300 }, (_, core) => `core-${core}`), 'device-a']).taken;
  const { pid } = first.slot.warden;
  const undertaker = Number(readdirSync('/proc').filter((name) => /^\d+$/.test(name)).find((name) => isForkOf(name, pid)));
  process.kill(undertaker, 'SIGSTOP');
  process.kill(pid, 'SIGKILL');
  await until(() => !first.slot.warden.alive());
  const waiter = ask(second, ['device-a']);
  let isTaken = false;
  void waiter.taken.then(() => { isTaken = true; });
  await until(() => isTaken || waiter.said.length > 0);
  expect(isTaken).toBe(false);
  process.kill(undertaker, 'SIGCONT');
  expect(await (await waiter.taken).leave()).toBeNull();
});

/** Whether a process was forked by another and runs the same program. */
function isForkOf(name: string, parent: number): boolean {
  try {
    return new RegExp(`^PPid:\\s+${parent}$`, 'm').test(readFileSync(`/proc/${name}/status`, 'utf8')) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('warden.py');
  } catch { return false; }
}
