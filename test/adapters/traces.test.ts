import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BadTrace, findTrace, keepTrace, noteOf, openTrace, type Asked } from '../../src/adapters/traces/index.ts';
import { readTable } from '../../src/adapters/traces/table.ts';
import { readTrace } from '../../src/adapters/traces/trace.ts';
import { foldTrace } from '../../src/adapters/traces/fold.ts';
import { findToolchain } from '../../src/adapters/toolchain/index.ts';
import type { Lineage } from '../../src/domain/lineage.ts';
import { statusOf } from '../../src/domain/lineage.ts';
import { consistency } from '../../src/domain/consistency.ts';
import { summarize } from '../../src/domain/summary.ts';
import { endedRows, preorder, resultsTable, treeTable } from '../../src/domain/tables.ts';
import { HEAD, line, tsv, WHOLE, type Cells } from '../support/made-trace.ts';
import { syntheticRun } from '../support/synthetic-run.ts';

const NOT_ASKED: Asked = { metric: null, direction: null };
const fold = (results: string, tree: string | null = null, asked = NOT_ASKED): Lineage => foldTrace('made', readTrace({ results, tree }, asked, 'results.tsv'), { source: 'results.tsv', digest: 'd'.repeat(64), intact: true });
const cellsOf = (results: string): Map<string, Record<string, string>> => {
  const { head, rows } = readTable(results);
  return new Map(rows.map(({ cells }) => [cells[0] ?? '', Object.fromEntries(head.map((name, i) => [name, cells[i] ?? '']))]));
};

describe('a table', () => {
  test('a quoted cell may hold tabs, line breaks and doubled marks, and the row after it begins where it should', () => {
    const { rows } = readTable('a\tb\n1\t"x ""y""\tz\nw"\n2\tplain\n');
    expect(rows).toEqual([{ line: 2, raw: '1\t"x ""y""\tz\nw"', cells: ['1', 'x "y"\tz\nw'] }, { line: 4, raw: '2\tplain', cells: ['2', 'plain'] }]);
  });

  test('a mark that is never closed, or closed in the middle of a cell, is only a character', () => {
    expect(readTable('a\tb\n1\t"open\n2\t"Muon" is better\n3\t5"\n').rows.map(({ cells }) => cells)).toEqual([['1', '"open'], ['2', '"Muon" is better'], ['3', '5"']]);
  });

  test('a byte-order mark, Windows line ends and blank lines change nothing', () => {
    expect(readTable('\ufeffa\tb\r\n\r\n1\t2\r\n')).toEqual({ head: ['a', 'b'], rows: [{ line: 3, raw: '1\t2', cells: ['1', '2'] }] });
  });
});

