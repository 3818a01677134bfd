import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PauseRun, ResumeRun } from '../../src/protocols/run.ts';
import { natsServer } from '../support/nats.ts';

const python = join(import.meta.dirname, '..', '..', '.brigade', 'test-python', 'bin', 'python');
if (!existsSync(python)) process.stderr.write(`SKIPPED: no nats-py client at ${python}: npm test makes it, npm run setup -- --test makes it alone\n`);

test.skipIf(!existsSync(python))('a Python client with the operator’s key follows a run, asks a state, pauses and resumes, reads the journal and can say no fact', async () => {
  await using server = await natsServer();
  const run = 'r1';
  const session = await server.run(run);
  const broker = await server.session('broker');
  const asked: string[] = [];
  await using _p = broker.bus.serve(PauseRun, { run }, () => { asked.push('pause'); return { ok: true, message: 'paused' }; });
  await using _r = broker.bus.serve(ResumeRun, { run }, () => { asked.push('resume'); return { ok: true, message: 'resumed' }; });
  await using _a = broker.presence({ run }).announce({ actor: 'broker', name: 'main', run, read: () => ({ state: 'running', why: 'a result', context: {} }) });

  const child = spawn(python, [join(import.meta.dirname, 'client.py'), server.server.url, server.server.keyFile('operator') ?? '', run], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let errors = '';
  let subscribed = (): void => {};
  const ready = new Promise<void>((resolve) => { subscribed = resolve; });
  child.stdout.on('data', (bytes: Buffer) => { out += bytes.toString(); if (out.includes('subscribed')) subscribed(); });
  child.stderr.on('data', (bytes: Buffer) => { errors += bytes.toString(); });
  const ended = new Promise<number | null>((resolve) => { child.once('close', (code) => { subscribed(); resolve(code); }); });
  await ready;
  await session.journal(run).record('handoff.offered', ['h1'], { from: 'kernel', to: 'data', file: 'data.py', symbol: null, hint: 'a hint', trial: null });
  expect([await ended, errors]).toEqual([0, expect.not.stringContaining('Traceback')]);
  const said = Object.assign({}, ...out.trim().split('\n').slice(1).map((line) => JSON.parse(line) as object)) as object;
  expect(said).toMatchObject({ followed: `brigade.evt.${run}.handoff.offered.h1`, body: { hint: 'a hint' }, state: 'running', pause: true, resume: true, journal: `brigade.evt.${run}.handoff.offered.h1`, position: 1, forged: false });
  expect(asked).toEqual(['pause', 'resume']);
  expect(await session.journal(run).position()).toBe(1);
});
