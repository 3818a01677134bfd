import { expect, test } from 'vitest';
import { leaseBook } from '../../src/actors/evaluator/lease.ts';
import type { Fact } from '../../src/domain/fact.ts';
import type { Lease } from '../../src/domain/measurement.ts';
import { ActorState, Progress } from '../../src/protocols/actor.ts';
import { edit, lostBy, rig } from './evaluator-rig.ts';

// What a node makes of its leases: what it takes of them, and what becomes of those that lapse.

/** Polling gives up after a second unless told otherwise. */
const PATIENT = { timeout: 50_000 };

const lease = (replicate: string): Lease => ({ trial: 't0001', replicate, attempt: 1, node: 'atlas', slots: ['cpu0'], purpose: 'confirm', snapshot: '0'.repeat(64), ttlMs: 30_000 });
const granted = (replicate: string, seq: number): Fact => ({ word: 'lease.granted', ids: ['t0001', replicate, '1'], body: lease(replicate), seq, at: 0 });
const ended = { word: 'trial.result', ids: ['t0001'], body: {}, seq: 9, at: 0 } as unknown as Fact;
const lapsed: Fact = { word: 'lease.lapsed', ids: ['t0001', 'c2', '1'], body: { reason: 'silence' }, seq: 8, at: 0 };

test('a lease whose trial ended before its slot was clean is still taken, or its slot would stand idle until it lapses', () => {
  const book = leaseBook('atlas');
  for (const fact of [granted('c1', 6), granted('c2', 7), lapsed, ended]) book.apply(fact);
  expect(book.due().map(({ replicate }) => replicate)).toEqual(['c1']);
});

test('a lease that was taken is not due again, however often the journal is read', () => {
  const book = leaseBook('atlas');
  const facts = [granted('c1', 6), granted('c2', 7)];
  for (const fact of facts) book.apply(fact);
  for (const lease of book.due()) book.take(lease);
  for (const fact of [...facts, ...facts]) book.apply(fact);
  expect(book.due()).toEqual([]);
});

test('two leases of one slot are measured one after the other, whatever the broker believes', async () => {
  await using node = await rig('tiny');
  const phases: string[] = [];
  node.ports.bus.listen(Progress, {}, ({ trial, phase, seconds }) => { if (trial !== null && seconds === 0) phases.push(`${trial} ${phase}`); });
  await node.start();
  await node.lease('t0001', node.baseline);
  await node.lease('t0002', edit(node.baseline, 'optimizer.py', 'RATE = 0.02', 'RATE = 0.03'));
  await node.measured('t0001');
  await node.measured('t0002');
  expect(phases).toEqual(['t0001 smoke', 't0001 train', 't0001 eval', 't0002 smoke', 't0002 train', 't0002 eval']);
});

test('a lease that lapsed before its slot was free is never run', async () => {
  await using node = await rig('tiny');
  await node.start();
  await node.lease('t0001', edit(node.baseline, 'optimizer.py', 'STEPS = 40', 'STEPS = 100000000'));
  await node.lease('t0002', node.baseline);
  await node.ports.journal.record('lease.lapsed', ['t0002', 's1', '1'], { reason: 'test' });
  await node.lease('t0003', node.baseline);
  await node.ports.journal.record('lease.lapsed', ['t0001', 's1', '1'], { reason: 'test' });
  await node.measured('t0003');
  expect((await node.facts()).flatMap((fact) => (fact.word === 'trial.measured' ? [fact.ids[0]] : []))).toEqual(['t0003']);
});

test('a lease of an earlier start of the node is not run by a later one, though nobody has let it lapse yet', async () => {
  await using node = await rig('tiny');
  await node.lease('t0001', node.baseline);
  await node.start();
  await node.lease('t0002', node.baseline);
  await node.measured('t0002');
  expect((await node.facts()).flatMap((fact) => (fact.word === 'trial.measured' ? [fact.ids[0]] : []))).toEqual(['t0002']);
});

test('a lease that lapses under a running phase kills it and nothing is said', async () => {
  await using node = await rig('tiny');
  await node.start();
  const training = new Promise<void>((resolve) => { node.ports.bus.listen(Progress, {}, ({ trial, phase }) => { if (trial === 't0001' && phase === 'train') resolve(); }); });
  await node.lease('t0001', edit(node.baseline, 'optimizer.py', 'STEPS = 40', 'STEPS = 100000000'), { ttlMs: 6_000 }); // shorter, and its warden's patience could end before a busy machine has begun to train
  await training;
  node.answers.set('t0001.s1.1', 'lapsed');
  await node.lease('t0002', node.baseline);
  expect((await node.measured('t0002')).failure).toBeNull();
  expect((await node.facts()).some((fact) => fact.word === 'trial.measured' && fact.ids[0] === 't0001')).toBe(false);
  expect(lostBy(node)).toEqual([{ slot: 'cpu0', trial: 't0001', replicate: 's1', attempt: 1, reason: 'the broker let it lapse' }]);
});

test('a running phase is killed as soon as the journal says that its lease has lapsed, long before the next renewal', async () => {
  await using node = await rig('tiny');
  await node.start();
  const training = new Promise<void>((resolve) => { node.ports.bus.listen(Progress, {}, ({ trial, phase }) => { if (trial === 't0001' && phase === 'train') resolve(); }); });
  await node.lease('t0001', edit(node.baseline, 'optimizer.py', 'STEPS = 40', 'STEPS = 100000000'), { ttlMs: 600_000 });
  await training;
  await node.ports.journal.record('lease.lapsed', ['t0001', 's1', '1'], { reason: 'its trial has been decided' });
  await node.lease('t0002', node.baseline);
  expect((await node.measured('t0002')).failure).toBeNull();
  expect((await node.facts()).some((fact) => fact.word === 'trial.measured' && fact.ids[0] === 't0001')).toBe(false);
});

test('a lease that lapses while a phase is being laid out leaves its folder alone until that is done', async () => {
  await using node = await rig('tiny');
  const stage = node.workbench.stage.bind(node.workbench);
  let goOn = (): void => undefined;
  const held = new Promise<void>((resolve) => { goOn = resolve; });
  let isLaying = (): void => undefined;
  const laying = new Promise<void>((resolve) => { isLaying = resolve; });
  const order: string[] = [];
  node.workbench.stage = async (slot, recipe) => {
    const bench = await stage(slot, recipe);
    const dispose = bench[Symbol.asyncDispose].bind(bench);
    return { ...bench, scratch: async (phase) => { isLaying(); await held; order.push('laid out'); return bench.scratch(phase); }, [Symbol.asyncDispose]: async () => { order.push('cleared'); await dispose(); } };
  };
  await node.start();
  await node.lease('t0001', node.baseline);
  await laying;
  await node.ports.journal.record('lease.lapsed', ['t0001', 's1', '1'], { reason: 'its trial has been decided' });
  await expect.poll(async () => (await node.ports.bus.ask(ActorState, { actor: 'evaluator' }, {}, { timeoutMs: 10_000 })), PATIENT).toMatchObject({ context: { cpu0: expect.stringMatching(/(clearing|idle)$/) as string } });
  goOn();
  await expect.poll(() => order, PATIENT).toEqual(['laid out', 'cleared']);
});