describe('a whole trace', () => {
  const lineage = fold(tsv(WHOLE));

  test('every row is a trial with its parent, status, score and change', () => {
    expect([...lineage.trials.values()].map((row) => [row.trial, row.proposal.specialist, statusOf(row), row.result?.score ?? null, row.result?.deltaVsBest ?? null])).toEqual([
      ['t0000', 'baseline', 'baseline', 1.1, null], ['t0001', 'arch', 'discard', 1.1005, 0.0005], ['t0002', 'opt', 'keep', 1.099, -0.001], ['t0003', 'arch', 'keep', 1.098, -0.001],
      ['t0004', 'opt', 'eval_budget_overrun', null, null], ['t0005', 'arch', 'size_blocked', 1.0975, null], ['t0006', 'data', 'crash', null, null], ['t0007', 'data', 'discard', 1.098, 0],
    ]);
    expect(preorder(lineage).map(({ row, depth }) => `${row.trial}@${depth}`)).toEqual(['t0000@0', 't0001@1', 't0002@1', 't0003@2', 't0004@3', 't0005@3', 't0006@3', 't0007@4']);
    expect(lineage.odd + lineage.superseded).toBe(0);
    expect(lineage.imported).toMatchObject({ rows: 8, damagedRows: [], damagedCells: [], notices: [] });
  });

  test('its summary is that of any run: best, change, slot-seconds and hours', () => {
    expect(summarize('made', lineage)).toMatchObject({ metric: 'val_bpb', best: { trial: 't0003', score: 1.098, from: 1.1 }, trials: 7, keeps: 2, discards: 2, failures: 3, damaged: 0, slotSeconds: 4200, interventions: null, busyShare: null, state: 'stopped' });
    expect(summarize('made', lineage).wallSeconds).toBe(70 * 60); // the first began ten minutes after the start, the last ended at 80
  });

  test('written again it is the file it came from, but for the names of jobs', () => {
    const before = cellsOf(tsv(WHOLE));
    const after = cellsOf(resultsTable('made', lineage, lineage.imported?.columns ?? []));
    expect([...after.keys()]).toEqual([...before.keys()]);
    for (const [id, cells] of before) expect(after.get(id)).toEqual({ ...cells, job_name: '', hypothesis: cells.hypothesis?.replace(/[\t\n]/g, ' ') });
  });

  test('a cell with a quotation mark is written as the reference’s reader takes it', () => {
    expect(resultsTable('made', lineage, HEAD.slice(9, 15))).toContain('\t"a ""wider"" MLP, bigger in two lines"\t');
    expect(treeTable(lineage)).toContain('\ta "wider" MLP, bigger in two lines\n');
  });

  test('a change of nothing is +0.000000', () => {
    expect(cellsOf(resultsTable('made', lineage, HEAD.slice(9, 15))).get('007')?.delta_vs_best).toBe('+0.000000');
  });

  test('columns between status and notes may be others, in another order, and the fixed ones may be fewer', () => {
    const head = ['exp_id', 'specialist', 'parent_exp', 'hypothesis', 'status', 'tokens_seen', 'core', 'delta_vs_best', 'baseline_exp', 'notes'];
    const other = fold([head.join('\t'), '000\tbaseline\t\tstart\tbaseline\t5\t0.10\t\t\t', '001\tsys\t000\tmore data\tkeep\t9\t0.15\t+0.05\t000\tgood', '002\tsys\t001\tless\tdiscard\t1\t0.12\t-0.03\t001\t', ''].join('\n'));
    expect(other.started?.objective).toMatchObject({ metric: 'core', direction: 'maximize' });
    expect(other.imported).toMatchObject({ columns: ['tokens_seen', 'core', 'delta_vs_best'], grounds: 'metric core (2 of 2 changes are its differences), maximized (1 of 1 keeps rose)' });
    expect(other.bests.map(({ trial }) => trial)).toEqual(['t0000', 't0001']);
    expect(summarize('other', other)).toMatchObject({ wallSeconds: 0, slotSeconds: 0, keeps: 1 });
  });

  test('a domain that is not its specialist’s is told', () => {
    expect(fold(tsv(WHOLE.map((row) => (row.exp_id === '002' ? { ...row, domain: 'arch' } : row)))).imported?.notices).toEqual(["domains other than the specialist's own: 1 row, counted under the specialist"]);
  });

  test('a metric that is a time is not taken for a trial’s length, and a length that repeats it is that of one seed', () => {
    const head = ['exp_id', 'timestamp', 'specialist', 'parent_exp', 'baseline_exp', 'domain', 'hypothesis', 'expected_delta', 'status', 'train_s', 'accuracy', 'n_seeds', 'delta_vs_best', 'total_s', 'notes'];
    const timed = fold([head.join('\t'), '000\t2026-03-01T00:00:00Z\tbaseline\t\t\tbaseline\tstart\t0\tbaseline\t30.0\t\t\t\t\t', '001\t2026-03-01T01:00:00Z\taug\t000\t000\taug\tcrop\t-1\tkeep\t28.0\t0.961\t10\t-2.0\t28.0\t', '002\t2026-03-01T02:00:00Z\taug\t001\t001\taug\tflip\t-1\tdisqualified\t\t0.959\t10\t\t27.0\t', '003\t2026-03-01T03:00:00Z\taug\t001\t001\taug\tmix\t-1\tdiscard\t29.0\t0.962\t10\t+1.0\t29.0\t', ''].join('\n'));
    expect(timed.started?.objective).toMatchObject({ metric: 'train_s', direction: 'minimize', unit: 's' });
    expect(timed.slotSeconds).toBe(280 + 270 + 290);
    expect(timed.imported?.notices).toEqual(["total_s repeats train_s, a mean over seeds: a trial's length is read as total_s times n_seeds"]);
  });
});

describe('metric and direction', () => {
  const bare = (rows: readonly string[]): string => ['exp_id\tspecialist\tparent_exp\thypothesis\tstatus\tzeal\tdelta_vs_best', '000\tbaseline\t\tstart\tbaseline\t1\t', ...rows, ''].join('\n');

  test('without a change nothing is guessed: the remedy is a flag', () => {
    expect(() => fold(bare(['001\ta\t000\tidea\tcrash\t\t']))).toThrow(BadTrace);
    expect(() => fold(bare(['001\ta\t000\tidea\tcrash\t\t']))).toThrow('say --direction minimize or --direction maximize');
    expect(fold(bare(['001\ta\t000\tidea\tcrash\t\t']), null, { metric: null, direction: 'maximize' }).imported?.grounds).toBe('metric zeal (from its place after status: no change proves it), maximized (as asked)');
  });

  test('without a keep the direction is the one in which discards were not better', () => {
    expect(fold(bare(['001\ta\t000\tidea\tdiscard\t2\t+1'])).started?.objective.direction).toBe('minimize');
    expect(fold(bare(['001\ta\t000\tidea\tdiscard\t0.5\t-0.5'])).started?.objective.direction).toBe('maximize');
  });

  test('a flag that names no column, a head without a status and a file that is no trace are refused', () => {
    expect(() => fold(tsv(WHOLE), null, { metric: 'loss', direction: null })).toThrow('has no column loss to be the metric: it has val_bpb, train_s, eval_s, total_s');
    expect(() => fold('name\tvalue\nx\t1\n')).toThrow('results.tsv:1 has no column exp_id, specialist, parent_exp, hypothesis, status');
    expect(() => fold('')).toThrow('results.tsv begins with an empty line, or is empty');
    expect(() => fold(`${HEAD.join('\t')}\tval_bpb\n`)).toThrow('names the column val_bpb twice');
  });
});

