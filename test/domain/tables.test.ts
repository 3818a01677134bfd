import { describe, expect, test } from 'vitest';
import { describeFailure } from '../../src/domain/evidence.ts';
import { change, counted, decimal, duration, probability, signed } from '../../src/domain/figures.ts';
import { deltaInterval } from '../../src/domain/interval.ts';
import { knowledge } from '../../src/domain/knowledge.ts';
import { comparability, leaderboard, ranked } from '../../src/domain/leaderboard.ts';
import { emptyLineage, statusOf } from '../../src/domain/lineage.ts';
import { describeEnding } from '../../src/domain/evidence.ts';
import { baselineBeside, scoredFor, scoreOn } from '../../src/domain/purpose.ts';
import { bestSoFar, outcomeMix, slotWork, summarize } from '../../src/domain/summary.ts';
import { defaultColumns, endedRows, experimentId, preorder, resultsTable, treeTable, trialsJsonLines } from '../../src/domain/tables.ts';
import { syntheticRun } from '../support/synthetic-run.ts';

const NASTY = 'a\ttab, a\nbreak, </script><img src=x onerror=alert(1)> and | a pipe';
const { run, lineage } = syntheticRun(40, ['Muon for matrices', NASTY]);
const lines = (text: string): string[][] => text.trimEnd().split('\n').map((line) => line.split('\t'));
const results = lines(resultsTable(run, lineage, defaultColumns('val_bpb')));
const cellsOf = (trial: string): Record<string, string> => Object.fromEntries((results[0] ?? []).map((name, i) => [name, results.find(([id]) => id === trial)?.[i] ?? 'missing']));

describe('results.tsv', () => {
  test('its columns are those of the reference, to the byte', () => {
    expect(resultsTable(run, lineage, defaultColumns('val_bpb')).split('\n')[0]).toBe(
      'exp_id\ttimestamp\tspecialist\tparent_exp\tbaseline_exp\tdomain\thypothesis\texpected_delta\tstatus\tval_bpb\tdelta_vs_best\tartifact_bytes\ttrain_s\teval_s\ttotal_s\tjob_name\tsnapshot_path\tnotes');
  });

  test('a surface places its own columns where the reference has them', () => {
    const own = ['train_s', 'accuracy', 'acc_std', 'n_seeds', 'delta_vs_best', 'total_s'];
    expect(resultsTable(run, lineage, own).split('\n')[0]).toBe(
      'exp_id\ttimestamp\tspecialist\tparent_exp\tbaseline_exp\tdomain\thypothesis\texpected_delta\tstatus\ttrain_s\taccuracy\tacc_std\tn_seeds\tdelta_vs_best\ttotal_s\tjob_name\tsnapshot_path\tnotes');
  });

  test('a surface that does not place the change gets it after its metric', () => {
    expect(resultsTable(run, lineage, ['val_bpb', 'artifact_bytes']).split('\n')[0]).toContain('\tstatus\tval_bpb\tdelta_vs_best\tartifact_bytes\tjob_name\t');
  });

  test('every row has as many cells as the head, whatever a hypothesis holds', () => {
    expect(results).toHaveLength(42);
    for (const row of results) expect(row).toHaveLength(18);
    expect(cellsOf('002').hypothesis).toBe('a tab, a break, </script><img src=x onerror=alert(1)> and | a pipe');
  });

  test('a kept trial is written as the reference writes one', () => {
    expect(cellsOf('001')).toMatchObject({ specialist: 'optimizer', parent_exp: '000', baseline_exp: '000', domain: 'optimizer', status: 'keep', snapshot_path: 'snapshots/001_optimizer' });
    expect(cellsOf('001').timestamp).toMatch(/^2026-11-21T04:\d\d:\d\dZ$/);
    expect(cellsOf('001').val_bpb).toMatch(/^2\.\d{6}$/);
    expect(cellsOf('001').delta_vs_best).toMatch(/^-0\.\d{6}$/);
    expect(cellsOf('001').artifact_bytes).toMatch(/^\d{5}$/);
    expect(cellsOf('001').train_s).toBe('10.000000');
  });

  test('the baseline has no parent, no change and an expected change of 0', () => {
    expect(cellsOf('000')).toMatchObject({ specialist: 'baseline', parent_exp: '', baseline_exp: '', domain: 'baseline', expected_delta: '0', status: 'baseline', delta_vs_best: '' });
  });

  test('a discard that was worse carries its plus sign, and a failure leaves its change empty', () => {
    const worse = results.find((row) => row[8] === 'discard' && row[10]?.startsWith('+'));
    expect(worse?.[10]).toMatch(/^\+0\.\d{6}$/);
    expect(cellsOf('002')).toMatchObject({ status: 'size_blocked', delta_vs_best: '' });
    expect(cellsOf('002').val_bpb).not.toBe('');
  });

  test('what was not measured is empty and never a zero', () => {
    expect(cellsOf('004')).toMatchObject({ status: 'rejected', val_bpb: '', delta_vs_best: '', artifact_bytes: '', train_s: '', eval_s: '', total_s: '', job_name: '' });
    expect(cellsOf('006')).toMatchObject({ status: 'preflight_crash', val_bpb: '', artifact_bytes: '' });
  });

  test('trial ids become three digits, more only when they have to', () => {
    expect(['t0000', 't0007', 't0123', 't1234', 't12345'].map(experimentId)).toEqual(['000', '007', '123', '1234', '12345']);
  });
});

