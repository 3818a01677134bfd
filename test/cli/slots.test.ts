import { expect, test } from 'vitest';
import type { Device } from '../../src/adapters/devices/index.ts';
import { coresHere, layOut, slotsOf, type Machine } from '../../src/cli/slots.ts';
import type { SlotRequest } from '../../src/domain/surface.ts';

// How a machine is cut into slots: here one of eight threads on four cores, of which this process was given six, and two GPUs.

const gpu = (index: number): Device => ({ index, id: `GPU-${index}`, vendor: 'nvidia', model: 'NVIDIA H100', driver: '550.54', memoryBytes: 80e9 });
const machine: Machine = { devices: [gpu(2), gpu(5)], memoryBytes: 6e9, cores: { allowed: [1, 2, 3, 5, 6, 7], siblingsOf: (core) => [core % 4, core % 4 + 4] } };
const cpu: SlotRequest = { kind: 'cpu', count: 1, minimumMemoryBytes: 1 };
const gpus: SlotRequest = { kind: 'gpu', count: 1, minimumMemoryBytes: 1 };

test('a CPU slot is one of the threads that this process was given, and shares it with other runs', () => {
  expect(slotsOf(cpu, machine)).toBe(6);
  expect(layOut(cpu, machine, 6).map(({ slot, cores, locks, shared, memoryBytes }) => `${slot} ${cores.join()} ${locks?.length} ${shared?.join()} ${memoryBytes}`))
    .toEqual([1, 2, 3, 5, 6, 7].map((core, i) => `cpu${i} ${core} 0 core-${core} 1000000000`));
});

test('an exclusive CPU slot has a whole core, and locks the thread that it leaves idle', () => {
  const exclusive = { ...cpu, exclusive: true };
  expect(slotsOf(exclusive, machine)).toBe(3);
  expect(layOut(exclusive, machine, 3).map(({ cores, locks, shared }) => `${cores.join()} ${locks?.join()} ${shared?.length}`)).toEqual(['1 core-1,core-5 0', '2 core-2,core-6 0', '3 core-3,core-7 0']);
});

test('a GPU slot is named after its device, has a share of the threads, and is locked by the device; an exclusive one by those threads\' cores too', () => {
  expect(layOut(gpus, machine, 2)).toEqual([
    { slot: 'gpu2', kind: 'gpu', memoryBytes: 80e9, index: 2, model: 'NVIDIA H100', driver: '550.54', cores: [1, 5], locks: ['device-GPU-2'], shared: ['core-1', 'core-5'] },
    { slot: 'gpu5', kind: 'gpu', memoryBytes: 80e9, index: 5, model: 'NVIDIA H100', driver: '550.54', cores: [2, 6], locks: ['device-GPU-5'], shared: ['core-2', 'core-6'] },
  ]);
  expect(layOut({ ...gpus, exclusive: true }, machine, 2).map(({ locks }) => locks?.join())).toEqual(['device-GPU-2,core-1,core-5', 'device-GPU-5,core-2,core-6']);
});

test('the cores of this machine are some, and each is a thread of its own core', () => {
  const { allowed, siblingsOf } = coresHere();
  expect(allowed.length).toBeGreaterThan(0);
  for (const core of allowed) expect(siblingsOf(core)).toContain(core);
});
