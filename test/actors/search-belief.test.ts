import { expect, test } from 'vitest';
import { openBeliefs, type Believe } from '../../src/actors/specialist/proposers/search/belief.ts';
import { readHistory, type History } from '../../src/actors/specialist/proposers/search/history.ts';
import { worthUnder } from '../../src/actors/specialist/proposers/search/worth.ts';
import type { LineageRow } from '../../src/protocols/lineage.ts';
import { BLANK, NOISE, OBJECTIVE } from './laboratory/simulation.ts';

const [A, B, C] = ['edit:data/a', 'edit:data/b', 'edit:data/c'] as const;
const K = (value: number): string => `knob:data.py:BATCH=${value}`;
const CONFIRMED = { kind: 'confirmed', alpha: 0.01, replicates: 5 } as const;

type Row = readonly [moves: readonly string[], gain: number, more?: Partial<LineageRow>];

/** A lineage of sets of moves that gained so much on the baseline, or on the parent they name. */
function historyOf(measured: readonly Row[], noise = NOISE): History {
  const rows: LineageRow[] = [
    { ...BLANK, trial: 't0000', parent: 't0000', status: 'baseline', score: 3 },
    ...measured.map(([moves, gain, more], i): LineageRow => ({ ...BLANK, trial: `t${i + 1}`, parent: 't0000', status: 'discard', score: 3 - gain, deltaVsBest: -gain, judgedAgainst: more?.parent ?? 't0000', n: gain > 0 ? 5 : 1, moves: [...moves], ...more })),
  ];
  const history = readHistory({ asOf: 1, rows, best: { trial: 't0000', score: 3, snapshot: '' }, noise, feedback: null, recipeOf: async () => null }, OBJECTIVE);
  if (history === null) throw new Error('there is a best');
  return history;
}
const after = (...measured: readonly Row[]): Believe => openBeliefs(historyOf(measured));

/** What a normal belief becomes by one measurement of it alone. */
function corrected({ mean, sd }: { mean: number; sd: number }, gain: number, doubt: number): { mean: number; sd: number } {
  const share = sd ** 2 / (sd ** 2 + doubt);
  return { mean: mean + share * (gain - mean), sd: sd * Math.sqrt(1 - share) };
}
const near = ({ mean, sd }: { mean: number; sd: number }): unknown => ({ mean: expect.closeTo(mean, 9), sd: expect.closeTo(sd, 9) });
const EDIT = { mean: 0.5 * NOISE, sd: 2 * NOISE };
const ONE_SEED = NOISE ** 2 * (2 + 1);
const FIVE_SEEDS = NOISE ** 2 * (2 / 5 + 1);

test('before anything was measured an edit is believed to help, a step of a knob is not, and neither is sure', () => {
  const believe = after();
  expect(believe([A], [])).toEqual(near(EDIT));
  expect(believe([K(16)], [])).toEqual(near({ mean: -0.7 * NOISE, sd: 1.2 * NOISE }));
});

test('a measurement corrects a move by how sure it is, again and again; its own gains do not count as those of its kind', () => {
  expect(after([[A], 0.1])([A], [])).toEqual(near(corrected(EDIT, 0.1, FIVE_SEEDS)));
  expect(after([[A], -0.08])([A], [])).toEqual(near(corrected(EDIT, -0.08, ONE_SEED)));
  expect(after([[A], 0.02, { n: 2 }])([A], [])).toEqual(near(corrected(EDIT, 0.02, NOISE ** 2 * (1 + 1))));
  expect(after([[A], 0.1], [[A], 0.02])([A], [])).toEqual(near(corrected(corrected(EDIT, 0.1, FIVE_SEEDS), 0.02, FIVE_SEEDS)));
});

test('a gain over its parent that lost to a newer best on one seed is as unsure as a loss', () => {
  const best = [[B], 0.2, { status: 'keep' }] as const;
  const late: Row = [[A], 0, { score: 2.9, deltaVsBest: 0.1, judgedAgainst: 't1', n: 1 }];
  const told = after(best, late)([A], []);
  const { n: _told, ...silent } = late[2] ?? {};
  const history = historyOf([best, [[A], 0, silent]]);
  expect(told.mean).toBeGreaterThan(0);
  expect(told.sd).toBeGreaterThan(after(best, [[A], 0.1, { n: 5 }])([A], []).sd * 1.1);
  expect(history.attempts.map(({ seeds }) => seeds)).toEqual([5, 1]);
  const strict = readHistory({ asOf: 1, rows: [{ ...BLANK, trial: 't0000', parent: 't0000', status: 'baseline', score: 3 }, { ...BLANK, trial: 't1', parent: 't0000', status: 'keep', score: 2.9, deltaVsBest: -0.1, judgedAgainst: 't0000', moves: [A] }], best: { trial: 't1', score: 2.9, snapshot: '' }, noise: NOISE, keep: { ...CONFIRMED, kind: 'strict' }, feedback: null, recipeOf: async () => null }, OBJECTIVE);
  expect(strict?.attempts.map(({ seeds }) => seeds)).toEqual([1]);
});

test('what a set gained is shared among its moves, the less known taking more of it', () => {
  const believe = after([[A], 0.001], [[A, B], 0.12]);
  expect(believe([B], []).mean).toBeGreaterThan(believe([A], []).mean);
  expect(believe([A], []).mean).toBeGreaterThan(after([[A], 0.001])([A], []).mean);
  expect(believe([A, B], []).mean).toBeCloseTo(believe([A], []).mean + believe([B], []).mean, 12);
  expect(believe([A, B], []).sd ** 2).toBeCloseTo(believe([A], []).sd ** 2 + believe([B], []).sd ** 2, 12);
});

