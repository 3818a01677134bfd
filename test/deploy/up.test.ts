import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Fact } from '../../src/domain/fact.ts';
import { natsServer, type TestServer } from '../support/nats.ts';
import { openProject, type Done, type Project, type Running } from '../support/program.ts';

// Two machines, as two folders, that serve the runs of a server headless: a run that is only begun, nodes that come and go in the midst of it, and everybody's health.

const RUN = 'far';
let nats: TestServer;
let project: Project;
let log: string;
beforeAll(async () => { [nats, project, log] = await Promise.all([natsServer(), openProject(), mkdtemp(join(tmpdir(), 'brigade-up-'))]); });
afterAll(async () => { await project[Symbol.asyncDispose](); await nats[Symbol.asyncDispose](); await rm(log, { recursive: true, force: true }); }, 240_000);

const at = (node: string): Record<string, string> => ({ BRIGADE_NATS_URL: nats.server.url, BRIGADE_KEYS: dirname(nats.server.keyFile('broker') ?? ''), BRIGADE_NODE: node, BRIGADE_SLOTS: '1', BRIGADE_LOCKS: join(log, 'locks', node), OMP_NUM_THREADS: '1' });
const up = (role: string, node: string, ...more: string[]): Running => project.start(['up', role, ...more], at(node));
const health = (role: string, node: string, ...more: string[]): Promise<Done> => project.brigade(['health', role, '--json', ...more], at(node));
const lines = ({ err }: Done): Record<string, unknown>[] => err.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
const wait = <T>(what: () => Promise<T>): Promise<T> => vi.waitFor(what, { timeout: 240_000, interval: 300 });
async function factsNow(): Promise<readonly Fact[]> {
  const reader = await nats.session('operator');
  const journal = reader.journal(RUN);
  const found: Fact[] = [];
  for await (const fact of journal.follow({ after: 0, until: await journal.position() })) found.push(fact);
  await reader.close();
  return found;
}

test('a run that is only begun is carried to its end by the daemons of other machines, and one that is told to end in its midst finishes what it holds', async () => {
  const [broker, keeper, atlas] = [up('broker', 'head'), up('keeper', 'head'), up('node', 'atlas')];
  const thinkers = up('specialist', 'head', '--run', RUN);
  const begun = await project.brigade(['run', 'tiny', '--name', RUN, '--trials', '6', '--calibration', '2', '--keep', 'strict', '--detach', '--keys', dirname(nats.server.keyFile('broker') ?? '')], { BRIGADE_NATS_URL: nats.server.url });
  expect({ code: begun.code, out: begun.out }, begun.err).toEqual({ code: 0, out: expect.stringContaining(`${RUN} has begun at ${nats.server.url}`) as string });

  await wait(async () => { expect(await health('node', 'atlas')).toMatchObject({ code: 0, printed: [{ role: 'node', name: 'atlas', live: true, ready: true, daemons: [{ name: `evaluator-${RUN}`, state: 'serving' }] }] }); });
  await wait(async () => { expect((await factsNow()).filter(({ word }) => word === 'trial.result').length).toBeGreaterThan(1); });
  const borg = up('node', 'borg');
  await wait(async () => { expect((await factsNow()).filter(({ word, ids }) => word === 'node.enrolled' && ids[0] === 'borg')).toHaveLength(1); });
  atlas.signal('SIGTERM');
  const drained = await atlas.ended;
  expect({ code: drained.code, signal: drained.signal }, drained.err).toEqual({ code: 0, signal: null });

  expect(await thinkers.ended, 'whoever proposes in one run ends with it').toMatchObject({ code: 0, signal: null });
  await wait(async () => { expect((await factsNow()).map(({ word }) => word)).toContain('run.stopped'); });
  await wait(async () => { expect(await health('node', 'borg')).toMatchObject({ code: 0, printed: [{ ready: true, daemons: [] }] }); }); // its evaluator went with the run
  const facts = await factsNow();
  const held = facts.flatMap((fact) => (fact.word === 'lease.granted' && fact.body.node === 'atlas' ? [fact.ids.join()] : []));
  expect(held.length).toBeGreaterThan(0);
  expect(facts.flatMap((fact) => (fact.word === 'trial.measured' && fact.ids[3] === 'atlas' ? [fact.ids.slice(0, 3).join()] : [])).sort(), 'all that atlas held it measured').toEqual(held.sort());
  expect(facts.filter(({ word, ids }) => word === 'lease.lapsed' && held.includes(ids.join()))).toEqual([]);
  expect((await project.brigade(['verify', RUN])).out).toMatch(/0 wrong/);

  for (const daemon of [borg, keeper, broker]) {
    daemon.signal('SIGTERM');
    const done = await daemon.ended;
    expect({ code: done.code, signal: done.signal }, done.err).toEqual({ code: 0, signal: null });
    expect(lines(done).at(-1), 'every line is JSON').toMatchObject({ level: 'info', message: 'ended' });
  }
  await project.quiet();
}, 600_000);

test('health tells who is ready, who is not there, and that a server which is away is nobody\'s death', async () => {
  const keeper = up('keeper', 'atlas');
  await wait(async () => { expect(await health('keeper', 'atlas')).toMatchObject({ code: 0, printed: [{ live: true, ready: true }] }); });
  expect(await health('keeper', 'borg'), 'another machine of that server').toMatchObject({ code: 2, printed: [{ live: false, ready: false, why: 'no brigade up keeper answers by the name borg' }] });
  expect(await health('keeper', 'borg', '--live')).toMatchObject({ code: 2 });
  const away = ['--nats', 'nats://127.0.0.1:1'];
  expect(await health('keeper', 'atlas', ...away)).toMatchObject({ code: 1, printed: [{ live: null, ready: false }] });
  expect(await health('keeper', 'atlas', '--live', ...away)).toMatchObject({ code: 0, printed: [{ live: null }] });
  keeper.signal('SIGTERM');
  expect(await keeper.ended).toMatchObject({ code: 0 });
  expect(await project.brigade(['health', 'janitor'], at('atlas'))).toMatchObject({ code: 1, err: expect.stringMatching(/the role janitor must be one of broker, keeper/) as string });
}, 300_000);

test('what cannot be served says why on one line of JSON, and a file of settings is named with its line', async () => {
  const config = join(log, 'brigade.yaml');
  await writeFile(config, 'nats: nats://127.0.0.1:1\nslotz: 3\n');
  const done = await project.brigade(['up', 'node', '--config', config]);
  expect(done.code).toBe(1);
  expect(lines(done)).toEqual([expect.objectContaining({ level: 'error', message: expect.stringMatching(/brigade\.yaml:2:\d+ {2}slotz: no such field/) as string })]);
}, 120_000);
