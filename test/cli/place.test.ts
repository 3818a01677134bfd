import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freshRunId, liveFile, readLive, writeLive, type Place } from '../../src/cli/place.ts';

let place: Place;
beforeAll(async () => {
  const root = await mkdtemp(join(tmpdir(), 'brigade-place-'));
  place = { root, runs: join(root, 'runs') };
});
afterAll(() => rm(place.root, { recursive: true, force: true }));

test('whoever writes that it runs a run is found to run it', async () => {
  await writeLive(place, 'toy-1', 'nats://127.0.0.1:4321');
  expect(await readLive(place, 'toy-1')).toMatchObject({ pid: process.pid, url: 'nats://127.0.0.1:4321' });
});

test('a living process that only has the number of the one that died does not run its run, not even this one', async () => {
  await writeLive(place, 'toy-2', 'nats://127.0.0.1:4321');
  const live = JSON.parse(await readFile(liveFile(place, 'toy-2'), 'utf8')) as { born: number };
  for (const pid of [process.pid, process.ppid, 1]) {
    await writeFile(liveFile(place, 'toy-2'), JSON.stringify({ ...live, pid, born: live.born - 1 }));
    expect(await readLive(place, 'toy-2'), `process ${pid}`).toBeNull();
  }
});

test('runs that are started at once have names of their own', async () => {
  const names = await Promise.all(Array.from({ length: 30 }, () => freshRunId(place, 'toy', new Date(2026, 2, 4))));
  expect([...names].sort()).toEqual([...'abcdefghijklmnopqrstuvwxyz', 'aa', 'ab', 'ac', 'ad'].map((letters) => `toy-0304${letters}`).sort());
});
