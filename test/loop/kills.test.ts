import { readFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openProject, type Printed, type Process, type Project, type Running } from '../support/program.ts';
import { expectWhole } from './ledger.ts';

// kill -9 at five moments of those processes of a run that say nothing themselves; failpoints.test.ts has the others die between their words, and
// soak.test.ts all of them at random. The run goes on, or is resumed, and nothing is lost or said twice.

let project: Project;
beforeAll(async () => { project = await openProject(); });
afterAll(() => project[Symbol.asyncDispose](), 240_000);

/** Moments of a run by what it prints, each looked for after the last. */
const MOMENTS: readonly (readonly [name: string, is: (line: Printed) => boolean])[] = [
  ['after its first fact', (line) => line.event === 'trial.admitted' && line.trial === 't0000'],
  ['while the baseline is calibrated', (line) => line.event === 'lease.granted' && line.trial === 't0000'],
  ['with a lease out', (line) => line.event === 'lease.granted' && line.trial !== 't0000'],
  ['after a measured fact', (line) => line.event === 'trial.measured' && line.trial !== 't0000'],
  ['during a confirmation, or after a result without one', (line) => (line.event === 'lease.granted' && line.purpose === 'confirm') || (line.event === 'trial.result' && line.trial !== 't0000')],
];

const ARGS = ['run', 'tiny', '--trials', '6', '--minutes', '5', '--arm', 'generic-2', '--json'];

const isActor = (word: string) => ({ args }: Process): boolean => args[1]?.endsWith('/dist/main.js') === true && args[2] === word;
const isServer = ({ args }: Process): boolean => args[0]?.endsWith('nats-server') === true;
const KINDS: readonly (readonly [kind: string, is: (process: Process) => boolean])[] = [
  ['lineage keeper', isActor('keeper')],
  ['nats-server', isServer],
];

/** Kills the one process of a kind that is there, or the next that comes; never one that was killed before. */
async function killOne(run: string, is: (process: Process) => boolean, killed: Set<number>): Promise<void> {
  const pid = await vi.waitFor(async () => {
    const found = (await project.processes()).find((each) => is(each) && !killed.has(each.pid) && each.args.some((arg) => arg.includes(run)));
    if (!found) throw new Error(`${run} has no such process to kill`);
    return found.pid;
  }, { timeout: 60_000, interval: 20 });
  killed.add(pid);
  process.kill(pid, 'SIGKILL');
}

/** The first line of a moment after the line at `from`; where it is now. */
async function reach(running: Running, from: number, is: (line: Printed) => boolean): Promise<number> {
  const found = await running.until((line) => is(line) && running.printed.indexOf(line) >= from);
  return running.printed.indexOf(found) + 1;
}

test.each(KINDS)('a run goes on when its %s is killed at five moments', async (kind, is) => {
  const run = `kill-${kind.replaceAll(' ', '-')}`;
  await project.forgetCalibrations();
  const running = project.start([...ARGS, '--name', run]);
  const killed = new Set<number>();
  let at = 0;
  for (const [, moment] of MOMENTS) {
    at = await reach(running, at, moment);
    await killOne(run, is, killed);
  }
  const done = await running.ended;
  expect({ code: done.code, signal: done.signal }, done.err).toEqual({ code: 0, signal: null });
  expect(killed.size).toBe(MOMENTS.length);
  expect(done.err, 'the supervisor tells in sentences of the view; its log is a file').toBe('');
  if (!is({ pid: 0, args: ['nats-server'], environment: '' })) {
    expect(done.printed.find((line) => line.event === 'view.said' && /^[\w-]+ died and is started again$/.test(String(line.line)))).toBeDefined();
    expect(JSON.parse((await readFile(join(project.runs, run, 'logs', 'supervisor.log'), 'utf8')).split('\n')[0] ?? '')).toMatchObject({ level: 'warn', actor: 'supervisor', signal: 'SIGKILL' });
  }
  await project.quiet();
  const { lineage } = await expectWhole(project, run);
  expect(lineage.stopped).toMatch(/trial limit of 6/);
  expect(lineage.admittedCount).toBe(6);
  await project.quiet();
}, 300_000);

test('a run whose supervisor is killed at five moments is resumed each time and ends as if it had not been', async () => {
  const run = 'kill-supervisor';
  await project.forgetCalibrations();
  let running = project.start([...ARGS, '--name', run]);
  const before = new Map<string, string>();
  for (const [, moment] of MOMENTS) {
    const last = (): number => Math.max(0, ...[...before.keys()].map(Number));
    await running.until((line) => moment(line) && Number(line.seq) > last());
    running.signal('SIGKILL');
    for (const line of (await running.ended).printed) if (line.event !== 'view.began' && typeof line.seq === 'number') before.set(String(line.seq), JSON.stringify([line.event, line.trial, line.replicate]));
    await project.quiet(); // whoever it had started goes by itself
    running = project.start(['run', '--resume', run, '--json']);
  }
  const done = await running.ended;
  expect({ code: done.code, signal: done.signal }, done.err).toEqual({ code: 0, signal: null });
  await project.quiet();
  const { facts, lineage } = await expectWhole(project, run);
  expect(lineage.admittedCount).toBe(6);
  for (const fact of facts) {
    const seen = before.get(String(fact.seq));
    if (seen !== undefined) expect(JSON.parse(seen)[0], 'nothing that was said is lost').toBe(fact.word);
  }
  const results = facts.filter((fact) => fact.word === 'trial.result').map((fact) => fact.ids[0]);
  expect(results).toHaveLength(7);
  expect(JSON.parse(await readFile(join(project.runs, run, 'summary.json'), 'utf8'))).toMatchObject({ state: 'stopped' });
  await project.quiet();
}, 300_000);

test('a run whose server cannot have its port again ends and says so, and is resumed when it can', async () => {
  const run = 'kill-port';
  const running = project.start([...ARGS, '--name', run]);
  await running.until((line) => line.event === 'trial.result' && line.trial !== 't0000');
  const { url } = JSON.parse(await readFile(join(project.runs, run, 'live.json'), 'utf8')) as { url: string };
  running.signal('SIGSTOP'); // so that somebody else is quicker
  await killOne(run, isServer, new Set());
  const sockets = new Set<Socket>();
  const squatter = createServer((socket) => { sockets.add(socket.on('error', () => undefined)); socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'); });
  await vi.waitFor(() => new Promise<void>((resolve, reject) => { squatter.once('error', reject).listen(Number(new URL(url).port), '127.0.0.1', resolve); }), { timeout: 60_000, interval: 50 });
  running.signal('SIGCONT');
  const lost = await running.ended;
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => { squatter.close(resolve); });
  expect({ code: lost.code, signal: lost.signal }, lost.err).toEqual({ code: 2, signal: null });
  expect(lost.err).toMatch(new RegExp(`${run} has no server any more: 127\\.0\\.0\\.1:\\d+ is in use.*brigade run --resume ${run}`));
  await project.quiet();

  const done = await project.brigade(['run', '--resume', run, '--json']);
  expect({ code: done.code, err: done.err }).toEqual({ code: 0, err: '' });
  expect((await expectWhole(project, run)).lineage.admittedCount).toBe(6);
  await project.quiet();
}, 300_000);
