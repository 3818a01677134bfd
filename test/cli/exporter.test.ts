import { expect, test } from 'vitest';
import { virtualClock } from '../../src/adapters/memory/index.ts';
import { keepExported } from '../../src/cli/exporter.ts';
import { defaultColumns } from '../../src/domain/tables.ts';
import { syntheticRun } from '../support/synthetic-run.ts';

const made = syntheticRun(40);
const source = { ...made, dir: '', columns: defaultColumns('val_bpb'), standalone: {} };
const results = made.facts.filter(({ word }) => word === 'trial.result');

test('a run’s folder is written at once, then not again for half a minute however many trials end, and whole at the end', async () => {
  const clock = virtualClock(0);
  const written: [atMs: number, parts: string][] = [];
  const exporting = keepExported(source, clock, async (_source, options) => { written.push([clock.now(), options?.parts?.join(' ') ?? 'all']); return { files: [] }; });
  const begunMs = clock.now();
  for (const fact of results.slice(0, 30)) { exporting.note(fact); await clock.advance(1_000); }
  for (const fact of results.slice(30)) { exporting.note(fact); await clock.advance(1_000); }
  await exporting.last();
  expect(written.map(([atMs, parts]) => [atMs - begunMs, parts])).toEqual([[0, 'tables best trials'], [30_000, 'tables best trials'], [results.length * 1_000, 'all']]);
});

test('a folder that cannot be written ends no run', async () => {
  const clock = virtualClock(0);
  let calls = 0;
  const exporting = keepExported(source, clock, async () => { calls += 1; throw new Error('the disk is full'); });
  for (const fact of results.slice(0, 2)) exporting.note(fact);
  await exporting.last();
  expect(calls).toBe(2);
});
