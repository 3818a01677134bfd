import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Pulse } from '../../src/protocols/actor.ts';
import { StopRun } from '../../src/protocols/run.ts';
import { openProject, type Printed, type Project } from '../support/program.ts';
import { expectWhole } from './ledger.ts';

// A second broker beside that of a run: it follows one that was stopped and one that was killed, and the run goes on.

let project: Project;
beforeAll(async () => { project = await openProject(); });
afterAll(() => project[Symbol.asyncDispose](), 240_000);

const RUN = 'stand-by';
const isResult = (line: Printed): boolean => line.event === 'trial.result' && line.trial !== 't0000';
const isTerm = (n: number) => (line: Printed): boolean => line.event === 'broker.took' && line.term === n;

test('a broker that is stopped is followed by the one that stands by, stands by itself when it goes on, and follows that one when it is killed', async () => {
  const running = project.start(['run', 'tiny', '--trials', '60', '--minutes', '8', '--arm', 'generic-2', '--ttl', '60', '--priority', '2', '--name', RUN, '--json']);
  const seq = (line: Printed): number => Number(line.seq);
  const resultAfter = (line: Printed): Promise<Printed> => running.until((each) => isResult(each) && seq(each) > seq(line));
  await resultAfter(await running.until(isTerm(1)));
  const first = (await project.processes()).find(({ args }) => args[2] === 'broker' && args.includes(RUN))?.pid ?? 0;
  expect(first).not.toBe(0);
  const other = project.start(['broker', '--run', RUN]);
  const words = (log: string): string[] => log.split('\n').filter((line) => line.startsWith('{')).map((line) => String((JSON.parse(line) as { message?: unknown }).message));
  await using supervisor = await project.session(RUN, 'supervisor');
  await new Promise<void>((resolve) => { supervisor.bus.listen(Pulse, { run: RUN, actor: 'broker' }, ({ state }, { name }) => { if (state === 'standby' && name !== 'main') resolve(); }); });

  process.kill(first, 'SIGSTOP');
  const second = await running.until(isTerm(2));
  await resultAfter(second);
  process.kill(first, 'SIGCONT');
  await vi.waitFor(async () => { expect(words(await readFile(join(project.runs, RUN, 'logs', 'broker.log'), 'utf8'))).toContain('another broker took over, and this one stands by'); }, { timeout: 60_000, interval: 100 });

  other.signal('SIGKILL');
  await resultAfter(await running.until(isTerm(3)));
  expect(await supervisor.bus.ask(StopRun, { run: RUN }, { now: true }, { timeoutMs: 30_000 })).toMatchObject({ ok: true });
  const done = await running.ended;
  expect({ code: done.code, signal: done.signal }, done.err).toEqual({ code: 0, signal: null });
  await project.quiet();
  const { facts, lineage } = await expectWhole(project, RUN);
  expect(lineage.started, 'what its slots must be, and its share of them').toMatchObject({ slotKind: 'cpu', priority: 2 });
  expect(lineage.started).not.toHaveProperty('wholeNode');
  expect(facts.flatMap((fact) => (fact.word === 'broker.took' ? [fact.ids[0]] : []))).toEqual(['1', '2', '3']);
  expect(facts.filter((fact) => fact.word === 'lease.lapsed' && /did not renew/.test(fact.body.reason)), 'every lease was renewed by somebody in time').toEqual([]);
}, 400_000);