test('a move taken away takes its gain along, as it is believed and as it is measured', () => {
  const believe = after([[A], 0.1]);
  expect(believe([B], [A]).mean).toBeCloseTo(believe([B], []).mean - believe([A], []).mean, 12);
  const without = after([[A, B], 0.1], [[B], 0.05, { parent: 't1' }]); // the set was better without it
  expect(without([A], []).mean).toBeLessThan(after([[A, B], 0.1])([A], []).mean - 0.01);
});

test('a knob\'s value is believed in over the one it displaces: back from what was kept is a loss', () => {
  const believe = after([[K(16)], 0.03], [[K(32)], 0.1, { status: 'keep' }]);
  expect(believe([K(16)], [K(32)]).mean).toBeCloseTo(believe([K(16)], []).mean - believe([K(32)], []).mean, 12);
  expect(believe([K(16)], [K(32)]).mean).toBeLessThan(-0.01);
  expect(believe([], [K(32)]).mean).toBeCloseTo(-believe([K(32)], []).mean, 12);
  const onward = after([[K(16)], 0.1, { status: 'keep' }], [[K(32)], 0.05, { parent: 't1' }]);
  expect(onward([K(32)], [K(16)]).mean).toBeGreaterThan(0.01);
  expect(onward([K(32)], []).mean).toBeGreaterThan(onward([K(16)], []).mean + 0.01);
  const level = after([[K(16)], 0.1, { status: 'keep' }], [[K(32)], 0, { parent: 't1', n: 1 }]); // as good, as far as one seed tells: neither is the step's whole gain lost again
  expect(Math.abs(level([K(32)], [K(16)]).mean)).toBeLessThan(0.7 * NOISE);
});

test('a value that nobody measured is one step from where the knob is, however good that is', () => {
  const believe = after([[K(16)], 0.1, { status: 'keep' }]);
  expect(believe([K(32)], [K(16)]).mean).toBeCloseTo(believe([K(32)], []).mean, 12);
  expect(believe([K(32)], [K(16)]).sd).toBeCloseTo(believe([K(32)], []).sd, 12);
});

test('an edit that nobody measured is believed to be like those that were, as good and as far apart', () => {
  expect(after([[A], -0.05], [[B], -0.06])([C], []).mean).toBeLessThan(after([[A], 0.05], [[B], 0.06])([C], []).mean);
  expect(after([[A], 0.1], [[B], -0.1])([C], []).sd).toBeGreaterThan(after([[A], 0.01], [[B], 0.01])([C], []).sd * 1.2);
  expect(after([[A], 0.01, { status: 'crash', score: 2 }])([C], [])).toEqual(after()([C], [])); // what failed says nothing of gains
  expect(after([[A], 0.01, { status: 'crash', score: 2 }])([A], [])).toEqual(after()([A], []));
});

test('one gain beyond all others says little of its kind', () => {
  const rest: Row[] = [0.02, 0.03, -0.02, -0.03].map((gain, i) => [[`edit:data/other-${i}`], gain]);
  const [large, huge] = [0.2, 5].map((gain) => after(...rest, [[A], gain])([C], []));
  expect(huge).toEqual(large);
  expect(after(...rest, [[A], 5])([A], []).mean).toBeGreaterThan(1); // of itself it says what it says
});

test('what was measured hundreds of trials ago still counts', () => {
  const since: Row[] = Array.from({ length: 300 }, () => [[B], 0]);
  const believe = after([[A], -0.2], ...since);
  expect(believe([A], []).mean).toBeLessThan(-0.03);
  expect(believe([A], []).sd).toBeLessThan(after(...since)([A], []).sd);
});

test('a trial is worth more the more it is believed to gain and the less is known of it, and nothing when it surely loses', () => {
  const worth = (mean: number, sd: number): number => worthUnder(CONFIRMED, NOISE)({ mean: mean * NOISE, sd: sd * NOISE }) / NOISE;
  expect(worth(3, 1)).toBeGreaterThan(worth(2, 1));
  expect(worth(0.5, 2)).toBeGreaterThan(worth(0.5, 0.5));
  expect(Math.abs(worth(-3, 0.2))).toBeLessThan(1e-6);
  expect(worth(1, 0.1)).toBeLessThan(worth(0.5, 2)); // a sure gain too small to prove
});

test('a trial is paid for by its replicates: what surely gains costs five, less what is given up half-way', () => {
  const sure = worthUnder(CONFIRMED, NOISE)({ mean: 10 * NOISE, sd: 0 });
  expect(sure).toBeCloseTo((10 * NOISE) / 5, 6);
  expect(worthUnder({ ...CONFIRMED, replicates: 10 }, NOISE)({ mean: 10 * NOISE, sd: 0 })).toBeCloseTo((10 * NOISE) / 9, 6);
});

test('where one seed decides, a small gain is worth trying and costs one replicate', () => {
  const strict = worthUnder({ ...CONFIRMED, kind: 'strict' }, NOISE);
  expect(strict({ mean: 10 * NOISE, sd: 0 })).toBeCloseTo(10 * NOISE, 6);
  expect(strict({ mean: 0, sd: 0.1 * NOISE })).toBeGreaterThan(50 * worthUnder(CONFIRMED, NOISE)({ mean: 0, sd: 0.1 * NOISE }));
  expect(worthUnder({ ...CONFIRMED, alpha: 0.001 }, NOISE)({ mean: 2 * NOISE, sd: 0 })).toBeLessThan(0.7 * worthUnder(CONFIRMED, NOISE)({ mean: 2 * NOISE, sd: 0 }));
});

test('on a surface that measures alike on every seed there are beliefs all the same', () => {
  const history = historyOf([], 0);
  expect(worthUnder(history.keep, history.noise)(openBeliefs(history)([A], []))).toBeGreaterThan(0);
});
