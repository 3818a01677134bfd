import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findDevices } from '../../src/adapters/devices/index.ts';
import { openSandbox } from '../../src/adapters/sandbox/index.ts';
import type { Devices } from '../../src/ports.ts';
import { ActorState } from '../../src/protocols/actor.ts';
import { edit, python, rig, type Rig } from './evaluator-rig.ts';

// The slots of a node as a machine has them: devices that are clean or not, as a file says, and other processes that want the same.

const PATIENT = { timeout: 100_000 };
const why = async (node: Rig): Promise<string> => (await node.ports.bus.ask(ActorState, { actor: 'evaluator' }, {}, { timeoutMs: 10_000 })).why;
const gpus = [0, 1, 2].map((index) => ({ slot: `gpu${index}`, kind: 'gpu' as const, memoryBytes: 8e9, index, model: 'Acme 9000', driver: '1.2', cores: [0], locks: [`device-acme-${index}`] }));

/** Three devices of a file in the rig's folder; `say` writes anew which of them are not clean. */
async function acme(node: Rig): Promise<{ readonly devices: Devices; say(unclean: Readonly<Record<number, string>>): void }> {
  const file = join(node.dir, 'devices.json');
  const say = (unclean: Readonly<Record<number, string>>): void => {
    const devices = gpus.map(({ index, model, driver, memoryBytes }) => ({ index, id: `acme-${index}`, model, driver, memoryBytes, unclean: unclean[index] ?? null }));
    writeFileSync(`${file}.new`, JSON.stringify({ vendor: 'acme', variable: 'ACME_DEVICES', devices }));
    renameSync(`${file}.new`, file);
  };
  say({});
  return { devices: await findDevices({ file, environment: {} }), say };
}
/** The baseline, printing a variable of its environment when it trains. */
const telling = (node: Rig) => edit(node.baseline, 'recipe.py', 'return pack(weights, losses)', 'import os; print("has", os.environ.get("ACME_DEVICES"), os.environ.get("BRIGADE_GPUS")); return pack(weights, losses)');
const logOf = async (node: Rig, log: string | null): Promise<string> => new TextDecoder().decode(await node.ports.blobs.get(log ?? '') ?? undefined);

test('a lease of two devices is shown these two in every phase, and a node says which it has', async () => {
  await using node = await rig('tiny');
  const { devices } = await acme(node);
  await node.start({ offered: gpus, devices });
  expect((await node.fact((fact) => fact.word === 'node.enrolled')).body).toMatchObject({ slots: gpus.map(({ slot, index, model, driver }) => ({ slot, kind: 'gpu', index, model, driver })) });
  await node.lease('t0001', telling(node), { slots: ['gpu0', 'gpu2'] });
  const { log, failure } = await node.measured('t0001');
  expect(failure).toBeNull();
  expect((await logOf(node, log)).match(/has .*/g)).toEqual(['has acme-0,acme-2 2', 'has acme-0,acme-2 2']);
});

test('a device that does not come back clean is drained whoever led the lease, and the others go on; a lease for it waits no longer than that', async () => {
  await using node = await rig('tiny');
  const { devices, say } = await acme(node);
  await node.start({ offered: gpus, devices, cleanMs: 1_000 });
  await node.lease('t0001', node.baseline, { slots: ['gpu0', 'gpu1'] });
  await expect.poll(() => node.ports.bus.ask(ActorState, { actor: 'evaluator' }, {}, { timeoutMs: 10_000 }), PATIENT).toMatchObject({ context: { gpu0: expect.stringMatching(/^t0001 s1 (training|smoke)/) as string } });
  say({ 1: 'process 7 computes' });
  await node.measured('t0001');
  const again = await node.fact((fact) => fact.word === 'node.enrolled' && fact.body.drained !== undefined);
  expect(again.body).toMatchObject({ slots: [{ slot: 'gpu0' }, { slot: 'gpu2' }], drained: [{ slot: 'gpu1', why: 'process 7 computes' }] });
  await node.lease('t0002', node.baseline, { slots: ['gpu0'] });
  expect((await node.measured('t0002')).failure).toBeNull();
  say({ 2: 'process 8 computes' });
  await node.lease('t0003', node.baseline, { slots: ['gpu2'] });
  await node.fact((fact) => fact.word === 'node.enrolled' && fact.body.drained?.length === 2);
  expect((await node.facts()).some((fact) => fact.word === 'trial.measured' && fact.ids[0] === 't0003')).toBe(false);
  await expect.poll(() => why(node), PATIENT).toBe('1 of 1 slots wait for a lease; drained: gpu1, gpu2');
});