describe('consistency', () => {
  const changed = (id: string, cells: Cells): Lineage => fold(tsv(WHOLE.map((row) => (row.exp_id === id ? { ...row, ...cells } : row))));

  test('a whole trace proves its changes and its decisions', () => {
    expect(consistency(fold(tsv(WHOLE)))).toEqual({ changes: 4, keeps: 2, discards: 2, uncompared: 0, contradictions: [] });
  });

  test('a change that is not the difference, a keep that is worse and a discard that is better are found', () => {
    expect(consistency(changed('001', { delta_vs_best: '+0.000600' })).contradictions).toEqual([{ trial: 't0001', what: 'change', says: 'says +0.000600, and 1.100500 against 1.100000 of t0000 is +0.000500' }]);
    expect(consistency(changed('003', { val_bpb: '1.099500', delta_vs_best: '+0.000500' })).contradictions.map(({ trial, what }) => [trial, what])).toContainEqual(['t0003', 'keep']);
    expect(consistency(changed('001', { val_bpb: '1.099900', delta_vs_best: '-0.000100' })).contradictions.map(({ trial, what }) => [trial, what])).toEqual([['t0001', 'discard']]);
  });
});

describe('our own results.tsv', () => {
  test('is read back whole: the same trials, parents, statuses, scores and changes', () => {
    const { run, lineage } = syntheticRun(60, ['"Muon" first', 'a "quoted" idea with a\ttab']);
    const results = resultsTable(run, lineage, ['val_bpb', 'delta_vs_best', 'artifact_bytes', 'train_s', 'eval_s', 'total_s']);
    const back = fold(results, treeTable(lineage));
    expect(back.imported).toMatchObject({ damagedRows: [], damagedCells: [], notices: [], tree: { differing: [], reworded: 0 } });
    expect(back.started?.objective).toMatchObject({ metric: 'val_bpb', direction: 'minimize' });
    const known = (from: Lineage): unknown[] => endedRows(from).map((row) => [row.trial, row.trial === 't0000' ? '' : row.proposal.parent, statusOf(row), row.result?.score?.toFixed(6) ?? null, row.proposal.hypothesis.replace(/\t/g, ' ')]);
    expect(known(back)).toEqual(known(lineage));
    expect(back.bests.map(({ trial }) => trial)).toEqual(lineage.bests.map(({ trial }) => trial));
    const again = resultsTable(run, back, back.imported?.columns ?? []);
    expect(resultsTable(run, fold(again), back.imported?.columns ?? [])).toBe(again);
  });
});

describe('a reader of the reference’s tables', () => {
  test('reads ours: Python’s csv with tabs finds every row whole, and every cell as it was meant', async () => {
    const { run, lineage } = syntheticRun(40, ['"Muon" first', 'five " marks "" in """ one', '"', 'ends with "']);
    const script = 'import csv, json, sys\nprint(json.dumps(list(csv.DictReader(sys.stdin, delimiter="\\t"))))';
    const { stdout } = await execa((await findToolchain(process.cwd())).python, ['-c', script], { input: resultsTable(run, lineage, HEAD.slice(9, 15)) });
    const rows = JSON.parse(stdout) as Record<string, string | null>[];
    expect(rows.map((row) => [row.exp_id, row.hypothesis, row.status])).toEqual(endedRows(lineage).map((row) => [row.trial.slice(2), row.proposal.hypothesis, statusOf(row)]));
    for (const row of rows) expect(Object.keys(row)).toEqual([...HEAD]);
    expect(rows.flatMap((row) => Object.values(row))).not.toContain(null); // a short row would have one
  });
});

describe('what is kept', () => {
  let folder: string;
  beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'brigade-traces-')); });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('the files are copied to the byte, and a copy that was changed is known', async () => {
    const results = Buffer.concat([Buffer.from(tsv(WHOLE)), Buffer.from([0xff, 0xfe, 0x0a])]); // a last line that is no UTF-8
    await writeFile(join(folder, 'results.tsv'), results);
    const files = await findTrace(folder);
    await keepTrace(join(folder, 'kept'), files, noteOf(files, NOT_ASKED));
    expect(Buffer.compare(await readFile(join(folder, 'kept', 'import', 'results.tsv')), results)).toBe(0);
    expect((await openTrace('made', join(folder, 'kept')))?.imported).toMatchObject({ intact: true, damagedRows: [{ line: 11, reason: '1 cell of 18' }] });
    await writeFile(join(folder, 'kept', 'import', 'results.tsv'), `${tsv(WHOLE)}${line({ ...WHOLE[7], exp_id: '008' })}\n`);
    expect((await openTrace('made', join(folder, 'kept')))?.imported?.intact).toBe(false);
  });

  test('a folder without a note is no imported run, and one without a table says what to give', async () => {
    expect(await openTrace('made', folder)).toBeNull();
    await expect(findTrace(join(folder, 'nothing'))).rejects.toThrow('has no results.tsv: give the file itself, or the folder of a run that has one');
  });
});
