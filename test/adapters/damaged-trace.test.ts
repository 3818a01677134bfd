import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BadTrace, type Asked } from '../../src/adapters/traces/index.ts';
import { foldTrace } from '../../src/adapters/traces/fold.ts';
import { readTable } from '../../src/adapters/traces/table.ts';
import { readTrace } from '../../src/adapters/traces/trace.ts';
import type { Lineage } from '../../src/domain/lineage.ts';
import { statusOf, statusWord } from '../../src/domain/lineage.ts';
import { summarize } from '../../src/domain/summary.ts';
import { endedRows, preorder, resultsTable } from '../../src/domain/tables.ts';
import { DAMAGED, HEAD, line, tsv, WHOLE } from '../support/made-trace.ts';

const NOT_ASKED: Asked = { metric: null, direction: null };
const fold = (results: string, tree: string | null = null, asked = NOT_ASKED): Lineage => foldTrace('made', readTrace({ results, tree }, asked, 'results.tsv'), { source: 'results.tsv', digest: 'd'.repeat(64), intact: true });
const cellsOf = (results: string): Map<string, Record<string, string>> => {
  const { head, rows } = readTable(results);
  return new Map(rows.map(({ cells }) => [cells[0] ?? '', Object.fromEntries(head.map((name, i) => [name, cells[i] ?? '']))]));
};

describe('a damaged trace', () => {
  const lineage = fold(tsv(DAMAGED));
  const damage = lineage.imported?.damagedRows ?? [];

  test('every damaged row is told by its line, its id where it has one, and why', () => {
    expect(damage.map(({ line: at, trial, reason }) => [at, trial, reason])).toEqual([
      [6, 't0004', '7 cells of 18; tool markup leaked into hypothesis'],
      [8, 't0006', 'status "kept" is unknown'],
      [9, 't0007', 'val_bpb "1.09x" is no measurement'],
      [11, 't0009', '4 cells of 18'],
      [12, 't0010', 'parent_exp 12 does not come before it'],
      [13, null, 'exp_id 3 was used on line 5'],
      [14, 't0011', 'timestamp "yesterday" is no time'],
      [15, null, 'exp_id "x12" is no id'],
      [16, 't0013', 'keep without val_bpb'],
      [18, 't0015', 'specialist "not a name" is no name'],
      [19, 't0016', 'parent_exp "" is no id'],
      [20, 't0017', 'artifact_bytes "-7" is no count'],
      [21, 't0018', 'a second baseline'],
      [22, 't0019', '19 cells of 18'],
      [23, 't0020', 'val_bpb "1e999" is no measurement'],
    ]);
  });

  test('each is kept as it was written, and has neither ending nor score', () => {
    const lines = tsv(DAMAGED).split('\n');
    for (const { line: at, raw, trial } of damage) {
      expect(raw).toBe(lines[at - 1]);
      const row = trial === null ? undefined : lineage.trials.get(trial);
      if (row && trial !== 't0003') expect([row.result, statusWord(lineage, row)]).toEqual([null, 'damaged']);
    }
  });

  test('the cells before leaked markup say where a row stands, and a row that was cut off stands nowhere', () => {
    expect(damage.filter(({ place }) => place === null).map(({ line: at }) => at)).toEqual([11, 12, 13, 15, 18, 19, 22]);
    expect(lineage.trials.get('t0004')?.proposal).toMatchObject({ specialist: 'opt', parent: 't0003' });
    expect(lineage.trials.get('t0004')?.proposal.hypothesis).toContain('(damaged row, line 6: 7 cells of 18; tool markup leaked into hypothesis) raise the rate</hypothesis>');
    expect(lineage.trials.has('t0009')).toBe(false);
    expect(preorder(lineage, () => true).find(({ row }) => row.trial === 't0005')?.depth).toBe(4); // under the damaged t0004
  });

  test('a cell that cannot be read leaves its row standing, without that value', () => {
    expect(lineage.imported?.damagedCells.map(({ line: at, column, reason, raw }) => [at, column, reason, raw])).toEqual([
      [10, 'expected_delta', '"minus_0.001" is no number', 'minus_0.001'], [10, 'notes', 'tool markup leaked into it', 'one line changed</notes> </invoke>'],
    ]);
    expect(lineage.trials.get('t0008')).toMatchObject({ proposal: { parent: 't0003', expectedDelta: NaN }, result: { status: 'discard', score: 1.0985 } });
    expect(cellsOf(resultsTable('made', lineage, HEAD.slice(9, 15))).get('008')?.expected_delta).toBe('');
    expect(lineage.imported?.notices).toEqual(['ids written exp_NNN are read as NNN: 1 row']);
  });

  test('a quotation mark that never closes costs no row', () => {
    expect(lineage.trials.get('t0014')).toMatchObject({ proposal: { hypothesis: '"never closed, and yet a row' }, result: { score: 1.0991 } });
  });

  test('damaged rows count as trials and under no status', () => {
    expect(summarize('made', lineage)).toMatchObject({ trials: 7 + damage.length, keeps: 3, discards: 4, failures: 0, damaged: damage.length, waiting: 0 });
    expect(endedRows(lineage)).toHaveLength(8);
    expect(lineage.bests.at(-1)?.trial).toBe('t0021');
  });

  test('tree.tsv beside it places a row that its own cells do not, and overrules none', () => {
    const tree = ['exp_id\tparent_exp\tdepth\tpath\tspecialist\tstatus\tval_bpb\tdelta_vs_best\thypothesis', '000\t\t0\t000\tbaseline\tbaseline\t1.100000\t\tcalibrated baseline',
      '002\t000\t1\t000/002\topt\tdiscard\t1.099000\t-0.001000\tidea 002 of opt', '003\t002\t2\t000/002/003\tarch\tkeep\t1.098000\t-0.001000\tidea 003, reworded',
      '009\t003\t3\t000/002/003/009\topt\tdiscard\t\t\tcut off', '004\t002\t3\t000/002/004\topt\tdiscard\t\t\telsewhere', '099\t003\t3\t000/002/003/099\topt\tdiscard\t\t\tnowhere', '7 cells', ''].join('\n');
    const beside = fold(tsv(DAMAGED), tree);
    expect(beside.trials.get('t0009')?.proposal).toMatchObject({ specialist: 'opt', parent: 't0003' });
    expect(beside.imported?.damagedRows.find(({ trial }) => trial === 't0009')?.place).toBe('tree.tsv');
    expect(beside.imported?.damagedRows.find(({ trial }) => trial === 't0009')?.elsewhere).toBe('discard'); // told, and counted by nobody
    expect(beside.trials.get('t0009')?.result).toBeNull();
    expect(beside.imported?.damagedRows.find(({ trial }) => trial === 't0004')).toMatchObject({ place: null, reason: '7 cells of 18; tool markup leaked into hypothesis; tree.tsv puts it elsewhere' });
    expect(statusOf(beside.trials.get('t0002') ?? never())).toBe('keep');
    expect(beside.imported?.tree?.reworded).toBe(1);
    expect(beside.imported?.tree?.differing.map(({ what }) => what)).toEqual(['1 cell of 9', 't0001 is not in it', 't0002 status discard, not keep', 't0005 is not in it', 't0008 is not in it', 't0014 is not in it', 't0021 is not in it', 't0099 is not in results.tsv']);
  });

  test('what stands on a trial without a place is shown as a root of its own', () => {
    const tree = '004\t002'; // says of t0004 what its own cells do not
    const head = 'exp_id\tparent_exp\tspecialist\tstatus';
    const beside = fold(tsv(DAMAGED), `${head}\n${tree}\topt\tdiscard\n`);
    expect(beside.trials.has('t0004')).toBe(false);
    expect(preorder(beside).filter(({ depth }) => depth === 0).map(({ row }) => row.trial)).toEqual(['t0000', 't0005']);
    expect(beside.imported?.notices).toContain('parents without a place: 1 trial, shown as roots of their own');
  });

  test('a trace without a baseline row has a root whose score nobody knows', () => {
    const rootless = fold(tsv(WHOLE.slice(1)));
    expect(rootless.imported?.notices).toEqual(['there is no readable baseline row: the score of the root is unknown']);
    expect(rootless.trials.get('t0000')?.result).toBeNull();
    expect(rootless.bests.map(({ trial, score }) => [trial, score])).toEqual([['t0000', null], ['t0002', 1.099], ['t0003', 1.098]]);
  });
});

