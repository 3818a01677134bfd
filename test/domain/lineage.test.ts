import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Fact } from '../../src/domain/fact.ts';
import { best, chain, countTrials, emptyLineage, grow, statusOf, type Lineage, type Verify } from '../../src/domain/lineage.ts';
import type { Lease } from '../../src/domain/measurement.ts';
import { slotSecondsOf } from '../../src/domain/summary.ts';
import { syntheticRun } from '../support/synthetic-run.ts';

const made = syntheticRun(40);
const trust: Verify = () => true;
const fold = (facts: readonly Fact[], verify = trust): Lineage => {
  const lineage = emptyLineage();
  for (const fact of facts) grow(lineage, fact, made.run, verify);
  return lineage;
};
const after = (...more: readonly object[]): Lineage => fold([...made.facts, ...more.map((fact, i) => ({ at: 0, ...fact, seq: made.facts.length + 1 + i }) as Fact)]);
const measured = made.facts.find((fact) => fact.word === 'trial.measured' && fact.ids[0] === 't0001');
if (measured?.word !== 'trial.measured') throw new Error('the made-up run measures t0001');
const upTo = (seq: number) => made.facts.filter((fact) => fact.seq <= seq);
const [, replicate] = measured.ids;

/** The made-up run up to the first lease of t0001, which here has two slots; what is told after it, and when it was granted. */
function leased(): readonly [(...more: readonly object[]) => Lineage, number, Lease] {
  const lease = made.facts.find((fact) => fact.word === 'lease.granted' && fact.ids[0] === 't0001' && fact.ids[1] === replicate);
  if (lease?.word !== 'lease.granted') throw new Error('the made-up run leases t0001');
  const facts = [...upTo(lease.seq - 1), { ...lease, body: { ...lease.body, slots: ['cpu0', 'cpu1'] } }];
  return [(...more) => fold([...facts, ...more.map((fact, i) => ({ ...fact, seq: lease.seq + 1 + i }) as Fact)]), lease.at, lease.body];
}
const never = (): never => { throw new Error('the made-up run has t0001'); };

