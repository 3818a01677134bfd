import { expect, test } from 'vitest';
import { openBeliefs } from '../../src/actors/specialist/proposers/search/belief.ts';
import { readHistory } from '../../src/actors/specialist/proposers/search/history.ts';
import { worthOf } from '../../src/actors/specialist/proposers/search/worth.ts';
import type { LineageRow } from '../../src/protocols/lineage.ts';
import { BLANK, NOISE, OBJECTIVE } from './laboratory/simulation.ts';

const [A, B, C] = ['edit:data/a', 'edit:data/b', 'edit:data/c'] as const;

/** What is believed after these sets of moves gained so much on the baseline. */
function after(...measured: readonly (readonly [moves: readonly string[], gain: number])[]): ReturnType<typeof openBeliefs> {
  const rows: LineageRow[] = [
    { ...BLANK, trial: 't0000', parent: 't0000', status: 'baseline', score: 3 },
    ...measured.map(([moves, gain], i): LineageRow => ({ ...BLANK, trial: `t${i + 1}`, parent: 't0000', status: 'discard', score: 3 - gain, deltaVsBest: -gain, judgedAgainst: 't0000', moves: [...moves] })),
  ];
  const history = readHistory({ asOf: 1, rows, best: { trial: 't0000', score: 3, snapshot: '' }, noise: NOISE, feedback: null, recipeOf: async () => null }, OBJECTIVE);
  if (history === null) throw new Error('there is a best');
  return openBeliefs(history);
}

test('before anything was measured an edit is believed to help, a step of a knob is not, and neither is sure', () => {
  const believe = after();
  expect(believe([A], []).mean).toBeCloseTo(0.5 * NOISE, 9);
  expect(believe(['knob:data.py:BATCH=16'], []).mean).toBeLessThan(0);
  expect(believe([A], []).sd).toBeGreaterThan(NOISE);
});

test('a measurement draws a move towards it and makes it surer; a loss says less than a gain, for it had one seed', () => {
  const fresh = after()([A], []);
  const gained = after([[A], 0.1])([A], []);
  const lost = after([[A], -0.08])([A], []);
  expect(gained.mean).toBeGreaterThan(fresh.mean);
  expect(gained.mean).toBeLessThan(0.1);
  expect(gained.sd).toBeLessThan(lost.sd);
  expect(lost.mean).toBeLessThan(fresh.mean);
});

test('what a set gained is shared among its moves, the less known taking more of it', () => {
  const believe = after([[A], 0.001], [[A, B], 0.12]);
  expect(believe([B], []).mean).toBeGreaterThan(believe([A], []).mean);
  expect(believe([A], []).mean).toBeGreaterThan(after([[A], 0.001])([A], []).mean);
  expect(believe([A, B], []).mean).toBeCloseTo(believe([A], []).mean + believe([B], []).mean, 12);
});

test('a move taken away takes its gain along, and a knob set anew is one move', () => {
  const believe = after([[A], 0.1]);
  expect(believe([B], [A]).mean).toBeCloseTo(believe([B], []).mean - believe([A], []).mean, 12);
  expect(believe(['knob:data.py:BATCH=16'], ['knob:data.py:BATCH=8'])).toEqual(believe(['knob:data.py:BATCH=16'], []));
});

test('an edit that nobody measured is believed to be like those that were', () => {
  expect(after([[A], -0.05], [[B], -0.06])([C], []).mean).toBeLessThan(after([[A], 0.05], [[B], 0.06])([C], []).mean);
});

test('a trial is worth more the more it is believed to gain and the less is known of it, and nothing when it surely loses', () => {
  const worth = (mean: number, sd: number): number => worthOf({ mean: mean * NOISE, sd: sd * NOISE }, NOISE) / NOISE;
  expect(worth(3, 1)).toBeGreaterThan(worth(2, 1));
  expect(worth(0.5, 2)).toBeGreaterThan(worth(0.5, 0.5));
  expect(Math.abs(worth(-3, 0.2))).toBeLessThan(1e-6);
  expect(worth(1, 0.1)).toBeLessThan(worth(0.5, 2)); // a sure gain too small to prove
});

test('on a surface that measures alike on every seed there are beliefs all the same', () => {
  const history = readHistory({ asOf: 1, rows: [{ ...BLANK, trial: 't0000', parent: 't0000', status: 'baseline', score: 3 }], best: { trial: 't0000', score: 3, snapshot: '' }, noise: 0, feedback: null, recipeOf: async () => null }, OBJECTIVE);
  if (history === null) throw new Error('there is a best');
  expect(worthOf(openBeliefs(history)([A], []), history.noise)).toBeGreaterThan(0);
});
