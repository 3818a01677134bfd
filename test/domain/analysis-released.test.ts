import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { findTrace, foldFiles } from '../../src/adapters/traces/index.ts';
import { readTable } from '../../src/adapters/traces/table.ts';
import { analyze, type Analysis } from '../../src/domain/analysis/analysis.ts';
import { consistency } from '../../src/domain/consistency.ts';
import type { Lineage } from '../../src/domain/lineage.ts';
import { preorder, resultsTable, treeTable } from '../../src/domain/tables.ts';

// The runs that the paper released. They are not ours to commit: where they lie beside the repository they are read, elsewhere this says so.
const FOLDER = join('..', 'shared', 'traces');
const NAMES = ['cifar', 'nanochat_d12', 'pg_ablation_lineage_on'] as const;
const present = NAMES.every((name) => existsSync(join(FOLDER, name, 'results.tsv')));
if (!present) process.stderr.write(`SKIPPED: the counts of the paper's released runs are not checked, because ${FOLDER} is not here\n`);

type Name = (typeof NAMES)[number];
const runs = new Map<Name, { readonly lineage: Lineage; readonly results: string; readonly tree: string; readonly analysis: Analysis }>();
beforeAll(async () => {
  if (!present) return;
  for (const name of NAMES) {
    const files = await findTrace(join(FOLDER, name));
    const lineage = foldFiles(name, files, { metric: null, direction: null });
    const [analysis] = analyze([{ run: name, lineage }]);
    if (analysis) runs.set(name, { lineage, results: files.results, tree: files.tree ?? '', analysis });
  }
});
const run = (name: Name): NonNullable<ReturnType<typeof runs.get>> => runs.get(name) ?? (() => { throw new Error(`${name} was not read`); })();

describe.skipIf(!present)('the released runs', () => {
  test('CIFAR: 97 trials, 81 disqualified, 4 keeps, best 25.1464 s at trial 070', () => {
    const { outcomes } = run('cifar').analysis;
    expect(outcomes).toMatchObject({ trials: 97, counts: { disqualified: 81, preflight_crash: 7, discard: 5, keep: 4 }, best: { trial: 't0070', score: 25.1464 }, baseline: 26.356 });
    expect(outcomes.relative).toBeCloseTo(-0.0459, 4);
  });

  test('NanoChat: 200 trials, 5 keeps, 0.2244 at trial 156', () => {
    const { outcomes } = run('nanochat_d12').analysis;
    expect(outcomes).toMatchObject({ trials: 200, counts: { discard: 177, preflight_crash: 13, train_budget_overrun: 5, keep: 5 }, best: { trial: 't0156', score: 0.2244 }, trainOverruns: 5 });
    expect(outcomes.relative).toBeCloseTo(0.387, 3);
  });

  test('Parameter Golf with lineage: 200 trials, 16 keeps, 1.073142 at trial 176, 38 evaluation overruns, 15 heads, 8 of 10 specialists, 154 of 184 and 10 of 12 across roles', () => {
    const { outcomes, edges } = run('pg_ablation_lineage_on').analysis;
    expect(outcomes).toMatchObject({ trials: 200, counts: { keep: 16, eval_budget_overrun: 38 }, best: { trial: 't0176', score: 1.073142 }, evalOverruns: 38 });
    expect(outcomes.evalOverruns / outcomes.trials).toBe(0.19);
    expect(edges).toMatchObject({ heads: 15, specialistsWithKeep: 8, specialists: 10, parents: { cross: 154, all: 184 }, keeps: { cross: 10, all: 12 } });
  });

  test('the strict architecture-domain count is 20 on CIFAR and 42 on NanoChat', () => {
    expect([run('cifar').analysis.edges.architecture, run('nanochat_d12').analysis.edges.architecture]).toEqual([20, 42]);
  });

  test.each(NAMES)('%s: no row is damaged, its tree agrees, and every change and decision follows from the scores', (name) => {
    const { lineage } = run(name);
    expect(lineage.imported).toMatchObject({ damagedRows: [], damagedCells: [], tree: { differing: [] } });
    expect(lineage.odd + lineage.superseded).toBe(0);
    const { changes, keeps, discards, uncompared, contradictions } = consistency(lineage);
    const { counts } = run(name).analysis.outcomes;
    expect({ keeps, discards, uncompared, contradictions }).toEqual({ keeps: counts.keep, discards: counts.discard, uncompared: 0, contradictions: [] });
    expect(changes).toBe(keeps + discards);
  });

  test.each(NAMES)('%s: our results.tsv of it has the same columns and cells, but for the names of jobs and the digits of what authors typed', (name) => {
    const { lineage, results } = run(name);
    const theirs = readTable(results);
    const ours = readTable(resultsTable(name, lineage, lineage.imported?.columns ?? []));
    expect(ours.head).toEqual(theirs.head);
    const typed = theirs.head.indexOf('expected_delta');
    const apart = new Set([typed, theirs.head.indexOf('job_name'), theirs.head.indexOf('n_seeds')]);
    const told = (cells: readonly string[]): readonly string[] => cells.filter((_, i) => !apart.has(i));
    expect(ours.rows.map(({ cells }) => told(cells))).toEqual(theirs.rows.map(({ cells }) => told(cells.map((cell) => cell.trim()))));
    expect(ours.rows.map(({ cells }) => Number(cells[typed]))).toEqual(theirs.rows.map(({ cells }) => Number(cells[typed])));
  });

  test.each(NAMES)('%s: our tree.tsv of it is theirs line by line, but for hypotheses that were worded otherwise', (name) => {
    const { lineage, tree } = run(name);
    const ours = treeTable(lineage).split('\n');
    const theirs = tree.split('\n');
    const place = (text: string): string => text.split('\t').slice(0, -1).join('\t');
    expect(ours.map(place)).toEqual(theirs.map(place));
    expect(ours.filter((text, i) => text !== theirs[i])).toHaveLength(lineage.imported?.tree?.reworded ?? -1);
    expect(preorder(lineage)).toHaveLength(theirs.length - 2);
  });
});
