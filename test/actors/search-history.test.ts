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
