import { describe, expect, test } from 'vitest';
import { reproduction } from '../../src/domain/analysis/reproduction.ts';
import type { Fact } from '../../src/domain/fact.ts';
import { emptyLineage, grow, type Lineage } from '../../src/domain/lineage.ts';
import { isDue, recordingOf } from '../../src/domain/recording.ts';
import { syntheticRun } from '../support/synthetic-run.ts';

const made = syntheticRun(40);
/** The made-up run with some facts told otherwise. */
function told(change: (fact: Fact) => Fact | null = (fact) => fact): Lineage {
  const lineage = emptyLineage();
  for (const fact of made.facts) { const other = change(fact); if (other) grow(lineage, other, made.run, () => true); }
  return lineage;
}
const original = told();
const rowsWith = (status: string): string[] => [...original.trials.values()].flatMap(({ trial, result }) => (result?.status === status ? [trial] : []));
const [kept = '', discarded = '', crashed = ''] = [rowsWith('keep')[1] ?? '', rowsWith('discard')[0] ?? '', rowsWith('preflight_crash')[0] ?? ''];
const result = (trial: string, change: object) => told((fact) => (fact.word === 'trial.result' && fact.ids[0] === trial ? { ...fact, body: { ...fact.body, ...change } } : fact));
const verdictOf = (again: Lineage, trial: string) => reproduction(original, again).trials.find((one) => one.trial === trial);

describe('a replay against what it replays', () => {
  test('agrees with itself in every trial, refused ones too', () => {
    const { trials, holds, claim, sd } = reproduction(original, told());
    expect(trials).toHaveLength(40);
    expect(new Set(trials.map(({ verdict }) => verdict))).toEqual(new Set(['agrees']));
    expect([holds, claim.agrees, claim.difference]).toEqual([true, true, 0]);
    expect(sd).toBeGreaterThan(0.005);
    expect(sd).toBeLessThan(0.03); // the made-up noise is 0.012
  });

  test('agrees within noise and differs beyond it', () => {
    const row = original.trials.get(discarded)?.result;
    const bound = verdictOf(told(), discarded)?.bound ?? 0;
    expect(bound).toBeGreaterThan(0);
    expect(verdictOf(result(discarded, { score: (row?.score ?? 0) + bound * 0.9 }), discarded)?.verdict).toBe('agrees');
    const beyond = reproduction(original, result(discarded, { score: (row?.score ?? 0) + bound * 1.1 }));
    expect(beyond.trials.find(({ trial }) => trial === discarded)).toMatchObject({ verdict: 'differs', why: 'more than noise explains' });
    expect(beyond.holds).toBe(false);
  });

  test('a keep that is discarded with the same score was judged otherwise; one that crashes differs, and one that a dead node ate is not measured', () => {
    expect(verdictOf(result(kept, { status: 'discard' }), kept)).toMatchObject({ verdict: 'judged otherwise', why: 'keep became discard, within noise' });
    expect(reproduction(original, result(kept, { status: 'discard' })).holds).toBe(true);
    expect(verdictOf(result(kept, { status: 'crash', score: null }), kept)).toMatchObject({ verdict: 'differs', why: 'keep became crash' });
    expect(verdictOf(result(crashed, { status: 'discard', score: 2.4 }), crashed)?.verdict).toBe('differs');
    const lost = reproduction(original, result(kept, { status: 'lost', score: null }));
    expect(lost.trials.find(({ trial }) => trial === kept)).toMatchObject({ verdict: 'not measured', why: 'lost' });
    expect(lost.holds).toBe(false);
  });

  test('another recipe under the same id differs, whatever it scored, and what was not proposed again is said', () => {
    const other = told((fact) => (fact.word === 'trial.admitted' && fact.ids[0] === discarded ? { ...fact, body: { ...fact.body, snapshot: 'f'.repeat(64) } } : fact));
    expect(verdictOf(other, discarded)).toMatchObject({ verdict: 'differs', why: 'its recipe is another' });
    expect(verdictOf(told((fact) => (fact.word === 'trial.admitted' && fact.ids[0] === 't0040' ? null : fact)), 't0040')).toMatchObject({ verdict: 'not measured', why: 'it was not proposed again' });
  });

  test('what was refused after the last trial is not made again, and says nothing against the replay; what was refused before it does', () => {
    const refused = (trial: string) => (fact: Fact): Fact => (fact.word === 'trial.admitted' && fact.ids[0] === trial ? { word: 'trial.rejected', ids: fact.ids, at: fact.at, seq: fact.seq, body: { proposal: fact.body.proposal, clientId: fact.body.clientId, rejection: { rule: 'duplicate', file: null, symbol: null, owner: null, message: 'tried already' } } } : fact);
    const without = (trial: string) => (fact: Fact): Fact | null => ((fact.word === 'trial.admitted' || fact.word === 'trial.rejected') && fact.ids[0] === trial ? null : fact);
    const trailing = reproduction(told(refused('t0040')), told(without('t0040')));
    expect(trailing.trials.at(-1)).toMatchObject({ trial: 't0040', verdict: 'not measured', why: 'refused after the last trial, where a replay ends' });
    expect(trailing.holds).toBe(true);
    expect(reproduction(told(refused('t0030')), told(without('t0030'))).holds).toBe(false);
    expect(reproduction(original, told(without('t0040'))).holds, 'a trial that was not made again is missing').toBe(false);
  });

  test('on another device changes from each run\'s own baseline are compared, so that a faster machine is no difference', () => {
    const shift = -0.5;
    const moved = told((fact) => {
      if (fact.word === 'trial.measured' && fact.body.measurement.score !== null) return { ...fact, body: { ...fact.body, measurement: { ...fact.body.measurement, score: fact.body.measurement.score + shift } } };
      if (fact.word === 'trial.result' && fact.body.score !== null) return { ...fact, body: { ...fact.body, score: fact.body.score + shift } };
      if (fact.word === 'run.calibrated') return { ...fact, body: { ...fact.body, device: 'cpu/other', mean: (fact.body.mean ?? 0) + shift, measurements: fact.body.measurements.map((one) => ({ ...one, score: (one.score ?? 0) + shift })) } };
      return fact;
    });
    const found = reproduction(original, moved);
    expect(found.isOnOtherDevice).toBe(true);
    expect(found.trials.filter(({ verdict }) => verdict !== 'agrees')).toEqual([]);
    const sameDevice = told((fact) => (fact.word === 'trial.result' && fact.body.score !== null ? { ...fact, body: { ...fact.body, score: fact.body.score + shift } } : fact));
    expect(reproduction(original, sameDevice).trials.filter(({ verdict }) => verdict === 'differs').length).toBeGreaterThan(20);
  });
});

