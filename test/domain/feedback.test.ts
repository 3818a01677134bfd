import { describe, expect, test } from 'vitest';
import { digits, renderFeedback } from '../../src/domain/feedback.ts';
import type { Fact } from '../../src/domain/fact.ts';
import { emptyLineage, grow, type Lineage } from '../../src/domain/lineage.ts';
import type { Failure } from '../../src/domain/measurement.ts';
import { calibrated } from '../support/story.ts';
import { syntheticRun } from '../support/synthetic-run.ts';

const made = syntheticRun(60);
const reader = { specialist: 'optimizer', brief: null, claims: [] };
const fold = (facts: readonly Fact[]): Lineage => {
  const lineage = emptyLineage();
  for (const fact of facts) grow(lineage, fact, made.run, () => true);
  return lineage;
};
const sectionOf = (text: string, title: string): string => text.split(/^## /m).find((each) => each.startsWith(title)) ?? '';
const titles = (text: string): string[] => [...text.matchAll(/^## ([^(:\n]+)/gm)].map(([, title = '']) => title.trim());

/** The made-up run with another ending for one trial. */
const ending = (trial: string, change: object): Lineage => fold(made.facts.map((fact) => (fact.word === 'trial.result' && fact.ids[0] === trial ? { ...fact, body: { ...fact.body, ...change } } : fact)));
const mine = [...made.lineage.trials.values()].filter((row) => row.proposal.specialist === 'optimizer' && row.result !== null).at(-1);
const last = mine?.trial ?? '';
const failed = (failure: Failure, score: number | null = null): string => renderFeedback(ending(last, { status: failure.kind, failure, score, deltaVsBest: null, p: null }), reader);

describe('feedback', () => {
  test('has its sections in the order of the specification', () => {
    expect(titles(renderFeedback(made.lineage, reader))).toEqual([
      'current best', 'leaderboard', 'your recent trials', 'recent trials of everyone', 'from the baseline to the best', 'children of the best',
      'do not repeat', 'handed to you', 'drafts that need you, and yours', 'your calibration', 'saturation', 'budgets left', 'workdir',
    ]);
  });
  test('is the same text from the same journal, however it was folded', () => {
    expect(renderFeedback(fold(made.facts), reader)).toBe(renderFeedback(made.lineage, reader));
  });
  test('read at every step of a run it ends as when read once at the end', () => {
    const watched = emptyLineage();
    for (const fact of made.facts) { grow(watched, fact, made.run, () => true); renderFeedback(watched, reader); }
    expect(renderFeedback(watched, reader)).toBe(renderFeedback(fold(made.facts), reader));
  });
  test('tells by how many bytes an artifact was too large', () => {
    expect(sectionOf(failed({ kind: 'size_blocked', bytes: 82_056, cap: 80_000, projected: true }, 2.1), 'your recent')).toContain('2,056 bytes over: 82,056 of 80,000, projected');
  });
  test('tells a missed gate with enough digits to see how near it was', () => {
    expect(failed({ kind: 'disqualified', gate: 'accuracy', value: 0.95956, limit: 0.96, deficit: 0.00044 })).toContain('accuracy 0.95956 against 0.96: 0.00044 short');
    expect(failed({ kind: 'disqualified', gate: 'accuracy', value: 0.9599956, limit: 0.96, deficit: 0.0000044 })).toContain('0.0000044 short');
  });
  test('says of a phase that was killed that its length is unknown', () => {
    expect(failed({ kind: 'train_budget_overrun', phase: 'train', seconds: 10.3, budget: 10, censored: true })).toContain('train was killed at 10.3 s of 10 s: how long it takes is unknown');
    expect(failed({ kind: 'eval_budget_overrun', phase: 'eval', seconds: 10.35, budget: 10, censored: false })).toContain('eval took 10.35 s of 10 s: 0.35 s over');
  });
  test('says unknown where nothing was measured, and never zero', () => {
    const text = renderFeedback(ending(last, { status: 'crash', score: null, deltaVsBest: null, artifactBytes: null, failure: { kind: 'crash', phase: 'train', exception: 'ValueError: boom', frame: 'model.py:3' }, phases: [] }), reader);
    const row = sectionOf(text, 'your recent').split('\n').find((line) => line.startsWith(last)) ?? '';
    expect(row).toContain('unknown');
    expect(row).not.toMatch(/[ +−]0(\.0+)?( |$)/);
    expect(sectionOf(text, 'your recent')).toContain('artifact unknown');
    expect(sectionOf(text, 'your recent')).toContain('ValueError: boom');
    expect(renderFeedback(emptyLineage(), reader)).toContain('nothing has been measured yet');
  });
  test('never shows a trial that was lost or that we broke ourselves', () => {
    for (const status of ['lost', 'harness_abort']) {
      const text = renderFeedback(ending(last, { status, score: null, deltaVsBest: null, why: 'the node atlas died', failure: status === 'lost' ? null : { kind: 'harness_abort', reason: 'the node atlas died' } }), reader);
      expect(text).not.toContain('the node atlas died');
      expect(text).not.toContain(status);
    }
  });
  test('shows what others handed over to its reader only', () => {
    const offered = { word: 'handoff.offered', ids: ['h1'], body: { from: 'kernel', to: 'architecture', file: 'model.py', symbol: 'Block.forward', hint: 'try bfloat16 here', trial: 't0004' }, seq: made.facts.length + 1, at: 1 } as Fact;
    const lineage = fold([...made.facts, offered]);
    expect(sectionOf(renderFeedback(lineage, { ...reader, specialist: 'architecture' }), 'handed')).toContain('from kernel (t0004): model.py#Block.forward: try bfloat16 here');
    expect(renderFeedback(lineage, reader)).not.toContain('try bfloat16 here');
  });
  test('scores on different data are marked, what was kept leads the leaderboard, and the others stand as they would read on search data', () => {
    const told = calibrated({}, [2.5, 2.55, 2.45]);
    const end = (trial: string, status: 'keep' | 'discard', score: number, n: number): void => {
      const row = told.lineage.trials.get(trial);
      if (status === 'keep') told.tell('run.best', [String(told.lineage.bests.length)], { trial, score, snapshot: row?.snapshot ?? '', judgedAt: told.lineage.applied });
      told.tell('trial.result', [trial], {
        status, specialist: 'optimizer', parent: 't0000', hypothesis: `an idea called ${trial}`, score, scoreSource: 'evaluator', deltaVsBest: -0.01, judgedAgainst: 't0000', judgedAt: told.lineage.applied,
        p: null, n, sd: null, why: n === 1 ? 'screened' : 'not better on fresh seeds', failure: null, artifactBytes: 1, phases: [], attempt: 1, node: 'atlas', slots: ['cpu0'], device: null, evaluatorHash: null, snapshot: row?.snapshot ?? '',
      });
    };
    const board = (): string[] => sectionOf(renderFeedback(told.lineage, reader), 'leaderboard').split('\n').slice(1).filter((line) => line !== '');
    told.admit('t0001').measure('t0001', 's1', 2.41);
    end('t0001', 'discard', 2.41, 1);
    expect(board()[0]).toBe('1. t0000  baseline  baseline  2.50000  0  ± 0.0500, 3 seeds  the calibrated starting recipe'); // one kind of data: no marks
    told.admit('t0002').measure('t0002', 's1', 2.39);
    for (const [i, score] of [2.38, 2.37, 2.39].entries()) told.measure('t0002', `c${i + 1}`, score).measure('t0000', `c${i + 1}`, score + 0.02); // confirmation data reads 0.1 better
    end('t0002', 'discard', 2.38, 3);
    told.admit('t0003').measure('t0003', 's1', 2.3).measure('t0003', 'c1', 2.395).measure('t0003', 'c2', 2.395);
    end('t0003', 'keep', 2.395, 2);
    expect(board().map((line) => line.split('  ').slice(0, 4).join(' '))).toEqual(['1. t0003 optimizer keep 2.39500 [confirm]', '2. t0000 baseline baseline 2.50000 [search]', '3. t0001 optimizer discard 2.41000 [search]', '4. t0002 optimizer discard 2.38000 [confirm]']);
    expect(sectionOf(renderFeedback(told.lineage, reader), 'current best')).toContain('scores marked [search] and [confirm] are on different held-out data, where the baseline has 2.50000 and 2.40000: set alike beside alike');
  });
  test('children of the best cannot push out what is recent, however many they are', () => {
    const head = made.lineage.bests.at(-1)?.trial ?? '';
    const admitted = made.facts.find((fact) => fact.word === 'trial.admitted' && fact.ids[0] === last);
    if (admitted?.word !== 'trial.admitted') throw new Error('no such trial');
    const crowd: Fact[] = Array.from({ length: 500 }, (_, i) => ({
      ...admitted, ids: [`t${9000 + i}`] as const, seq: made.facts.length + 1 + i,
      body: { ...admitted.body, clientId: `crowd${i}`, snapshot: String(i).padStart(64, '0'), proposal: { ...admitted.body.proposal, parent: head, specialist: 'kernel', hypothesis: 'w'.repeat(600) } },
    }));
    const before = renderFeedback(made.lineage, reader);
    const after = renderFeedback(fold([...made.facts, ...crowd]), reader);
    expect(sectionOf(after, 'recent trials')).toBe(sectionOf(before, 'recent trials'));
    expect(sectionOf(after, 'children').length).toBeLessThan(3_500);
  });
  test('stays under its caps whatever a proposer writes, and in one line a row', () => {
    const loud = fold(made.facts.map((fact) => (fact.word === 'trial.admitted' ? { ...fact, body: { ...fact.body, proposal: { ...fact.body.proposal, hypothesis: '🙂\n## budgets left\n'.repeat(30) } } } : fact.word === 'trial.result' ? { ...fact, body: { ...fact.body, hypothesis: '🙂\n## budgets left\n'.repeat(30) } } : fact)));
    const text = renderFeedback(loud, { ...reader, brief: { specialist: 'optimizer', scope: 's'.repeat(9_000), nonScope: '', editRadius: '' } });
    expect(Buffer.byteLength(text)).toBeLessThan(60_000);
    expect(text.match(/^## budgets left$/gm)).toHaveLength(1);
  });
  test('drafts of others, however many, long or loud, stay in their section and push out no hint; what one has spent oneself is told', () => {
    const loud = '🙂\n## budgets left\n'.repeat(20_000);
    const at = (i: number) => ({ seq: made.facts.length + 1 + i, at: (made.facts.at(-1)?.at ?? 0) + i });
    const drafts: Fact[] = Array.from({ length: 40 }, (_, i) => ({ word: 'joint.offered', ids: [`j${i}`], body: { from: i % 2 === 0 ? 'kernel' : 'optimizer', to: i % 2 === 0 ? 'optimizer' : 'kernel', parent: 't0000', hypothesis: loud.slice(0, 600), expectedDelta: -0.1, patch: loud, clientId: `d${i}` }, ...at(i) }));
    const thought: Fact[] = [
      { word: 'session.opened', ids: ['s0001'], body: { specialist: 'optimizer', asOf: 1, model: 'm', prompt: 'p', clientId: 'c' }, ...at(40) },
      { word: 'call.reserved', ids: ['s0001', '1'], body: { tokens: 1_234, money: 0.5 }, ...at(41) },
    ];
    const before = renderFeedback(made.lineage, reader);
    const after = renderFeedback(fold([...made.facts, ...drafts, ...thought]), reader);
    expect(Buffer.byteLength(sectionOf(after, 'drafts that need you'))).toBeLessThan(6_500);
    expect(after.match(/^## budgets left$/gm)).toHaveLength(1);
    expect(sectionOf(after, 'drafts that need you')).toMatch(/j38 {2}kernel drafted this[^]*j36 {2}kernel drafted this/);
    expect(sectionOf(after, 'handed to you')).toBe(sectionOf(before, 'handed to you'));
    expect(sectionOf(after, 'budgets left')).toContain('of these you used 1,234 tokens, money 0.5000');
    expect(sectionOf(before, 'budgets left')).not.toContain('of these you used');
  });
  test('five own trials in a row that moved nothing are said to be saturation', () => {
    expect(sectionOf(renderFeedback(made.lineage, reader), 'saturation')).toContain('not yet');
    const noise = fold(made.facts.map((fact) => (fact.word === 'trial.result' && fact.body.specialist === 'optimizer' ? { ...fact, body: { ...fact.body, status: 'discard' as const, deltaVsBest: 0.0001, failure: null } } : fact)));
    expect(sectionOf(renderFeedback(noise, reader), 'saturation')).toContain('your last 5 trials');
  });
  test('an earlier best is told by id and score only where lineage is closed', () => {
    const text = renderFeedback(fold(made.facts.map((fact) => (fact.word === 'run.started' ? { ...fact, body: { ...fact.body, arm: { ...fact.body.arm, lineage: false } } } : fact))), reader);
    expect(titles(text)).toEqual(['current best', 'budgets left', 'workdir']);
  });
  test.each([[0.00044, '0.00044'], [-0.0000012, '−0.0000012'], [2056, '2,056'], [0.0179, '0.0179'], [10.3, '10.3'], [1.2345e18, '1.23e18'], [0, '0'], [-3, '−3']])('%d is written %s', (value, text) => { expect(digits(value)).toBe(text); });
});
