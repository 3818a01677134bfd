import { describe, expect, test } from 'vitest';
import { analyze } from '../../src/domain/analysis/analysis.ts';
import { cluster, diversity, effective, weigh } from '../../src/domain/analysis/diversity.ts';
import { edges } from '../../src/domain/analysis/edges.ts';
import { effort, throughput } from '../../src/domain/analysis/effort.ts';
import { outcomes, outcomesByRole } from '../../src/domain/analysis/outcomes.ts';
import { labelTable, quantities, roleTable } from '../../src/domain/analysis/quantities.ts';
import { recordOf, type RunRecord, type TrialRecord } from '../../src/domain/analysis/record.ts';
import { statusOf } from '../../src/domain/lineage.ts';
import { slotSecondsOf, summarize } from '../../src/domain/summary.ts';
import { syntheticRun } from '../support/synthetic-run.ts';

const HOUR = 3_600_000;
const trial = (number: number, specialist: string, parent: number, status: TrialRecord['status'], more: Partial<TrialRecord> = {}): TrialRecord =>
  ({ trial: `t000${number}`, specialist, parent: `t000${parent}`, status, hypothesis: `idea ${number}`, seconds: 1800, endedAt: number * HOUR, ...more });
const record = (trials: readonly TrialRecord[], more: Partial<RunRecord> = {}): RunRecord => ({
  run: 'made', metric: 'loss', direction: 'minimize', baseline: 2, best: { trial: 't0003', score: 1.8 }, claim: null, roster: [...new Set(trials.map(({ specialist }) => specialist))], width: 2, slotsEach: 1, trials, lostRows: 0, refused: 0, waiting: 0, interventions: 0, ...more,
});

const RUN = record([
  trial(1, 'arch', 0, 'discard'), trial(2, 'opt', 0, 'keep'), trial(3, 'arch', 2, 'keep'), trial(4, 'arch', 3, 'size_blocked', { seconds: 5400 }),
  trial(5, 'opt', 3, 'damaged', { seconds: null }), trial(6, 'data', 5, 'eval_budget_overrun'), trial(7, 'opt', 9, 'discard'),
]);

describe('outcomes', () => {
  test('a damaged row is a trial under no status, and a row without a place is one too', () => {
    expect(outcomes({ ...RUN, lostRows: 1 })).toEqual({
      trials: 8, counts: { discard: 2, keep: 2, size_blocked: 1, damaged: 2, eval_budget_overrun: 1 }, validShare: 0.5,
      best: { trial: 't0003', score: 1.8 }, baseline: 2, delta: expect.closeTo(-0.2), relative: expect.closeTo(-0.1), claim: null, trainOverruns: 0, evalOverruns: 1,
    });
  });

  test('the mix of every role adds up to all trials', () => {
    const roles = outcomesByRole(RUN);
    expect(roles.map(({ specialist, trials, counts }) => [specialist, trials, counts.keep ?? 0])).toEqual([['arch', 3, 1], ['opt', 3, 1], ['data', 1, 0]]);
  });
});

describe('edges', () => {
  test('what stands on the baseline, or on a trial nobody knows, is no edge', () => {
    expect(edges(RUN)).toEqual({ parents: { all: 4, cross: 3 }, keeps: { all: 1, cross: 1 }, heads: 3, specialistsWithKeep: 2, specialists: 3, architecture: 3 });
  });

  test('the architecture’s domain is counted by its name, ours or the reference’s, and by no other', () => {
    const named = (specialist: string): number => edges(record([trial(1, specialist, 0, 'crash')])).architecture;
    expect(['arch', 'architecture', 'search-arch', 'archive', 'opt'].map(named)).toEqual([1, 1, 0, 0, 0]);
  });
});

