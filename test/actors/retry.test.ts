import fc from 'fast-check';
import { expect, test } from 'vitest';
import { again, MOST_ATTEMPTS } from '../../src/actors/specialist/session/retry.ts';

const KINDS = ['rate', 'server', 'timeout', 'cut'] as const;
const half = (kind: Parameters<typeof again>[0]['kind'], attempt: number, retryAfterMs: number | null = null): number | null => again({ kind, retryAfterMs }, attempt, 0.5);

test.each(KINDS)('%s is tried again later and later, and after so many attempts no more', (kind) => {
  expect(Array.from({ length: 7 }, (_, i) => half(kind, i + 1))).toEqual([500, 1000, 2000, 4000, 8000, null, null]);
});

test.each(['refused', 'key'] as const)('%s is never tried again, whatever was asked for', (kind) => {
  expect(half(kind, 1)).toBeNull();
  expect(half(kind, 1, 1000)).toBeNull();
});

test('what is no answer at all is tried again once', () => {
  expect([half('garbled', 1), half('garbled', 2)]).toEqual([500, null]);
});

test('the wait an endpoint asks for is kept, and one that is too long is not waited for', () => {
  expect(half('rate', 1, 7000)).toBe(7125);
  expect(half('server', 3, 0)).toBe(500);
  expect(half('rate', 1, 120_001)).toBeNull();
});

test('no chance makes a wait negative, shorter than asked, or longer than two minutes and a quarter of one', () => {
  fc.assert(fc.property(fc.constantFrom(...KINDS), fc.integer({ min: 1, max: MOST_ATTEMPTS - 1 }), fc.double({ min: 0, max: 1, noNaN: true }), fc.option(fc.integer({ min: 0, max: 120_000 })), (kind, attempt, random, asked) => {
    const ms = again({ kind, retryAfterMs: asked }, attempt, random);
    expect(ms).not.toBeNull();
    expect(ms ?? -1).toBeGreaterThanOrEqual(asked ?? 0);
    expect(ms ?? Infinity).toBeLessThanOrEqual(135_000);
  }));
});

test('two that failed together do not come back together', () => {
  expect(again({ kind: 'rate', retryAfterMs: null }, 4, 0.1)).not.toBe(again({ kind: 'rate', retryAfterMs: null }, 4, 0.9));
});
