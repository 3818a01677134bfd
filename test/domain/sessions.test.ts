import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Fact } from '../../src/domain/fact.ts';
import { emptyLineage, grow, type Lineage } from '../../src/domain/lineage.ts';
import { plus, spentOn, NO_COST } from '../../src/domain/session.ts';
import { thoughts } from '../../src/domain/thought.ts';
import { calibrated } from '../support/story.ts';

const begun = calibrated({ roster: ['optimizer', 'data'] }).facts;

/** What may be said of sessions, in any order, sense or not. */
const said = fc.oneof(
  fc.record({ word: fc.constant('session.opened'), session: fc.integer({ min: 1, max: 5 }), specialist: fc.constantFrom('optimizer', 'data', 'kernel') }),
  fc.record({ word: fc.constant('call.reserved'), session: fc.integer({ min: 1, max: 6 }), call: fc.integer({ min: 1, max: 3 }), tokens: fc.integer({ min: 0, max: 1000 }), quarters: fc.integer({ min: 0, max: 8 }) }),
  fc.record({ word: fc.constant('call.settled'), session: fc.integer({ min: 1, max: 6 }), call: fc.integer({ min: 1, max: 3 }), tokens: fc.integer({ min: 0, max: 1000 }), quarters: fc.integer({ min: 0, max: 8 }) }),
  fc.record({ word: fc.constant('session.ended'), session: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ word: fc.constant('trial.admitted'), session: fc.integer({ min: 1, max: 6 }), tokens: fc.integer({ min: 0, max: 1000 }), alone: fc.boolean() }),
);
type Said = typeof said extends fc.Arbitrary<infer T> ? T : never;

function fold(told: readonly Said[]): { lineage: Lineage; facts: Fact[] } {
  const facts = [...begun];
  told.forEach((one, i) => {
    const session = `s000${one.session}`;
    const money = 'quarters' in one ? one.quarters / 4 : 0; // quarters add up without rounding
    const bodies: Record<string, () => { ids: string[]; body: object }> = {
      'session.opened': () => ({ ids: [session], body: { specialist: 'specialist' in one ? one.specialist : '', asOf: 1, model: 'm', prompt: 'p', clientId: `c${i}` } }),
      'call.reserved': () => ({ ids: [session, 'call' in one ? String(one.call) : ''], body: { tokens: 'tokens' in one ? one.tokens : 0, money } }),
      'call.settled': () => ({ ids: [session, 'call' in one ? String(one.call) : ''], body: { input: 'tokens' in one ? one.tokens : 0, cached: 0, output: 1, money, isMeasured: true, ended: 'answered', why: '' } }),
      'session.ended': () => ({ ids: [session], body: { ending: 'gave_up', reason: '', trials: [], repairs: 0, transcript: null } }),
      'trial.admitted': () => ({ ids: [`t${String(i + 1).padStart(4, '0')}`], body: { snapshot: String(i).padStart(64, '0'), feedback: null, clientId: `t${i}`, proposal: { specialist: 'data', parent: 't0000', asOf: 1, hypothesis: 'an idea of mine', expectedDelta: 0, patch: '', parts: [], proposer: { kind: 'llm', strategy: '', moves: [] }, tokens: 'tokens' in one ? one.tokens : 0, money: 0.5, ...('alone' in one && one.alone ? {} : { session }) } } }),
    };
    const { ids, body } = bodies[one.word]?.() ?? { ids: [], body: {} };
    facts.push({ word: one.word, ids, body, seq: facts.length + 1, at: 1_700_000_000_000 + facts.length } as unknown as Fact);
  });
  const lineage = emptyLineage();
  for (const fact of facts) grow(lineage, fact, 'toy-1', () => true);
  return { lineage, facts };
}

describe('what thinking took', () => {
  test('as it is added up fact by fact is what all calls and all trials without a session took together, whatever is said and in whatever order', () => {
    fc.assert(fc.property(fc.array(said, { maxLength: 40 }), (told) => {
      const { lineage, facts } = fold(told);
      const calls = [...lineage.sessions.rows.values()].map(spentOn).reduce(plus, NO_COST);
      const alone = facts.flatMap((fact, i) => {
        if (fact.word !== 'trial.admitted') return [];
        const wasOpen = facts.slice(0, i).some((earlier) => earlier.word === 'session.opened' && earlier.ids[0] === fact.body.proposal.session);
        return wasOpen ? [] : [{ tokens: fact.body.proposal.tokens, money: fact.body.proposal.money }];
      }).reduce(plus, NO_COST);
      expect(lineage.tokens).toEqual(plus(calls, alone));
      expect([...lineage.thinkingBySpecialist.values()].reduce(plus, NO_COST)).toEqual(lineage.tokens);
      for (const one of thoughts(lineage)) expect(one.sessions).toBe([...lineage.sessions.rows.values()].filter(({ opened }) => opened.specialist === one.specialist).length);
    }), { numRuns: 200, seed: 4 });
  });

  test('said twice counts once, and what makes no sense is counted as odd and changes nothing', () => {
    const reserved: Said = { word: 'call.reserved', session: 1, call: 1, tokens: 100, quarters: 2 };
    const opened: Said = { word: 'session.opened', session: 1, specialist: 'data' };
    const { lineage } = fold([opened, reserved, reserved, opened, { word: 'call.settled', session: 1, call: 2, tokens: 5, quarters: 0 }]);
    expect([lineage.tokens, lineage.odd]).toEqual([{ tokens: 100, money: 0.5 }, 3]);
  });
});