describe('diversity', () => {
  test('weights are TF-IDF with smoothed document counts, scaled to length 1', () => {
    const [first] = weigh(['Wider wider MLP', 'narrower MLP']);
    const wider = 2 * (Math.log(3 / 2) + 1);
    const mlp = Math.log(3 / 3) + 1;
    expect(first?.get('wider')).toBeCloseTo(wider / Math.hypot(wider, mlp), 12);
    expect(first?.get('mlp')).toBeCloseTo(mlp / Math.hypot(wider, mlp), 12);
  });

  test('a hypothesis joins the nearest centroid at a cosine of 0.30 or more, in the order of trials', () => {
    const axis = (...weights: readonly number[]): Map<string, number> => new Map(weights.map((weight, i) => [`w${i}`, weight / Math.hypot(...weights)]));
    expect(cluster([axis(1, 0), axis(0, 1), axis(1, 0.1), axis(0.1, 1)])).toEqual([2, 2]);
    const at = (cosine: number): number[] => cluster([axis(1, 0), axis(cosine, Math.sqrt(1 - cosine ** 2))]);
    expect([at(0.301), at(0.299)]).toEqual([[2], [1, 1]]);
    expect(cluster([axis(1, 0, 0), axis(0.5, Math.sqrt(0.75), 0), axis(0, 1, 0)])).toEqual([3]); // the second moved the centroid towards the third
  });

  test('effective clusters are as many as equally large ones would be', () => {
    expect(effective([5, 5, 5, 5])).toBeCloseTo(4, 12);
    expect(effective([10])).toBeCloseTo(1, 12);
    expect(effective([3, 1])).toBeCloseTo(Math.exp(-(0.75 * Math.log(0.75) + 0.25 * Math.log(0.25))), 12);
  });

  test('a hypothesis that repeats an earlier one is a near duplicate, across roles when another had it; a damaged one is left out', () => {
    const said = (texts: readonly string[]): RunRecord => record(texts.map((hypothesis, i) => trial(i + 1, i === 2 ? 'opt' : 'arch', 0, i === 4 ? 'damaged' : 'discard', { hypothesis })));
    expect(diversity(said(['raise the learning rate of embeddings', 'halve the width of the last block', 'raise the learning rate of embeddings!', 'halve the width of the last block', 'halve the width of the last block']))).toEqual({
      hypotheses: 4, clusters: 2, effectiveClusters: expect.closeTo(2), largestShare: 0.5, nearDuplicates: 2, nearDuplicatesAcrossRoles: 1,
    });
    expect(diversity(record([]))).toBeNull();
  });
});

