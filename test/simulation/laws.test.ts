import { beforeAll, expect, test } from 'vitest';
import type { Fact } from '../../src/domain/fact.ts';
import { emptyLineage } from '../../src/domain/lineage.ts';
import { folded, judge } from './laws.ts';
import { planOf } from './plan.ts';
import { explain } from './report.ts';
import { simulate, type Told } from './world.ts';

// Each law, broken in the account of a world that kept them all.

let told: Told;
beforeAll(async () => {
  const plan = planOf(7);
  told = await simulate({ ...plan, brokers: ['broker'], faults: [], spikes: 0, faultyPhases: 0, faultyClearing: 0, started: { ...plan.started, keep: { kind: 'strict', alpha: 0.1, replicates: 2 }, limits: { ...plan.started.limits, trials: 5, slotSeconds: null, wallSeconds: null } } });
}, 300_000);

const laws = (other: Partial<Told>): string[] => [...new Set(judge({ ...told, ...other }).map(({ law }) => law))];
const without = (lost: Fact | undefined): Fact[] => told.facts.filter((fact) => fact !== lost);
/** The journal with some facts said otherwise. */
const changed = (change: (fact: Fact) => unknown): Fact[] => told.facts.map((fact) => ({ ...fact, body: change(fact) ?? fact.body }) as unknown as Fact);
const find = (test: (fact: Fact) => boolean): Fact | undefined => told.facts.find(test);

test('a world without faults keeps them all, and something was kept in it', () => {
  expect(judge(told)).toEqual([]);
  expect(folded(told.facts).bests.length).toBeGreaterThan(1);
});
test('I1: a fact that was acknowledged is gone', () => expect(laws({ facts: without(find((fact) => fact.word === 'trial.measured')) })).toContain('I1'));
test('I1: two trials are of one client id', () => {
  const first = find((fact) => fact.word === 'trial.admitted' && fact.ids[0] !== 't0000');
  const clientId = first?.word === 'trial.admitted' ? first.body.clientId : '';
  expect(laws({ acknowledged: [], facts: changed((fact) => (fact.word === 'trial.admitted' && fact.ids[0] !== 't0000' ? { ...fact.body, clientId } : undefined)) })).toContain('I1');
});
test('I2: a result does not follow from the journal', () => expect(laws({ facts: changed((fact) => (fact.word === 'trial.result' && fact.body.status === 'keep' ? { ...fact.body, status: 'discard' } : undefined)) })).toContain('I2'));
test('I2: an attempt is given before the last was over', () => {
  const at = told.facts.findIndex((fact) => fact.word === 'lease.granted');
  const granted = told.facts[at];
  const again = { ...granted, ids: [granted?.ids[0], granted?.ids[1], '2'] } as unknown as Fact;
  expect(laws({ facts: [...told.facts.slice(0, at + 1), again, ...told.facts.slice(at + 1)].map((fact, i) => ({ ...fact, seq: i + 1 })) })).toContain('I2');
});
test('I2: a broker gives away a slot that its own fold holds', () => expect(laws({ granted: [{ by: 'broker#1', ms: 1, key: 't0001.s1.1', clash: 't0002.s1.1', isMeasured: false, usurps: null }] })).toEqual(['I2']));
test('I2: a broker leases what was measured by its own fold', () => expect(laws({ granted: [{ by: 'broker#1', ms: 1, key: 't0001.s1.2', clash: null, isMeasured: true, usurps: null }] })).toEqual(['I2']));
test('T3: a broker that was replaced leases on', () => expect(laws({ granted: [{ by: 'broker#1', ms: 1, key: 't0001.s1.1', clash: null, isMeasured: false, usurps: 'broker2#1 had taken term 2' }] })).toEqual(['T3']));
test('I3: one slot runs two things at once', () => expect(laws({ ran: told.ran.map((one) => ({ ...one, to: (one.to ?? 0) + 5_000 })) })).toContain('I3'));
test('I3: a lower attempt runs after a higher one', () => expect(laws({ ran: told.ran.map((one, i) => ({ ...one, attempt: told.ran.length - i })) })).toContain('I3'));
test('I5: somebody holds another lineage, or stopped reading', () => {
  expect(laws({ folds: [{ who: 'keeper#1', lineage: { ...folded(told.facts), superseded: 7 } }] })).toEqual(['I5']);
  expect(laws({ folds: [{ who: 'keeper#1', lineage: emptyLineage() }] })).toEqual(['I5']);
});
test('I0: something was tried again although nothing had gone wrong', () => expect(laws({ facts: [...told.facts, { word: 'lease.lapsed', ids: ['t0001', 's1', '1'], body: { reason: 'no reason' }, seq: told.facts.length + 1, at: told.facts.at(-1)?.at ?? 0 }], folds: [] })).toContain('I0'));
test('I8: a slot ran for longer than was charged', () => expect(laws({ facts: changed((fact) => (fact.word === 'trial.measured' ? { ...fact.body, heldMs: 1 } : undefined)), acknowledged: [] })).toContain('I8'));
test('I8: a slot runs on when its lease is long over', () => expect(laws({ ran: told.ran.map((one, i) => (i === 0 ? { ...one, to: one.from + 60_000 } : one)) })).toContain('I8'));
test('I9: a run does not end, or ends with a trial undecided', () => {
  expect(laws({ stoppedMs: null })).toEqual(['I9']);
  expect(laws({ facts: without(find((fact) => fact.word === 'trial.result' && fact.ids[0] !== 't0000')), acknowledged: [] })).toContain('I9');
});
test('L5: a best was judged against one that is not the best before it', () => {
  const bests = told.facts.flatMap((fact) => (fact.word === 'run.best' ? [fact.body.trial] : []));
  expect(laws({ facts: changed((fact) => (fact.word === 'trial.result' && fact.ids[0] === bests[1] ? { ...fact.body, judgedAgainst: bests[1] } : undefined)) })).toContain('L5');
});
test('what a person is shown names the seed, the law and how to see it again', () => {
  const text = explain({ seed: 7, told, broken: [{ law: 'I2', says: 't0001 has two results', about: ['t0001'] }] });
  expect(text).toMatch(/^SEED=7: one law is broken\n {2}I2: t0001 has two results\n/);
  expect(text).toContain('trial.result t0001');
  expect(text).not.toContain('trial.result t0002');
  expect(text.endsWith('Again: SEED=7 npx vitest run test/simulation')).toBe(true);
});