describe('a lineage', () => {
  test('grows to the same from the same journal, and a fact said again changes nothing', () => {
    fc.assert(fc.property(fc.array(fc.nat(made.facts.length - 1), { maxLength: 30 }), (repeats) => {
      const lineage = emptyLineage();
      for (const [i, fact] of made.facts.entries()) {
        grow(lineage, fact, made.run, trust);
        for (const at of repeats) { const earlier = made.facts[at]; if (earlier && at <= i) expect(grow(lineage, earlier, made.run, trust)).toBe(false); }
      }
      expect(lineage).toEqual(made.lineage);
    }), { numRuns: 20, seed: 1 });
  });
  test('counts the first valid measurement of a replicate’s newest lease, and every later one as superseded', () => {
    const again = after({ ...measured, body: { ...measured.body, measurement: { ...measured.body.measurement, score: 0.001 } } });
    expect(again.trials.get('t0001')?.replicates.get(replicate)?.measured?.measurement.score).toBe(measured.body.measurement.score);
    expect(again.superseded).toBe(made.lineage.superseded + 1);
  });
  test('does not count a measurement whose signature is not its node’s', () => {
    const forged = fold(upTo(measured.seq), (_key, { trial }) => trial !== 't0001');
    expect(forged.trials.get('t0001')?.replicates.get(replicate)?.measured).toBeNull();
    expect(forged.superseded).toBe(fold(upTo(measured.seq)).superseded + 1);
  });
  test('asks for a signature over exactly what was said', () => {
    const asked: unknown[] = [];
    fold(upTo(measured.seq), (publicKey, signed, signature) => { asked.push({ publicKey, signed, signature }); return true; });
    expect(asked.at(-1)).toEqual({ publicKey: 'key', signature: 'signed', signed: { run: made.run, trial: 't0001', replicate, attempt: 1, node: 'atlas', measurement: measured.body.measurement } });
  });
  test('does not count what an older attempt measured after a newer lease was granted', () => {
    const lease = made.facts.find((fact) => fact.word === 'lease.granted' && fact.ids[0] === 't0001' && fact.ids[1] === replicate);
    if (lease?.word !== 'lease.granted') throw new Error('the made-up run leases t0001');
    const facts = upTo(lease.seq);
    const next = (fact: object): void => { facts.push({ at: 0, ...fact, seq: (facts.at(-1)?.seq ?? 0) + 1 } as Fact); };
    next({ word: 'lease.lapsed', ids: ['t0001', replicate, '1'], body: { reason: 'silence' } });
    next({ word: 'lease.granted', ids: ['t0001', replicate, '2'], body: { ...lease.body, attempt: 2, node: 'other' } });
    next(measured);
    const stale = fold(facts);
    expect(stale.trials.get('t0001')?.replicates.get(replicate)?.measured).toBeNull();
    expect(stale.superseded).toBe(1);
  });
  test('a lease that lapses costs its author the slots it held until then, once, and what a late measurement says in its stead', () => {
    const [told, at, lease] = leased();
    const silent = { word: 'lease.lapsed', ids: ['t0001', replicate, '1'], body: { reason: 'silence' } };
    const spent = ({ slotSeconds, secondsBySpecialist, trials }: Lineage) => [slotSeconds, secondsBySpecialist.get('optimizer'), slotSecondsOf(trials.get('t0001') ?? never())].map((seconds) => Math.round((seconds ?? 0) * 1000) / 1000);
    const before = spent(told());
    const costs = (...more: readonly object[]): number[] => spent(told(...more)).map((seconds, i) => Math.round((seconds - (before[i] ?? 0)) * 1000) / 1000);
    const lapsed = { ...silent, at: at + 30_000 };
    expect(costs(lapsed)).toEqual([60, 60, 60]); // two slots
    expect(costs(lapsed, { ...lapsed, at: at + 90_000 })).toEqual([60, 60, 60]);
    const late = { ...measured, at: at + 99_000, body: { ...measured.body, heldMs: 98_000 } };
    expect(costs(lapsed, late)).toEqual([196, 196, 196]); // it still counts, and its node knows better
    expect(costs(lapsed, { word: 'lease.granted', ids: ['t0001', replicate, '2'], at: at + 31_000, body: { ...lease, attempt: 2 } }, late)).toEqual([60, 60, 60]);
    expect(costs({ ...measured, at: at + 9_000, body: { ...measured.body, heldMs: 8_000 } }, lapsed)).toEqual([16, 16, 16]);
  });
  test('a lease that a stop finds open costs what it held until then, and after a resume what it holds further; what lies between costs nothing', () => {
    const [told, at] = leased();
    const before = told().slotSeconds;
    const stopped = { word: 'run.stopped', ids: ['1'], at: at + 10_000, body: { reason: 'stopped', wallSeconds: (at + 10_000 - (made.lineage.startedAt ?? 0)) / 1000 } };
    const resumed = { word: 'run.resumed', ids: ['1'], at: at + 9_000_000, body: { limits: made.lineage.limits } };
    const lapsed = { word: 'lease.lapsed', ids: ['t0001', replicate, '1'], at: at + 9_004_000, body: { reason: 'silence' } };
    expect(told(stopped).slotSeconds - before).toBeCloseTo(20, 6);
    expect(told(stopped, resumed, lapsed).slotSeconds - before).toBeCloseTo(28, 6);
    const killed = { ...made.facts.find(({ word }) => word === 'handoff.offered'), ids: ['h1'], at: at + 10_000 };
    expect(told(killed, resumed, lapsed).slotSeconds - before).toBeCloseTo(28, 6);
    expect(told(stopped, { ...measured, at: at + 11_000, body: { ...measured.body, heldMs: 10_500 } }).slotSeconds - before).toBeCloseTo(21, 6);
  });
  test('keeps a trial’s first result', () => {
    const result = made.facts.find((fact) => fact.word === 'trial.result' && fact.body.status === 'discard');
    if (result?.word !== 'trial.result') throw new Error('the made-up run discards');
    const twice = after({ ...result, body: { ...result.body, status: 'keep', score: 0.1 } });
    expect(twice.trials.get(result.ids[0])?.result).toEqual(result.body);
    expect(twice.odd).toBe(made.lineage.odd + 1);
  });
  test.each<readonly [string, object]>([
    ['a result of no trial', { ...made.facts.find((fact) => fact.word === 'trial.result'), ids: ['t9999'] }],
    ['a lease of no trial', { ...made.facts.find((fact) => fact.word === 'lease.granted'), ids: ['t9999', 's1', '1'] }],
    ['a lapse of no lease', { word: 'lease.lapsed', ids: ['t0001', 's9', '1'], body: { reason: '' } }],
    ['a measurement under no lease', { ...measured, ids: ['t0001', 's9', '1', 'atlas'] }],
    ['a best that skips one', { word: 'run.best', ids: ['99'], body: { trial: 't0001', score: 0, snapshot: '', judgedAt: 0 } }],
    ['a trial admitted twice', { ...made.facts.find((fact) => fact.word === 'trial.admitted') }],
  ])('counts %s as odd and changes nothing else', (_, fact) => {
    const odd = after(fact);
    expect(odd.odd).toBe(made.lineage.odd + 1);
    expect({ ...odd, odd: 0, applied: 0, newestAt: 0 }).toEqual({ ...made.lineage, odd: 0, applied: 0, newestAt: 0 });
  });
  test('whatever order nonsense comes in, nothing but what makes sense is counted', () => {
    fc.assert(fc.property(fc.shuffledSubarray([...made.facts], { minLength: made.facts.length }), (shuffled) => {
      const lineage = fold(shuffled.map((fact, i) => ({ ...fact, seq: i + 1 })));
      expect(lineage.applied).toBe(shuffled.length);
      expect(countTrials(lineage)).toBe(countTrials(made.lineage));
      for (const row of lineage.trials.values()) if (row.snapshot === null) expect([row.result, row.replicates.size]).toEqual([null, 0]);
    }), { numRuns: 20, seed: 2 });
  });
  test('its best is the newest of its bests, and the chain to it starts at the baseline', () => {
    const head = best(made.lineage);
    const rows = chain(made.lineage, head?.trial ?? '');
    expect([rows[0]?.trial, rows.at(-1)?.trial]).toEqual(['t0000', head?.trial]);
    for (const [i, row] of rows.entries()) if (i > 0) expect(row.proposal.parent).toBe(rows[i - 1]?.trial);
  });
  test('a refused proposal has a row and a status, and does not count against the limit', () => {
    const refused = [...made.lineage.trials.values()].filter((row) => statusOf(row) === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(countTrials(made.lineage)).toBe(made.lineage.trials.size - refused.length - 1);
  });
  test('a stretch that nobody ended counts up to its newest fact, one that was stopped as long as the stop says', () => {
    const at = made.lineage.startedAt ?? 0;
    const start = made.facts.filter(({ word }) => word === 'run.started');
    const told = (...more: readonly object[]): Lineage => fold([...start, ...more.map((fact, i) => ({ ...fact, seq: 2 + i }) as Fact)]);
    const limits = made.lineage.limits;
    const killed = [{ word: 'run.stopping', ids: ['1'], at: at + 5_000, body: { reason: 'over', mode: 'complete' } }, { word: 'run.resumed', ids: ['1'], at: at + 90_000, body: { limits } }];
    expect(told(...killed).wallSecondsBefore).toBe(5);
    expect(told(...killed, { word: 'node.enrolled', ids: ['atlas', 'b2'], at: at + 92_000, body: {} }, { word: 'run.resumed', ids: ['2'], at: at + 200_000, body: { limits } }).wallSecondsBefore).toBe(7);
    expect(told(killed[0] ?? {}, { word: 'run.stopped', ids: ['1'], at: at + 6_000, body: { reason: 'over', wallSeconds: 6 } }, { word: 'run.resumed', ids: ['1'], at: at + 90_000, body: { limits } }).wallSecondsBefore).toBe(6);
  });
  test('a parent that names itself does not hang the chain', () => {
    const looped = fold(made.facts.map((fact) => (fact.word === 'trial.admitted' && fact.ids[0] === 't0001' ? { ...fact, body: { ...fact.body, proposal: { ...fact.body.proposal, parent: 't0001' } } } : fact)));
    expect(chain(looped, 't0001').length).toBeLessThanOrEqual(looped.trials.size + 1);
  });
});
