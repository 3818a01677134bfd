import { expect, test } from 'vitest';
import type { TrialRecord } from '../../src/domain/analysis/record.ts';
import { pausesOf, stretchesOf, turnsOf, usedOf, widest } from './schedule.ts';

const trial = (specialist: string, seconds: number | null, endedAt: number | null): TrialRecord =>
  ({ trial: 't0001', specialist, parent: 't0000', status: 'discard', hypothesis: '', seconds, endedAt });

test('two slots that wait a tenth of the time have nine tenths of the efficiency, and what lies after the last beginning counts for nothing', () => {
  const schedule = [
    { slot: 'a', from: 0, to: 90, workMs: 90 }, { slot: 'b', from: 0, to: 180, workMs: 180 },
    { slot: 'b', from: 200, to: 5000, workMs: 4800 }, { slot: 'a', from: 100, to: 190, workMs: 90 },
  ];
  expect(usedOf(schedule, 2)).toMatchObject({ spanMs: 200, trials: 4 });
  expect(usedOf(schedule, 2)?.efficiency).toBeCloseTo(360 / 400, 12);
  expect(usedOf(schedule, 2)?.idleShare).toBeCloseTo(40 / 400, 12);
  expect(pausesOf(schedule)).toEqual([10, 20]);
});

test('a slot that is held for longer than its trial takes is busy, and not efficient', () => {
  const used = usedOf([{ slot: 'a', from: 0, to: 100, workMs: 80 }, { slot: 'a', from: 100, to: 200, workMs: 80 }], 1);
  expect(used?.idleShare).toBeCloseTo(0, 12);
  expect(used?.efficiency).toBeCloseTo(0.8, 12);
  expect(usedOf([{ slot: 'a', from: 0, to: 100, workMs: 100 }], 1), 'one trial tells nothing').toBeNull();
});

test('a trace is done again in the order of its beginnings, each after its author\'s own pause, and trials of unknown length are left out', () => {
  const trace = stretchesOf([trial('opt', 100, 160_000), trial('arch', 50, 50_000), trial('arch', 30, 100_000), trial('arch', null, 120_000), trial('opt', 10, null)]);
  expect(trace.map(({ slot, from }) => [slot, from])).toEqual([['arch', 0], ['opt', 60_000], ['arch', 70_000]]);
  expect(turnsOf(trace, 0.001)).toEqual([{ workMs: 50, thoughtMs: 0 }, { workMs: 100, thoughtMs: 0 }, { workMs: 30, thoughtMs: 20 }]);
  expect(widest(trace)).toBe(2);
  expect(widest([{ slot: 'a', from: 0, to: 10, workMs: 10 }, { slot: 'b', from: 10, to: 20, workMs: 10 }]), 'one after another is not side by side').toBe(1);
});