describe('effort', () => {
  test('throughput is endings between the first and the last, whatever came before', () => {
    expect(throughput(RUN)).toBeCloseTo(1, 12); // seven endings over six hours
    expect(throughput(record([trial(1, 'opt', 0, 'crash')]))).toBeNull();
  });

  test('two trials that two slots ended together tell of no rate, and of no efficiency', () => {
    const pair = record([trial(1, 'opt', 0, 'keep', { endedAt: 1000 }), trial(2, 'data', 0, 'discard', { endedAt: 1009 })]);
    expect(effort(pair, null)).toMatchObject({ perHour: null, efficiency: null, hours: expect.closeTo(0) });
    const ended = (n: number): RunRecord => record(Array.from({ length: n }, (_, i) => trial(i + 1, 'opt', 0, 'discard')));
    expect([throughput(ended(4)), throughput(ended(5))]).toEqual([null, expect.closeTo(1)]);
  });

  test('efficiency is against the same trials back to back, or against a run of one agent', () => {
    const own = effort(RUN, null);
    expect(own).toMatchObject({ slotSeconds: 14_400, timed: 6, meanSeconds: 2400, alone: { perHour: 1.5, from: 'its own trials back to back' } });
    expect(own.efficiency).toBeCloseTo(1 / (2 * 1.5), 12);
    const wide = effort({ ...RUN, slotsEach: 8, trials: RUN.trials.map((one) => ({ ...one, seconds: one.seconds === null ? null : 8 * one.seconds })) }, null); // as long, each on eight slots
    expect([wide.efficiency, wide.slotSeconds]).toEqual([expect.closeTo(1 / (2 * 1.5), 12), 8 * 14_400]);
    const alone = record([1, 2, 3].map((n) => trial(n, 'one', 0, 'discard', { endedAt: n * 2 * HOUR })), { run: 'single', width: 1 });
    expect(effort(RUN, alone).alone).toEqual({ perHour: expect.closeTo(0.5), from: 'single' });
    expect(effort(RUN, alone).efficiency).toBeCloseTo(1 / (2 * 0.5), 12);
  });

  test('compute by label adds up to all of it, and a gain has its price', () => {
    const { labels, hoursPerPercent, hoursPerKeep } = effort(RUN, null);
    expect(labels.map(({ label, trials, slotSeconds }) => [label, trials, slotSeconds])).toEqual([['keep', 2, 3600], ['discard', 2, 3600], ['size_blocked', 1, 5400], ['eval_budget_overrun', 1, 1800], ['damaged', 1, 0]]);
    expect(labels.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
    expect(hoursPerPercent).toBeCloseTo(4 / 10, 12); // four hours for ten percent
    expect(hoursPerKeep).toBe(2);
  });

  test('without a gain there is no price of one', () => {
    expect(effort({ ...RUN, best: null }, null).hoursPerPercent).toBeNull();
  });
});

describe('a run of our own', () => {
  const { run, lineage } = syntheticRun(80);
  const [analysis] = analyze([{ run, lineage }]);

  test('its tables count what its lineage holds: refused proposals are no trials, the baseline is none', () => {
    const statuses = [...lineage.trials.values()].filter(({ trial: id }) => id !== 't0000').map(statusOf);
    const tried = statuses.filter((status) => status !== 'rejected' && status !== null);
    expect(analysis?.outcomes.trials).toBe(tried.length);
    expect(analysis?.refused).toBe(statuses.filter((status) => status === 'rejected').length);
    expect(Object.values(analysis?.outcomes.counts ?? {}).reduce((sum, n) => sum + n, 0)).toBe(tried.length);
    expect(analysis?.outcomes.counts.keep).toBe(lineage.bests.length - 1);
    expect(analysis?.roles.reduce((sum, { trials }) => sum + trials, 0)).toBe(tried.length);
    const summary = summarize(run, lineage);
    expect([analysis?.outcomes.baseline, analysis?.outcomes.best?.score, analysis?.outcomes.delta]).toEqual([summary.best.from, summary.best.score, summary.best.delta]); // both on the same data
    expect(analysis?.outcomes.claim?.delta).toBe(summary.claim?.delta);
    expect(analysis?.interventions).toBe(lineage.operatorActs.length);
  });

  test('its slot-seconds are those of its trials, and its width is its slots', () => {
    const rows = [...lineage.trials.values()].filter(({ trial: id }) => id !== 't0000');
    expect(analysis?.effort.slotSeconds).toBeCloseTo(rows.reduce((sum, row) => sum + slotSecondsOf(row), 0), 6);
    expect(recordOf(run, lineage).width).toBe([...lineage.nodes.values()].reduce((sum, { slots }) => sum + slots.length, 0));
  });

  test('the table of runs side by side has a value for every run, and leaves out what none has', () => {
    const other = syntheticRun(12);
    const both = analyze([{ run, lineage }, { run: 'other', lineage: other.lineage }]);
    const table = quantities(both);
    for (const { name, values } of table) { expect(values, name).toHaveLength(2); expect(values.join(''), name).not.toBe(''); }
    expect(table.map(({ name }) => name)).not.toContain('damaged');
    expect(roleTable(both[0] ?? never())[0]?.slice(0, 3)).toEqual(['specialist', 'trials', 'keep']);
    expect(labelTable(both[0] ?? never()).at(0)).toEqual(['label', 'trials', 'slot-hours', 'of all']);
  });

  test('a run of one agent among several is what the others of its metric are compared with', () => {
    const alone = { ...syntheticRun(20).lineage, imported: { source: '', intact: true, rows: 0, columns: [], grounds: '', damagedRows: [], damagedCells: [], notices: [], tree: null } };
    for (const row of alone.trials.values()) Object.assign(row.proposal, { specialist: 'generalist' });
    if (alone.started) Object.assign(alone.started, { roster: ['generalist'] });
    const [first, second] = analyze([{ run, lineage }, { run: 'single', lineage: alone }]);
    expect(first?.effort.alone?.from).toBe('single');
    expect(second?.effort.alone?.from).toBe('its own trials back to back');
  });
});

function never(): never { throw new Error('this cannot be'); }