describe('a trace broken at random', () => {
  const cell = fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom('', '"', '""', 'nan', '-', '1e400', 'exp_', '</notes>', '<parameter name="x">', '\t', '\n', '007', '-1', '9'.repeat(30), 'keep', 'baseline', '2026-13-45T00:00:00Z'));

  test('is read to its end: every line is a whole row or a damaged one, and the rows that were not touched are as they were', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 0, max: 17 }), cell, fc.constantFrom('replace', 'insert', 'remove'), (at, column, text, how) => {
      fc.pre(how === 'insert' || column !== 0 || !/^\s*(exp_?)?\d{1,7}\s*$/i.test(text)); // another id is another trial, and whoever comes first has it
      const rows = WHOLE.map((row, i) => {
        const cells = line(row).split('\t');
        if (i !== at || row.exp_id === '005') return line(row); // 005 has a quoted cell, whose tab is no border
        cells.splice(column, how === 'insert' ? 0 : 1, ...(how === 'remove' ? [] : [text]));
        return cells.join('\t');
      });
      const lineage = fold(tsv(rows));
      const damaged = lineage.imported?.damagedRows ?? [];
      const whole = [...lineage.trials.values()].filter((row) => row.result !== null);
      expect(whole.length + damaged.length).toBe(lineage.imported?.rows);
      expect(lineage.odd + lineage.superseded).toBe(0);
      const untouched = WHOLE.filter((row, i) => i !== at || row.exp_id === '005');
      for (const { exp_id: id = '', status, val_bpb: score } of untouched) expect(lineage.trials.get(`t0${id}`)?.result).toMatchObject({ status, score: score === undefined ? null : Number(score) });
    }), { numRuns: 600, seed: 7 });
  });

  test('whatever the bytes are, it is read or refused in words', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.boolean(), (text, hasHead) => {
      const results = hasHead ? `${HEAD.join('\t')}\n${text}` : text;
      try { fold(results, text, { metric: null, direction: 'minimize' }); } catch (error) { expect(error).toBeInstanceOf(BadTrace); }
    }), { numRuns: 300, seed: 7 });
  });
});

function never(): never { throw new Error('this cannot be'); }
