import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Fact } from '../../src/domain/fact.ts';
import { holds, emptyAccount } from './account.ts';
import { keepAlive, type Daemon } from './daemons.ts';
import { killed } from './faults/kill.ts';
import { stopped } from './faults/pause.ts';
import { longestLate, longestSilence, unasked } from './figures.ts';
import { readFlags } from './flags.ts';
import { openHistory, type Entry, type History } from './history.ts';
import { plainHost } from './hosts.ts';
import type { Row } from './nemesis.ts';
import { isKept } from './outside.ts';
import { holders, measureMs } from './work.ts';

// What the lab believes of its own faults, on real processes.

let folder: string;
let history: History;
let daemons: Daemon[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brigade-nodes-test-'));
  history = openHistory(join(folder, 'history.jsonl'));
  daemons = [];
});
afterEach(async () => {
  await Promise.all(daemons.map((daemon) => daemon.end()));
  await rm(folder, { recursive: true, force: true });
});

async function daemon(name: string, command: readonly string[]): Promise<Daemon> {
  const host = await plainHost(name, join(folder, name));
  const made = keepAlive({ name, host, command, log: join(host.folder, `${name}.log`) }, history);
  daemons.push(made);
  return made;
}

test('who was killed is seen dead, and healed when started again', async () => {
  const one = await daemon('one', ['sleep', '1000']);
  const pid = await one.up();
  const injected = await killed([one], 60_000);
  expect(await injected.missed()).toBeNull();
  await expect(one.up(300), 'it is held down').rejects.toThrow('one has had no process for');
  await injected.heal();
  expect(await one.up()).not.toBe(pid);
  expect(unasked(history.entries).size).toBe(0);
});

test('who was stopped and goes on by itself was not paused, and the fault says so', async () => {
  const one = await daemon('one', ['sleep', '1000']);
  const paused = await stopped(one, 1_000);
  expect(await paused.missed()).toBeNull();
  one.signal('SIGCONT');
  expect(await paused.missed()).toBe('one did not stay stopped');
  await paused.heal();
});

test('a daemon that fails although nobody asked it to end is told by its name, and one that has done its work is not', async () => {
  for (const [name, command] of [['one', 'false'], ['two', 'true']] as const) {
    const each = await daemon(name, [command]);
    await each.gone(await each.up());
    await each.end();
  }
  expect([...unasked(history.entries).keys()]).toEqual(['one']);
});

const fact = (ms: number, takenAt: number, lateMs = 0, seq = ms): Entry => ({ ms, kind: 'fact', seq, word: 'operator.acted', digest: '', takenAt, lateMs });

test('the longest stall is one that no fact ended, too', () => {
  const entries = [fact(0, 1_000), fact(1_000, 2_000), fact(9_000, 10_000)];
  expect(longestSilence(entries, 500, 11_000)).toBe(8_000);
  expect(longestSilence(entries, 500, 40_000)).toBe(30_000);
  expect(longestSilence(entries, 9_500, 11_000), 'what was before the fault is not of it').toBe(1_000);
  expect(longestLate([fact(0, 1_000, 5_000), fact(1_000, 2_000, 700)], 500)).toBe(700);
});

const lease = (trial: string, node: string, seq: number, at: number): Fact => ({ word: 'lease.granted', ids: [trial, 's1', '1'], body: { trial, replicate: 's1', attempt: 1, node, slots: ['cpu0'], purpose: 'search', snapshot: '0'.repeat(64), ttlMs: 1000 }, seq, at });
const lapsed = (trial: string, seq: number): Fact => ({ word: 'lease.lapsed', ids: [trial, 's1', '1'], body: { reason: 'its trial has been decided' }, seq, at: seq });

test('a node is at work while it holds a lease that it was granted since its start', () => {
  const facts = [lease('t1', 'n1', 1, 0), lease('t2', 'n2', 2, 0), lapsed('t2', 3), lease('t3', 'n3', 4, 0)];
  const entries: Entry[] = [{ ms: 100, kind: 'started', daemon: 'n1', pid: 7 }, ...facts.map(({ seq }) => fact(200 * seq, 0, 0, seq))];
  expect([...holders(facts, entries)]).toEqual(['n1', 'n3']);
  expect([...holders(facts, [...entries, { ms: 900, kind: 'started', daemon: 'n1', pid: 9 }])], 'what it held before it was started anew is lost').toEqual(['n3']);
  expect(measureMs(facts)).toBe(0);
});

const ROW: Row = { fault: 'kill-node', did: '', threatens: [], broken: [], isHealed: true, stallMs: 0, lateMs: 0, resumedMs: 1 };

test('a run in which one fault took no hold, was not healed, or which fell over, does not hold', () => {
  expect(holds({ ...emptyAccount(), rows: [ROW] })).toBe(true);
  expect(holds({ ...emptyAccount(), rows: [ROW, { ...ROW, broken: ['n1 did not stay stopped'] }] })).toBe(false);
  expect(holds({ ...emptyAccount(), rows: [{ ...ROW, isHealed: false }] })).toBe(false);
  expect(holds({ ...emptyAccount(), rows: [ROW], problems: ['the run had ended by itself'] })).toBe(false);
});

test('what a lab saw is thrown away only when everything held, or when a person who had seen nothing break interrupted it', () => {
  const plain = { code: 0, by: [], keep: false, isBroken: false } as const;
  expect(isKept(plain)).toBe(false);
  expect(isKept({ ...plain, keep: true })).toBe(true);
  expect(isKept({ ...plain, code: 1 })).toBe(true);
  expect(isKept({ ...plain, code: 130 }), 'something killed it').toBe(true);
  expect(isKept({ ...plain, code: 130, by: ['SIGINT'] })).toBe(false);
  expect(isKept({ ...plain, code: 130, by: ['SIGINT'], isBroken: true })).toBe(true);
  expect(isKept({ ...plain, code: 130, by: ['SIGTERM'] }), 'a timer ended it').toBe(true);
});

test('--keep takes no value, and a fault that is not known is refused before anything is made', () => {
  expect(readFlags(['--keep', '--faults', 'kill-node,twice'])).toMatchObject({ keep: true, faults: ['kill-node', 'twice'] });
  expect(() => readFlags(['--faults', 'kill-nobody'])).toThrow('there is no fault kill-nobody');
});
