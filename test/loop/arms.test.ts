import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openProject, type Project } from '../support/program.ts';
import { expectWhole } from './ledger.ts';

let project: Project;
beforeAll(async () => { project = await openProject(); });
afterAll(() => project[Symbol.asyncDispose](), 240_000);

test.each([
  ['--no-lineage', ['--no-lineage'], { arm: { kind: 'specialists', agents: 4, ownership: 'enforced', lineage: false } }],
  ['--keep strict', ['--keep', 'strict'], { keep: { kind: 'strict' } }],
  ['--arm single', ['--arm', 'single'], { roster: ['generalist'], arm: { kind: 'single', agents: 1, ownership: 'advisory', lineage: true } }],
  ['--arm generic-2', ['--arm', 'generic-2'], { roster: ['generalist-1', 'generalist-2'], arm: { kind: 'generic', agents: 2, ownership: 'advisory', lineage: true } }],
])('a run with %s ends well, and its first fact says so', async (name, flags, says) => {
  const run = name.replaceAll(/[^a-z0-9]+/g, '-').slice(1);
  const done = await project.brigade(['run', 'tiny', '--trials', '3', '--minutes', '5', '--name', run, '--json', ...flags]);
  expect({ code: done.code, err: done.err }).toEqual({ code: 0, err: '' });
  const { facts, lineage } = await expectWhole(project, run);
  expect(lineage.admittedCount).toBe(3);
  expect(facts[0]).toMatchObject({ word: 'run.started', body: says });
  expect(JSON.parse(await readFile(join(project.runs, run, 'run.json'), 'utf8')), 'so that nobody else is started by hand').toMatchObject({ agents: lineage.started?.roster });
  const authors = new Set([...lineage.trials.values()].slice(1).map((row) => row.proposal.specialist));
  for (const author of authors) expect(lineage.started?.roster).toContain(author);
  if (name === '--no-lineage') for (const row of lineage.trials.values()) expect(row.feedback).toBeNull();
  if (name === '--keep strict') for (const row of lineage.trials.values()) expect([...row.replicates.keys()].some((replicate) => replicate.startsWith('c'))).toBe(false);
  await project.quiet();
}, 240_000);

test('calibrating alone measures the baseline, keeps it for later runs and tries nothing', async () => {
  await project.forgetCalibrations();
  const done = await project.brigade(['calibrate', 'tiny', '--name', 'calibration', '--json']);
  expect({ code: done.code, err: done.err }).toEqual({ code: 0, err: '' });
  const { facts, lineage } = await expectWhole(project, 'calibration');
  expect(lineage.admittedCount).toBe(0);
  expect(lineage.calibration?.reusedFrom).toBeNull();
  expect(await readdir(join(project.runs, 'calibration')), 'what its evaluator worked in is gone').not.toEqual(expect.arrayContaining([expect.stringMatching(/^(work|scratch)$/)]));
  expect(facts.at(-1)).toMatchObject({ word: 'run.stopped', body: { reason: 'trial limit of 0 reached' } });
  const next = await project.brigade(['run', 'tiny', '--trials', '1', '--name', 'after-calibration', '--json']);
  expect(next.code).toBe(0);
  expect((await expectWhole(project, 'after-calibration')).lineage.calibration?.reusedFrom).toBe('calibration');
  await project.quiet();
}, 240_000);
