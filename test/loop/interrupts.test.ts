import { afterAll, beforeAll, expect, test } from 'vitest';
import { openProject, type Project } from '../support/program.ts';
import { expectWhole } from './ledger.ts';

let project: Project;
beforeAll(async () => { project = await openProject(); });
afterAll(() => project[Symbol.asyncDispose](), 240_000);

const ARGS = ['run', 'tiny', '--minutes', '5', '--arm', 'generic-2', '--json'];

test.each(['SIGINT', 'SIGTERM'] as const)('one %s finishes what is leased and is answered with 130; the resumed run goes on to its limit, and further when asked', async (signal) => {
  const run = `once-${signal.toLowerCase()}`;
  const running = project.start([...ARGS, '--trials', '5', '--name', run]);
  await running.until((line) => line.event === 'lease.granted' && line.trial === 't0001');
  running.signal(signal);
  const stopped = await running.ended;
  expect({ code: stopped.code, err: stopped.err }).toEqual({ code: 130, err: '' });
  await project.quiet();
  const first = await expectWhole(project, run);
  expect(first.lineage.stopped).toBe('stopped by its operator');
  expect(first.lineage.leases.size, 'everything leased was finished').toBe(0);
  expect(first.facts.filter((fact) => fact.word === 'lease.granted').length).toBe(first.facts.filter((fact) => fact.word === 'trial.measured' || fact.word === 'lease.lapsed').length); // a needless one is let go

  const resumed = await project.brigade(['run', '--resume', run, '--json']);
  expect({ code: resumed.code, err: resumed.err }).toEqual({ code: 0, err: '' });
  const second = await expectWhole(project, run);
  expect(second.facts.slice(0, first.facts.length), 'what was recorded stands').toEqual(first.facts);
  expect(second.lineage.stopped).toMatch(/trial limit of 5/);
  expect(second.lineage.admittedCount).toBe(5);

  if (signal === 'SIGTERM') return project.quiet();
  const more = await project.brigade(['run', '--resume', run, '--trials', '+2', '--json']);
  expect({ code: more.code, err: more.err }).toEqual({ code: 0, err: '' });
  const third = await expectWhole(project, run);
  expect(third.facts.slice(0, second.facts.length)).toEqual(second.facts);
  expect(third.lineage.admittedCount).toBe(7);
  await project.quiet();
}, 300_000);

test('a second SIGINT stops at once, and the resumed run measures again what was cut off', async () => {
  const run = 'twice';
  const running = project.start([...ARGS, '--trials', '5', '--name', run]);
  await running.until((line) => line.event === 'lease.granted' && line.trial === 't0001');
  running.signal('SIGINT');
  running.signal('SIGINT');
  const stopped = await running.ended;
  expect({ code: stopped.code, err: stopped.err }).toEqual({ code: 130, err: '' });
  await project.quiet();
  const resumed = await project.brigade(['run', '--resume', run, '--json']);
  expect({ code: resumed.code, err: resumed.err }).toEqual({ code: 0, err: '' });
  const { lineage } = await expectWhole(project, run);
  expect(lineage.admittedCount).toBe(5);
  await project.quiet();
}, 300_000);

test('a signal that comes before there is a broker to hear it is not forgotten', async () => {
  const run = 'early';
  const running = project.start([...ARGS, '--trials', '500', '--name', run]);
  await running.until((line) => line.event === 'view.began');
  running.signal('SIGINT');
  const stopped = await running.ended;
  expect({ code: stopped.code, err: stopped.err }).toEqual({ code: 130, err: '' });
  const { lineage } = await expectWhole(project, run);
  expect(lineage.stopped).toBe('stopped by its operator');
  await project.quiet();
}, 120_000);

test('a SIGTERM that reaches the daemons too, as a service manager sends it, ends the run as one to the run alone does', async () => {
  const run = 'grouped';
  const running = project.start([...ARGS, '--trials', '500', '--name', run]);
  await running.until((line) => line.event === 'lease.granted' && line.trial === 't0001');
  for (const { pid, args } of await project.processes()) if (args.some((arg) => arg.endsWith('/dist/main.js'))) process.kill(pid, 'SIGTERM');
  const stopped = await running.ended;
  expect({ code: stopped.code, err: stopped.err }).toEqual({ code: 130, err: '' });
  await project.quiet();
  expect((await expectWhole(project, run)).lineage.stopped).toBe('stopped by its operator');
}, 300_000);
