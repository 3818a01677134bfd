import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectNats, startServer } from '../../src/adapters/nats/index.ts';
import { openRun } from '../../src/cli/open-run.ts';
import { liveFile, removeLive, runDir, writeLive, writeRunFile, type Place } from '../../src/cli/place.ts';
import { natsBinary } from '../support/nats.ts';
import { syntheticRun } from '../support/synthetic-run.ts';

const { run, facts } = syntheticRun(0);
let place: Place;
beforeAll(async () => {
  const root = await mkdtemp(join(tmpdir(), 'brigade-open-'));
  place = { root, runs: join(root, 'runs') };
  const dir = join(runDir(place, run), 'nats');
  await using server = await startServer({ binary: natsBinary, dir });
  await using session = await connectNats({ url: server.url, monitorUrl: server.monitorUrl, keyFile: server.keyFile('supervisor'), name: 'test', role: 'supervisor' });
  await session.ensureRun(run);
  for (const fact of facts) await session.journal(run).record(fact.word, fact.ids, fact.body);
  await writeRunFile(place, { run, surface: 'golf-mini', url: null, keys: join(dir, 'keys') });
});
afterAll(() => rm(place.root, { recursive: true, force: true }));

/** A port where a server was: whoever comes is cut off, and `onCall` told. */
async function deadServer(onCall: () => void): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((socket) => { socket.on('error', () => undefined).destroy(); onCall(); });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`, async [Symbol.asyncDispose]() { await new Promise((resolve) => { server.close(resolve); }); } };
}

test('a run that is just ending is read once it has ended', async () => {
  let calls = 0;
  await using gone = await deadServer(() => { calls += 1; void removeLive(place, run); });
  await writeLive(place, run, gone.url);
  const opened = await openRun(place, run);
  try {
    expect(calls).toBeGreaterThan(0);
    expect(opened.facts.map(({ word }) => word)).toEqual(facts.map(({ word }) => word));
    expect(opened.bus, 'nobody runs it any more').toBeNull();
  } finally { await opened.close(); }
});

test('a run whose process lives without a server is told as that, with what to do', async () => {
  await using gone = await deadServer(() => undefined);
  await writeLive(place, run, gone.url);
  await expect(openRun(place, run, 0)).rejects.toThrow(`process ${process.pid} runs ${run}, but its server at ${gone.url} does not answer: it is starting or ending. Try again in a moment`);
  await rm(liveFile(place, run));
});
