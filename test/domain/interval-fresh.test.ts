import { expect, test } from 'vitest';
import { weigh } from '../../src/actors/trial/index.ts';
import { deltaInterval } from '../../src/domain/interval.ts';
import { calibrated } from '../support/story.ts';

test('where the objective says fresh, a change\'s interval is that of the comparison it was judged by, whatever the incumbent took beside others', () => {
  const told = calibrated({ objective: { metric: 'seconds', unit: 's', direction: 'minimize', range: [0, 100], confirm: 'fresh' } });
  const contend = (trial: string, mine: number, theirs: number): void => {
    told.admit(trial).measure(trial, 's1', 2.1);
    [0, 0.02, -0.02, 0.01, -0.01].forEach((off, i) => { told.measure(trial, `c${i + 1}`, mine + off).measure('t0000', `c${Number(trial.slice(1))}-${i + 1}`, theirs + off); });
    const row = told.lineage.trials.get(trial);
    const need = row && weigh(told.lineage, row);
    if (need?.kind !== 'end') throw new Error(`${trial} has not ended`);
    told.tell('trial.result', [trial], need.result);
  };
  contend('t0001', 2.59, 2.6);
  contend('t0002', 3.59, 3.6); // the machine has become slower by a second
  const row = told.lineage.trials.get('t0002');
  const [low, high] = (row && deltaInterval(told.lineage, row)) ?? [0, 0];
  expect(row?.result?.deltaVsBest).toBeCloseTo(-0.01, 9);
  expect((low + high) / 2).toBeCloseTo(-0.01, 9);
});