describe('tree.tsv', () => {
  test('its columns are those of the reference', () => {
    expect(treeTable(lineage).split('\n')[0]).toBe('exp_id\tparent_exp\tdepth\tpath\tspecialist\tstatus\tval_bpb\tdelta_vs_best\thypothesis');
  });

  test('a trial comes after its parent, its path ends in itself, and siblings stand in the order of their numbers', () => {
    const rows = lines(treeTable(lineage)).slice(1);
    expect(rows).toHaveLength(endedRows(lineage).length);
    for (const [i, [id = '', parent = '', depth, path = '']] of rows.entries()) {
      expect(path.split('/').at(-1)).toBe(id);
      expect(path.split('/')).toHaveLength(Number(depth) + 1);
      if (i === 0) { expect([id, parent, path]).toEqual(['000', '', '000']); continue; }
      const above = rows.findIndex(([other]) => other === parent);
      expect(above).toBeLessThan(i);
      expect(rows.slice(above + 1, i).every(([, , , between = '']) => between.startsWith(`${rows[above]?.[3]}/`))).toBe(true);
      const elder = rows.slice(0, i).filter(([, sibling]) => sibling === parent).map(([other]) => Number(other));
      expect(elder.every((other) => other < Number(id))).toBe(true);
    }
  });

  test('a chain of twenty thousand trials is walked without running out of stack', () => {
    const { lineage: deep } = syntheticRun(1);
    const row = deep.trials.get('t0001');
    for (let n = 2; row && n <= 20_000; n++) {
      const trial = `t${String(n).padStart(4, '0')}`;
      const parent = `t${String(n - 1).padStart(4, '0')}`;
      deep.trials.set(trial, { ...row, trial, number: n, proposal: { ...row.proposal, parent } });
      deep.children.set(parent, [trial]);
    }
    let deepest = 0;
    let count = 0;
    for (const { depth } of preorder(deep)) { deepest = Math.max(deepest, depth); count += 1; }
    expect([count, deepest]).toEqual([20_001, 20_000]);
  });
});

describe('trials.jsonl', () => {
  test('every line parses and holds the patch, the prediction and the replicates', () => {
    const rows = trialsJsonLines(run, lineage).trimEnd().split('\n').map((line) => JSON.parse(line) as { trial: string; status: string; proposal: { patch: string; hypothesis: string }; replicates: unknown[] });
    expect(rows).toHaveLength(lineage.trials.size);
    expect(rows[2]?.proposal.hypothesis).toBe(NASTY);
    expect(rows.filter(({ status }) => status === 'keep').every(({ replicates, proposal }) => replicates.length >= 6 && proposal.patch.startsWith('--- a/'))).toBe(true);
  });
});