test('a lease for a device that is not clean waits, says why, and is measured when it is', async () => {
  await using node = await rig('tiny');
  const { devices, say } = await acme(node);
  await node.start({ offered: gpus, devices, cleanMs: 600_000 });
  say({ 1: 'process 7 computes' });
  await node.lease('t0001', node.baseline, { slots: ['gpu1'] });
  await expect.poll(() => why(node), PATIENT).toBe('gpu1 waits: gpu1 is not clean: process 7 computes');
  say({});
  expect((await node.measured('t0001')).failure).toBeNull();
});

test('a lease for a slot that another run\'s process holds waits, is renewed and says for whom, and nothing of it runs before', async () => {
  await using node = await rig('tiny');
  let renewed = 0;
  node.answers.get = () => { renewed += 1; return 'renewed'; };
  const other = await openSandbox({ python, bwrap: null, level: 'none', scratchRoot: join(node.dir, 'other'), locks: join(node.dir, 'locks') });
  await using slot = await other.open({ slot: 'cpu0', cores: [0] });
  const held = await slot.occupy({ locks: ['core-0'], shared: [], by: 'run-b on atlas', silenceMs: 600_000, signal: new AbortController().signal, onWait: () => undefined });
  await node.start({ offered: [{ slot: 'cpu0', kind: 'cpu', memoryBytes: 1, cores: [0], locks: ['core-0'] }] });
  await node.lease('t0001', node.baseline, { ttlMs: 9_000 });
  await expect.poll(() => why(node), PATIENT).toMatch(/^cpu0 waits: core-0 is held by run-b on atlas, process \d+$/);
  await expect.poll(() => renewed, PATIENT).toBeGreaterThan(1);
  expect((await node.ports.bus.ask(ActorState, { actor: 'evaluator' }, {}, { timeoutMs: 10_000 })).context).toEqual({ cpu0: 't0001 s1 entering' });
  const leftMs = performance.now();
  await held.leave();
  expect((await node.measured('t0001')).failure).toBeNull();
  const { body } = await node.fact((fact) => fact.word === 'trial.measured');
  expect('heldMs' in body && body.heldMs, 'it is charged from when the slot was its own').toBeLessThanOrEqual(performance.now() - leftMs);
});

test('a lease that lapses while its slot is another\'s is given up, and the next is measured', async () => {
  await using node = await rig('tiny');
  const other = await openSandbox({ python, bwrap: null, level: 'none', scratchRoot: join(node.dir, 'other'), locks: join(node.dir, 'locks') });
  await using slot = await other.open({ slot: 'cpu0', cores: [0] });
  const held = await slot.occupy({ locks: ['core-0'], shared: [], by: 'run-b on atlas', silenceMs: 600_000, signal: new AbortController().signal, onWait: () => undefined });
  await node.start({ offered: [{ slot: 'cpu0', kind: 'cpu', memoryBytes: 1, cores: [0], locks: ['core-0'] }] });
  await node.lease('t0001', node.baseline);
  await expect.poll(() => why(node), PATIENT).toMatch(/^cpu0 waits/);
  await node.ports.journal.record('lease.lapsed', ['t0001', 's1', '1'], { reason: 'test' });
  await expect.poll(() => why(node), PATIENT).toBe('1 of 1 slots wait for a lease');
  await held.leave();
  await node.lease('t0002', node.baseline);
  expect((await node.measured('t0002')).failure).toBeNull();
});