describe('a recording', () => {
  const found = recordingOf(original);
  const recorded = found.kind === 'recording' ? found.recorded : [];

  test('has every proposal by its number, costs nothing and has read nothing', () => {
    expect(recorded.map(({ trial }) => trial)).toEqual([...original.trials.keys()].filter((trial) => trial !== 't0000').sort());
    for (const { proposal } of recorded) expect(proposal).toMatchObject({ asOf: 0, tokens: 0, money: 0, proposer: { kind: 'replay' } });
  });

  test('lets each wait for exactly what had ended before it', () => {
    const ended = new Set<string>();
    for (const one of recorded) {
      for (const trial of one.after) ended.add(trial);
      const row = original.trials.get(one.trial);
      const before = [...original.trials.values()].filter(({ trial, result: of, seq }) => trial !== 't0000' && of !== null && seq < (row?.admittedSeq ?? 0)).map(({ trial }) => trial);
      expect([...ended].sort(), one.trial).toEqual(before.sort());
    }
    const waiting = recorded.filter(({ after }) => after.length > 0);
    expect(waiting.length).toBeGreaterThan(20);
    expect(waiting.map((one) => [isDue(emptyLineage(), one), isDue(original, one)])).toEqual(waiting.map(() => [false, true]));
  });

  test('waits for no result of what is refused this time: it has ended', () => {
    const one = recorded.find(({ after }) => after.length > 0);
    const [trial = ''] = one?.after ?? [];
    const refused = told((fact) => (fact.ids[0] !== trial ? fact : fact.word === 'trial.admitted' ? { word: 'trial.rejected', ids: fact.ids, at: fact.at, seq: fact.seq, body: { proposal: fact.body.proposal, clientId: fact.body.clientId, rejection: { rule: 'parent', file: null, symbol: null, owner: null, message: 'its draft was refused' } } } : fact.word.startsWith('trial.') || fact.word.startsWith('lease.') ? null : fact));
    expect(refused.trials.get(trial)).toMatchObject({ result: null, rejection: { rule: 'parent' } });
    expect(one && isDue(refused, one)).toBe(true);
  });

  test('with a gap is damaged: what follows would have other ids', () => {
    expect(recordingOf(told((fact) => (fact.word === 'trial.admitted' && fact.ids[0] === 't0007' ? null : fact)))).toEqual({ kind: 'damaged', why: 't0007 is missing from it' });
  });
});