test('a score that is only the recipe’s own word says so in its row', () => {
  const row = [...lineage.trials.values()].find(({ result }) => result?.status === 'keep');
  if (!row?.result) throw new Error('the story has a keep');
  expect(describeEnding(row)).not.toContain('own word');
  expect(describeEnding({ ...row, result: { ...row.result, scoreSource: 'recipe' } })).toBe(`${describeEnding(row)}, by its own word`);
});

describe('what a run says of itself', () => {
  test('every proposal is counted once', () => {
    const summary = summarize(run, lineage);
    expect(summary.keeps + summary.discards + summary.failures).toBe(summary.trials);
    expect(summary.trials + summary.rejected).toBe(40);
    expect(outcomeMix(lineage).reduce((sum, { total }) => sum + total, 0)).toBe(40);
  });

  test('false keeps that luck predicts are confirmations times the level', () => {
    const summary = summarize(run, lineage);
    expect(summary.confirmations).toBe([...lineage.trials.values()].filter((row) => row.result?.p != null).length);
    expect(summary.expectedFalseKeeps).toBeCloseTo(summary.confirmations * 0.01, 12);
  });

  test('a confirmed best is compared with the baseline on the text of confirmations, not with its calibration', () => {
    const { best: head, baseline } = summarize(run, lineage);
    const beside = [...(lineage.trials.get('t0000')?.replicates.values() ?? [])].flatMap(({ replicate, measured }) => (replicate.startsWith('c') ? [measured?.measurement.score ?? NaN] : []));
    expect(beside.length).toBeGreaterThan(1);
    expect(head.from).toBeCloseTo(beside.reduce((sum, score) => sum + score, 0) / beside.length, 12);
    expect(head.from).not.toBeCloseTo(baseline.score ?? NaN, 6);
    expect(head.delta).toBeCloseTo((head.score ?? NaN) - (head.from ?? NaN), 12);
  });

  test('a trial is scored for confirmation once fresh seeds decided it, and a screened one is moved by what the baseline shows the data to differ by', () => {
    const rows = endedRows(lineage).filter((row) => row.result?.score != null);
    const apart = (baselineBeside(lineage)?.mean ?? NaN) - (lineage.calibration?.mean ?? NaN);
    expect(new Set(rows.filter((row) => row.result?.why === 'screened').map(scoredFor))).toEqual(new Set(['search']));
    expect(new Set(rows.filter((row) => row.result?.p != null).map(scoredFor))).toEqual(new Set(['confirm']));
    for (const row of rows) {
      const score = row.result?.score ?? NaN;
      expect(scoreOn(lineage, row, 'confirm')).toBeCloseTo(scoredFor(row) === 'confirm' ? score : score + apart, 12);
      expect(scoreOn(lineage, row, 'search')).toBeCloseTo(scoredFor(row) === 'search' ? score : score - apart, 12);
    }
  });

  test('a leaderboard says which scores may be set side by side, and needs not while all are of one kind', () => {
    const summary = summarize(run, lineage);
    expect(summary.baseline.beside?.score).toBe(summary.best.from);
    expect(leaderboard(run, lineage)).toContain(`on search data, where the baseline has ${decimal(summary.baseline.score ?? NaN)}; that of one measured on more seeds is on confirmation data, where the baseline has ${decimal(summary.best.from ?? NaN)}.`);
    expect(comparability(summarize(run, syntheticRun(0).lineage))).toBeNull();
    const fruitless = syntheticRun(40);
    fruitless.lineage.bests.splice(1);
    expect(comparability(summarize(run, fruitless.lineage)), 'a trial that was confirmed in vain stands beside screened ones too').toMatch(/on search data, where the baseline has 2\.\d{4}; .* confirmation data, where the baseline has 2\.\d{4}/);
    expect(summarize(run, fruitless.lineage).best.from).toBe(summarize(run, fruitless.lineage).baseline.score);
  });

  test('a slot is never counted as busier than always', () => {
    expect(summarize(run, lineage).busyShare).toBeGreaterThan(0.8);
    expect(summarize(run, lineage).busyShare).toBeLessThanOrEqual(1);
    expect(slotWork(lineage).reduce((sum, w) => sum + w.to - w.from, 0) / 1000).toBeCloseTo(lineage.slotSeconds, 1);
  });

  test('the best so far only ever gets better, and costs only ever grow', () => {
    const points = bestSoFar(lineage);
    expect(points.length).toBe(lineage.bests.length);
    for (let i = 1; i < points.length; i++) {
      expect(points[i]?.score).toBeLessThan(points[i - 1]?.score ?? 0);
      expect(points[i]?.slotSeconds).toBeGreaterThan(points[i - 1]?.slotSeconds ?? 0);
    }
  });

  test('a run without a fact has a summary, tables and a leaderboard all the same', () => {
    const empty = emptyLineage();
    expect(summarize('r', empty).state).toBe('calibrating');
    expect(resultsTable('r', empty, defaultColumns('val_bpb')).split('\n')).toHaveLength(2);
    expect(treeTable(empty).split('\n')).toHaveLength(2);
    expect(leaderboard('r', empty)).toContain('No score has been measured yet.');
  });

  test('the interval of a keep lies on the better side of zero and holds its change', () => {
    for (const row of lineage.trials.values()) {
      if (statusOf(row) !== 'keep') continue;
      const [low, high] = deltaInterval(lineage, row) ?? [NaN, NaN];
      expect(high).toBeLessThan(0);
      expect(row.result?.deltaVsBest).toBeGreaterThan(low);
      expect(row.result?.deltaVsBest).toBeLessThan(high);
    }
  });
});

