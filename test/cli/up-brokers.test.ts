import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { openClock } from '../../src/adapters/clock/index.ts';
import { brokersIn } from '../../src/cli/up-brokers.ts';
import type { Clock } from '../../src/ports.ts';
import { natsServer } from '../support/nats.ts';
import { STARTED } from '../support/story.ts';

const root = join(import.meta.dirname, '..', '..');

test('a broker that waits for a server which is away can be let go all the same', async () => {
  await using server = await natsServer();
  const supervisor = await server.run('r1');
  await supervisor.journal('r1').record('run.started', [], { ...STARTED, surface: 'tiny', snapshot: await supervisor.blobs('r1').put(new TextEncoder().encode('{}')) });
  const session = await server.session('broker');
  const real = session.journal('r1');
  let [looks, laterMs] = [0, 0];
  const clock: Clock = { now: () => performance.now() + laterMs, wait: (ms, signal) => openClock().wait(ms, signal) };
  const journal = { ...real, position: () => { looks += 1; return real.position(); } };
  const keep = await brokersIn({ root, runs: join(server.dir, 'runs') }, { bus: session.bus, blobs: session.blobs, presence: () => session.presence({ run: 'r1', write: () => undefined }), journal: () => journal }, clock);
  const ward = keep({ name: 'broker-r1', args: [], run: 'r1', surface: 'tiny', roster: null, specialist: null }, () => undefined);
  for await (const fact of supervisor.journal('r1').follow({ after: 0 })) if (fact.word === 'trial.admitted') break;
  process.kill(server.server.pid, 'SIGSTOP');
  const before = looks;
  laterMs = 60_000; // it has not compared its fold with the journal for a while now, and does so before it says anything
  await expect.poll(() => looks, { timeout: 60_000 }).toBeGreaterThan(before);
  await ward.release('now');
  process.kill(server.server.pid, 'SIGCONT');
});

test('a failpoint of brokers reaches those that share a process, one that is misspelt too', async () => {
  await using server = await natsServer();
  const session = await server.session('broker');
  const said: string[] = [];
  vi.stubEnv('BRIGADE_CRASH_AT', 'broker');
  try {
    const keep = await brokersIn({ root, runs: join(server.dir, 'runs') }, { bus: session.bus, blobs: session.blobs, journal: session.journal, presence: () => session.presence({ run: 'r1', write: ({ message }) => { said.push(message); } }) }, openClock());
    const ward = keep({ name: 'broker-r1', args: [], run: 'r1', surface: 'tiny', roster: null, specialist: null }, () => undefined);
    await expect.poll(() => said, { timeout: 60_000 }).toContainEqual(expect.stringMatching(/^the broker failed and is started again: BRIGADE_CRASH_AT=broker must be <daemon>\.<step>:<n>/));
    await ward.release('now');
  } finally { vi.unstubAllEnvs(); }
});
