import { appendFile, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Standing } from '../../src/adapters/nats/index.ts';
import { loadSurface } from '../../src/adapters/surfaces/index.ts';
import type { RunStarted } from '../../src/domain/fact.ts';
import { memoryBus, virtualClock } from '../../src/adapters/memory/index.ts';
import type { UpRole, UpSettings } from '../../src/cli/up-settings.ts';
import { wantedBy } from '../../src/cli/up-wanted.ts';
import { STARTED } from '../support/story.ts';

// What the runs of a server want of one machine, whose server says what a test wants it to.

const root = join(import.meta.dirname, '..', '..');
let place: { root: string; runs: string };
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'brigade-wanted-'));
  for (const kind of ['surfaces', 'evaluators']) await cp(join(root, kind, 'tiny'), join(folder, kind, 'tiny'), { recursive: true });
  place = { root: folder, runs: join(folder, 'runs') };
});
afterAll(() => rm(place.root, { recursive: true, force: true }));

const settings = (role: UpRole, runs: readonly string[] | null = null): UpSettings => ({ role, nats: 'nats://head:4222', keys: null, runs, node: 'atlas', name: 'atlas', slots: null, sandbox: null, devices: null, domain: null, models: null, concurrent: null });

async function rig(role: UpRole, runs: readonly string[] | null = null) {
  const started: RunStarted = { ...STARTED, surface: 'tiny', surfaceHash: (await loadSurface(place.root, 'tiny')).hash };
  const standing = new Map<string, Standing | null | Error>();
  const said: string[] = [];
  const asked: string[] = [];
  const clock = virtualClock();
  const look = wantedBy({
    place, settings: settings(role, runs), now: () => clock.now(), log: (_level, message) => { said.push(message); },
    session: {
      bus: memoryBus(clock), listRuns: async () => [...standing.keys()].sort(),
      standing: async (run) => { asked.push(run); const now = standing.get(run) ?? null; if (now instanceof Error) throw now; return now; },
    },
  });
  return { clock, said, asked, standing, live: { started, isOver: false }, over: { started, isOver: true }, names: async () => (await look()).daemons.map(({ name }) => name), look };
}

test('a run that a machine serves is served until it has stopped, though its surface is changed under it; one that begins then is not', async () => {
  const r = await rig('node');
  r.standing.set('a', r.live);
  expect(await r.names()).toEqual(['evaluator-a']);
  await appendFile(join(place.root, 'surfaces', 'tiny', 'recipe', 'optimizer.py'), '\n# another commit\n');
  await r.clock.advance(3_600_000);
  r.standing.set('b', r.live);
  expect(await r.names()).toEqual(['evaluator-a']);
  expect(r.said).toEqual([expect.stringMatching(/^b is not served by this node: surfaces\/tiny here is not the one it was started with/)]);
  expect((await r.look()).lacks, 'and is told of as long as it waits').toEqual(r.said);
  r.standing.set('a', r.over);
  expect(await r.names()).toEqual([]);
  r.standing.set('a', r.live);
  await r.clock.advance(20_000);
  expect(await r.names(), 'resumed, it is looked at as a new one').toEqual([]);
  expect((await r.look()).lacks.map((lack) => lack[0])).toEqual(['a', 'b']);
});

test('a keeper outlives a run that it saw, so that whoever is cut off hears of the end, and begins nothing for the hundreds that were over before it came', async () => {
  const r = await rig('keeper');
  r.standing.set('a', r.live);
  for (let n = 0; n < 300; n++) r.standing.set(`old-${n}`, r.over);
  expect(await r.names()).toEqual(['keeper-a']);
  r.standing.set('a', r.over);
  await r.clock.advance(100_000);
  expect(await r.names()).toEqual(['keeper-a']);
  await r.clock.advance(100_000);
  expect(await r.names()).toEqual([]);
});

test('a run that is over is looked at seldom, and served again when it is resumed', async () => {
  const r = await rig('broker');
  r.standing.set('a', r.over);
  r.standing.set('b', r.live);
  for (let look = 0; look < 5; look++) { expect(await r.names()).toEqual(['broker-b']); await r.clock.advance(2_000); }
  expect(r.asked.filter((run) => run === 'a')).toHaveLength(1);
  r.standing.set('a', r.live);
  await r.clock.advance(12_000);
  expect(await r.names()).toEqual(['broker-a', 'broker-b']);
});

test('a run that cannot be looked at keeps what it had and keeps nothing from the others, and a server of which none can be is said to be away', async () => {
  const r = await rig('broker');
  r.standing.set('a', r.live);
  expect(await r.names()).toEqual(['broker-a']);
  r.standing.set('a', new Error('no servers have it'));
  r.standing.set('b', r.live);
  for (let look = 0; look < 2; look++) expect(await r.names()).toEqual(['broker-a', 'broker-b']);
  expect(r.said).toEqual(['a cannot be looked at now, and what it has here goes on: no servers have it']);
  r.standing.set('b', new Error('nobody answers'));
  await expect(r.look()).rejects.toThrow('no servers have it');
  r.standing.set('a', r.over);
  r.standing.set('b', r.live);
  expect(await r.names()).toEqual(['broker-b']);
});
