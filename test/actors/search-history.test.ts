import { expect, test } from 'vitest';
import { readHistory } from '../../src/actors/specialist/proposers/search/history.ts';
import type { LineageRow } from '../../src/protocols/lineage.ts';
import { Simulation } from './laboratory/simulation.ts';

// Screened scores lie on search data and confirmed ones on other data, half a unit higher here: only changes can be added up.

const OBJECTIVE = { metric: 'loss', unit: 'nats', direction: 'minimize', range: [0, 10] } as const;

async function gains(ends: readonly Partial<LineageRow>[]): Promise<readonly (number | null)[]> {
  const run = await new Simulation(0).begin();
  const [baseline] = run.rows;
  if (baseline === undefined) throw new Error('the laboratory has no baseline');
  const rows = [{ ...baseline, score: 3, deltaVsBest: 0, judgedAgainst: 't0000' }, ...ends.map((end, i) => ({ ...baseline, trial: `t000${i + 1}`, parent: 't0000', ...end }))];
  return readHistory({ ...run.view(), rows, best: { trial: 't0000', score: 3, snapshot: baseline.snapshot ?? '' } }, OBJECTIVE)?.attempts.map(({ gain }) => gain) ?? [];
}

test('a trial that was judged by a later best gained what it changed since then and what that best had gained before', async () => {
  const kept = { status: 'keep', score: 3.2, deltaVsBest: -0.3, judgedAgainst: 't0000' } as const;
  const twice = { status: 'keep', score: 3.1, parent: 't0001', deltaVsBest: -0.1, judgedAgainst: 't0001' } as const;
  const late = { status: 'discard', score: 2.65, deltaVsBest: 0.05, judgedAgainst: 't0002' } as const;
  expect(await gains([kept, twice, late])).toEqual([expect.closeTo(0.3, 9), expect.closeTo(0.1, 9), expect.closeTo(0.35, 9)]);
});

test('where no best leads back to its parent, two scores are set side by side', async () => {
  const discarded = { status: 'discard', score: 3.4, deltaVsBest: 0.4, judgedAgainst: 't0000' } as const;
  const child = { status: 'discard', score: 3.1, parent: 't0001', deltaVsBest: 0.1, judgedAgainst: 't0000' } as const;
  expect(await gains([discarded, child])).toEqual([expect.closeTo(-0.4, 9), expect.closeTo(0.3, 9)]);
});

test('a trial that names no moves says nothing of moves, its parent\'s neither, and nor does one that merges it', async () => {
  const run = await new Simulation(0).begin();
  const [baseline] = run.rows;
  if (baseline === undefined) throw new Error('the laboratory has no baseline');
  const ended = { ...baseline, status: 'keep', deltaVsBest: -0.1, score: 3.3 } as const;
  const rows = [
    baseline, { ...ended, trial: 't0001', parent: 't0000', judgedAgainst: 't0000', moves: ['edit:data/sorted', 'knob:data.py:BATCH=16'] },
    { ...ended, trial: 't0002', parent: 't0001', judgedAgainst: 't0001', moves: [] }, // a model wrote it
    { ...ended, trial: 't0003', parent: 't0001', judgedAgainst: 't0002', moves: ['edit:data/sorted', 'knob:data.py:BATCH=8'], parts: ['t0002'] },
    { ...ended, trial: 't0004', parent: 't0001', judgedAgainst: 't0002', moves: ['edit:data/sorted', 'knob:data.py:BATCH=8'], parts: ['t0001'] },
  ];
  const history = readHistory({ ...run.view(), rows, best: { trial: 't0003', score: 3.3, snapshot: '' } }, OBJECTIVE);
  expect(history?.attempts.map(({ put, taken, displaced }) => [put.length, taken.length, displaced])).toEqual([[2, 0, []], [0, 0, []], [0, 0, []], [1, 0, ['knob:data.py:BATCH=16']]]);
  expect(history?.attempts.map(({ gain }) => gain !== null)).toEqual([true, true, true, true]);
});

test('how far measurements scatter is learnt from every recipe that was measured repeatedly, not from the calibration alone', async () => {
  const run = await new Simulation(0).begin();
  const [baseline] = run.rows;
  if (baseline === undefined) throw new Error('the laboratory has no baseline');
  const noiseAfter = (...sds: readonly number[]): number | undefined => readHistory({
    ...run.view(), noise: 0.01, rows: [{ ...baseline, n: 5, sd: 0.01 }, ...sds.map((sd, i) => ({ ...baseline, trial: `t000${i + 1}`, parent: 't0000', status: 'discard' as const, deltaVsBest: 0, judgedAgainst: 't0000', n: 5, sd }))],
  }, OBJECTIVE)?.noise;
  expect(noiseAfter()).toBeCloseTo(0.01, 9);
  expect(noiseAfter(0.03)).toBeCloseTo(Math.sqrt((4 * 0.01 ** 2 + 4 * 0.03 ** 2) / 8), 9);
  expect(noiseAfter(0.03, 0.03, 0.03, 0.03)).toBeGreaterThan(0.026);
  expect(readHistory({ ...run.view(), noise: null, rows: [{ ...baseline, score: 3 }] }, OBJECTIVE)?.noise).toBeCloseTo(0.015, 9);
});