describe('LEADERBOARD.md and KNOWLEDGE.md', () => {
  test('the newest best leads, before any lucky screening', () => {
    expect(ranked(lineage)[0]?.trial).toBe(lineage.bests.at(-1)?.trial);
  });

  test('a hypothesis can neither end a table cell nor open a tag', () => {
    const board = leaderboard(run, syntheticRun(40, [NASTY]).lineage, 100);
    expect(board).toContain('and \\| a pipe');
    expect(board).not.toContain('<img');
    expect(knowledge(run, lineage)).not.toContain('<img');
  });

  test('the size failure that is nearest to its cap comes before the others of its author', () => {
    const text = knowledge(run, syntheticRun(80).lineage);
    for (const section of text.split('\n## ').slice(1)) {
      const over = [...section.matchAll(/size\\_blocked, ([\d,]+) bytes over/g)].map(([, bytes = '']) => Number(bytes.replace(/,/g, '')));
      expect(over).toEqual([...over].sort((a, b) => a - b));
    }
  });
});

describe('numbers', () => {
  test('they are written for people', () => {
    expect([decimal(-0.3759), signed(0.0018), signed(0), decimal(-0.00001), counted(64912), probability(0.00004), probability(0.03), duration(0.4), duration(59.7), duration(161), duration(11_100), change(2.0987, 2.5371)])
      .toEqual(['−0.3759', '+0.0018', '0.0000', '0.0000', '64,912', '4e-5', '0.03', '0.4 s', '1m 00s', '2m 41s', '3h 05m', '−17.3%']);
  });

  test('a near miss keeps the digits that make it one', () => {
    expect(describeFailure({ kind: 'disqualified', gate: 'accuracy', value: 0.95956, limit: 0.96, deficit: 0.00044 })).toBe('accuracy 0.95956, limit 0.96000, short by 0.00044');
    expect(describeFailure({ kind: 'disqualified', gate: 'loss', value: 1.2345e18, limit: 10, deficit: 1.2345e18 })).toBe('loss 1.23e18, limit 10, over by 1.23e18');
    expect(describeFailure({ kind: 'disqualified', gate: 'loss', value: 123_456_789.25, limit: 10, deficit: 123_456_779.25 })).toBe('loss 123456789, limit 10, over by 123456779');
    expect(describeFailure({ kind: 'size_blocked', bytes: 82_056, cap: 80_000, projected: false })).toBe('2,056 bytes over the cap of 80,000');
    expect(describeFailure({ kind: 'train_budget_overrun', phase: 'train', seconds: 10.6, budget: 10, censored: true })).toBe('train took more than 10.6 s of 10.0 s');
  });
});
