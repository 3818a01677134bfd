import { expect, test } from 'vitest';
import { flawsOf, flawsText, nameOf, type Stored } from '../../src/domain/damage.ts';
import type { Fact } from '../../src/domain/fact.ts';
import { syntheticRun } from '../support/synthetic-run.ts';

const facts = syntheticRun(6).facts.slice(0, 12);
const stored = (fact: Fact, changed: Partial<Stored> = {}): Stored => ({ seq: fact.seq, at: fact.at, name: nameOf(fact), text: JSON.stringify(fact.body), read: () => fact, ...changed });
const whole = { after: 0, upTo: facts.length };

test('a copy that holds what was read has no flaw', () => {
  expect(flawsOf(facts, facts.map((fact) => stored(fact)), whole)).toEqual([]);
});
test('positions that are gone are told as ranges, at the end too', () => {
  const left = facts.filter(({ seq }) => seq !== 3 && seq !== 4 && seq !== 7 && seq < 11);
  expect(flawsOf(facts, left.map((fact) => stored(fact)), whole)).toEqual([{ from: 3, to: 4, what: 'gone' }, { from: 7, to: 7, what: 'gone' }, { from: 11, to: 12, what: 'gone' }]);
});
test('another body, another time and a fact where there was none are changes', () => {
  const [first, second, third] = facts;
  if (!first || !second || !third) throw new Error('no facts');
  const there = [stored(first, { text: '{}', read: () => null }), stored(second, { at: second.at + 1, read: () => ({ ...second, at: second.at + 1 }) }), stored(third)];
  expect(flawsOf([first, second], there, { after: 0, upTo: 3 })).toEqual([{ from: 1, to: 3, what: 'changed' }]);
});
test('what is written otherwise and read alike is no flaw, nor is what nobody can read', () => {
  const [first] = facts;
  if (!first) throw new Error('no facts');
  expect(flawsOf([first], [stored(first, { text: ` ${JSON.stringify(first.body)}` }), { seq: 2, at: 0, name: 'no.fact', text: '', read: () => null }], { after: 0, upTo: 2 })).toEqual([]);
  expect(flawsOf([first], [stored(first)], { after: 0, upTo: 2 })).toEqual([{ from: 2, to: 2, what: 'gone' }]);
});
test('a line about many flaws stays a line', () => {
  expect(flawsText([{ from: 1, to: 1, what: 'gone' }, { from: 3, to: 9, what: 'changed' }])).toBe('position 1 is gone, positions 3 to 9 are changed');
  expect(flawsText(Array.from({ length: 9 }, (_, i) => ({ from: i * 2, to: i * 2, what: 'gone' as const })))).toBe('position 0 is gone, position 2 is gone, position 4 is gone, and 6 further gaps');
});
