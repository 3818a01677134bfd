import { expect, test } from 'vitest';
import { leaseBook } from '../../src/actors/evaluator/lease.ts';
import type { Fact } from '../../src/domain/fact.ts';
import type { Lease } from '../../src/domain/measurement.ts';

const lease = (replicate: string): Lease => ({ trial: 't0001', replicate, attempt: 1, node: 'atlas', slots: ['cpu0'], purpose: 'confirm', snapshot: '0'.repeat(64), ttlMs: 30_000 });
const granted = (replicate: string, seq: number): Fact => ({ word: 'lease.granted', ids: ['t0001', replicate, '1'], body: lease(replicate), seq, at: 0 });
const ended = { word: 'trial.result', ids: ['t0001'], body: {}, seq: 9, at: 0 } as unknown as Fact;
const lapsed: Fact = { word: 'lease.lapsed', ids: ['t0001', 'c2', '1'], body: { reason: 'silence' }, seq: 8, at: 0 };

test('a lease whose trial ended before its slot was clean is still taken, or its slot would stand idle until it lapses', () => {
  const book = leaseBook('atlas');
  for (const fact of [granted('c1', 6), granted('c2', 7), lapsed, ended]) book.apply(fact);
  expect(book.due().map(({ replicate }) => replicate)).toEqual(['c1']);
});

test('a lease that was taken is not due again, however often the journal is read', () => {
  const book = leaseBook('atlas');
  const facts = [granted('c1', 6), granted('c2', 7)];
  for (const fact of facts) book.apply(fact);
  for (const lease of book.due()) book.take(lease);
  for (const fact of [...facts, ...facts]) book.apply(fact);
  expect(book.due()).toEqual([]);
});
