import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openProject, type Project } from '../support/program.ts';
import { expectWhole } from './ledger.ts';

// A run in which every daemon kills itself at each step that matters, one after another: what is not said yet is said by whoever comes next, and nothing twice.

let project: Project;
beforeAll(async () => { project = await openProject(); });
afterAll(() => project[Symbol.asyncDispose](), 240_000);

/** Steps at which work or a word could be lost; a later n lets the daemon do some work first. No daemon has more than its supervisor forgives. */
const POINTS = [
  'broker.after-trial.admitted:2', 'broker.after-lease.granted:2', 'broker.after-run.best:1', 'broker.before-trial.result:2', 'broker.before-run.stopped:1',
  'evaluator.after-node.enrolled:1', 'evaluator.at-smoke:1', 'evaluator.at-train:4', 'evaluator.at-eval:3',
  'evaluator.before-trial.measured:3', 'evaluator.after-trial.measured:3', 'evaluator.after-broker.renew:6',
  'specialist.before-broker.propose:1', 'specialist.after-broker.propose:1',
];

test('a run comes to its end whole although its daemons die at every step of it', async () => {
  const run = 'steps';
  expect((await project.brigade(['run', 'tiny', '--trials', '0', '--name', 'canaries'])).code, 'canaries are on record, and the baseline is measured anew').toBe(0);
  await project.forgetCalibrations();
  const done = await project.start(['run', 'tiny', '--trials', '8', '--minutes', '10', '--arm', 'generic-2', '--name', run, '--json'], { BRIGADE_CRASH_AT: POINTS.join(',') }).ended;
  expect({ code: done.code, signal: done.signal }, done.err).toEqual({ code: 0, signal: null });
  const { facts, lineage } = await expectWhole(project, run);
  const story = facts.map(({ seq, word, ids }) => `${seq} ${word} ${ids.join('.')}`).join('\n');
  expect(lineage.stopped, story).toMatch(/trial limit of 8/);
  expect(lineage.admittedCount).toBe(8);
  expect((await readdir(join(project.runs, run, 'crashes'))).sort(), `every step was died at\n${story}`).toEqual(POINTS.map((point) => point.slice(0, point.lastIndexOf(':'))).sort());
  const attempts = [...lineage.trials.values()].flatMap(({ replicates }) => [...replicates.values()].map((each) => each.attempts.length));
  expect(Math.max(...attempts)).toBeGreaterThan(1);
  expect(Math.max(...attempts)).toBeLessThanOrEqual(3);
  await project.quiet();
}, 600_000);

test('a failpoint that cannot be one is refused and says how it is written', async () => {
  const done = await project.brigade(['run', 'tiny', '--trials', '1', '--name', 'misspelt'], { BRIGADE_CRASH_AT: 'broker' });
  expect(done.code).toBe(2);
  expect(await readFile(join(project.runs, 'misspelt', 'logs', 'broker.log'), 'utf8')).toContain('BRIGADE_CRASH_AT=broker must be <daemon>.<step>:<n>');
  await project.quiet();
}, 240_000);
