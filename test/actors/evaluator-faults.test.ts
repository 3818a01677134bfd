import { describe, expect, test } from 'vitest';
import { isDiskFull } from '../../src/actors/evaluator/decide.ts';
import { requireRoom } from '../../src/adapters/workbench/room.ts';
import { Progress } from '../../src/protocols/actor.ts';
import { RenewLease } from '../../src/protocols/trial.ts';
import { edit, rig } from './evaluator-rig.ts';

// Faults of the machine that a node measures on.

describe('that a disk takes nothing more', () => {
  test.each([
    ['ENOSPC: no space left on device, write', true],
    ['EROFS: read-only file system, mkdir \'/x\'', true],
    ['OSError: [Errno 28] No space left on device: \'/run/brigade/x\'', true],
    ['what the phase left in scratch could not be copied out: [Errno 122] Disk quota exceeded', true],
    ['the warden ended (1): OSError: [Errno 28] No space left on device', true],
    ['ENOENT: no such file or directory, open \'/x/ENOSPC: \'', false],
    ['what the phase left in scratch could not be copied out: [Errno 5] Input/output error: \'a [Errno 28] b\'', false],
    ['the scorer failed: OSError: [Errno 28] No space left on device', false],
  ])('%j: %j', (reason, is) => { expect(isDiskFull(reason)).toBe(is); });
});

test('a node does not begin on a disk without room, and says what is missing where', async () => {
  await expect(requireRoom('/proc', 3 * 2 ** 20)).rejects.toThrow('/proc has 0 MiB free and a measurement may need 3: free some space there'); // nothing can ever be stored there
  await requireRoom('/', 1);
});

test('a node whose disk takes nothing more says so of that attempt, finishes what its others hold, takes no further lease and ends', async () => {
  await using node = await rig('tiny');
  const stage = node.workbench.stage.bind(node.workbench);
  node.workbench.stage = async (slot, recipe) => {
    if (slot === 'cpu0') throw Object.assign(new Error('ENOSPC: no space left on device, open'), { code: 'ENOSPC' });
    return stage(slot, recipe);
  };
  const evaluator = await node.start({ slots: 2 });
  const training = new Promise<void>((resolve) => { node.ports.bus.listen(Progress, {}, ({ trial, phase }) => { if (trial === 't0001' && phase === 'train') resolve(); }); });
  await node.lease('t0001', edit(node.baseline, 'optimizer.py', 'STEPS = 40', 'STEPS = 4000'), { slots: ['cpu1'] });
  await training;
  await node.lease('t0002', node.baseline);
  await node.lease('t0003', node.baseline);
  await expect(evaluator.done).rejects.toThrow('the disk of this node takes nothing more (ENOSPC: no space left on device, open) after its last measurement: free some space on it');
  const measured = (await node.facts()).flatMap((fact) => (fact.word === 'trial.measured' ? [[fact.ids[0], fact.body.measurement.failure?.kind ?? 'no fault of ours']] : []));
  expect(Object.fromEntries(measured)).toEqual({ t0001: expect.not.stringMatching('harness_abort') as string, t0002: 'harness_abort' });
});

test('a lease that waits for its slot to come back clean is renewed meanwhile, and begins when it has', async () => {
  await using node = await rig('tiny');
  const stage = node.workbench.stage.bind(node.workbench);
  let isClean = (): void => undefined;
  const clean = new Promise<void>((resolve) => { isClean = resolve; });
  node.workbench.stage = async (slot, recipe) => {
    const bench = await stage(slot, recipe);
    return { ...bench, [Symbol.asyncDispose]: async () => { await clean; await bench[Symbol.asyncDispose](); } };
  };
  const asked: string[] = [];
  const ask = node.ports.bus.ask.bind(node.ports.bus);
  Object.assign(node.ports.bus, { ask: (...question: Parameters<typeof ask>) => {
    const renewal = question[0].pattern === RenewLease.pattern ? RenewLease.request.safeParse(question[2]).data : undefined;
    if (renewal) asked.push(renewal.trial);
    return ask(...question);
  } });
  await node.start();
  await node.lease('t0001', node.baseline);
  await node.measured('t0001');
  await node.lease('t0002', node.baseline, { ttlMs: 6_000 });
  await expect.poll(() => asked.filter((trial) => trial === 't0002').length, { timeout: 50_000 }).toBeGreaterThan(1);
  isClean();
  await node.measured('t0002');
});
