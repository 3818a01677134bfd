import { describe, expect, test } from 'vitest';
import { pooledSd, sample, studentQuantile, studentTail, welch } from '../../src/domain/noise.ts';

describe('Student', () => {
  test.each([[2.306004, 8, 0.025], [2.0, 10, 0.036694], [2.896459, 8, 0.01], [1.644854, 1e6, 0.05], [0, 3, 0.5], [-1, 1, 0.75]])('the tail beyond %d at %d degrees is %d', (t, freedom, tail) => {
    expect(studentTail(t, freedom)).toBeCloseTo(tail, 5);
  });
  test('the quantile undoes the tail', () => {
    for (const freedom of [1, 2.5, 8, 40]) expect(studentTail(studentQuantile(0.975, freedom), freedom)).toBeCloseTo(0.025, 9);
  });
});

describe('Welch', () => {
  const a = sample([2.16, 2.17, 2.155, 2.165, 2.15]);
  const b = sample([2.53, 2.55, 2.51, 2.54, 2.56]);
  test('a clear gain has a small p and an interval that holds the difference', () => {
    const result = welch(a, b, 0);
    expect(result.p).toBeLessThan(1e-6);
    expect(result.interval[0]).toBeLessThan(a.mean - b.mean);
    expect(result.interval[1]).toBeGreaterThan(a.mean - b.mean);
  });
  test('the other direction is as sure that it is worse', () => expect(welch(b, a, 0).p).toBeGreaterThan(1 - 1e-6));
  test('degrees of freedom follow Welch and Satterthwaite', () => {
    const result = welch({ n: 5, mean: 0, sd: 1 }, { n: 5, mean: 0, sd: 3 }, 0);
    expect(result.freedom).toBeCloseTo((1 / 5 + 9 / 5) ** 2 / ((1 / 5) ** 2 / 4 + (9 / 5) ** 2 / 4), 9);
  });
  test('a recipe that ignores its seed gains nothing by having no variance', () => {
    const frozen = sample([2.52, 2.52, 2.52, 2.52, 2.52]);
    expect(welch(frozen, b, 0).p).toBeLessThan(0.1);
    expect(welch(frozen, b, 0.03).p).toBeGreaterThan(0.1);
  });
  test('one replicate is not enough', () => expect(() => welch(sample([1]), b, 0)).toThrow(/two replicates/));
});

test('a thousand null comparisons keep about one in a hundred', () => {
  let state = 12345;
  const uniform = (): number => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return (state + 0.5) / 2 ** 32; };
  const normal = (): number => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  const five = () => sample(Array.from({ length: 5 }, normal));
  const kept = Array.from({ length: 1000 }, () => welch(five(), five(), 1).p < 0.01).filter(Boolean).length;
  expect(kept).toBeLessThanOrEqual(20);
  expect(kept).toBeGreaterThan(0);
});

test('the pooled deviation weighs groups by their degrees of freedom', () => {
  expect(pooledSd([{ n: 5, mean: 0, sd: 1 }, { n: 2, mean: 9, sd: 2 }, { n: 1, mean: 3, sd: 0 }])).toBeCloseTo(Math.sqrt((4 * 1 + 1 * 4) / 5), 12);
  expect(pooledSd([])).toBe(0);
});
