import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { connect } from 'nats';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ActorState, NamedActorState } from '../../src/protocols/actor.ts';
import { natsServer } from '../support/nats.ts';
import { openProject, type Project } from '../support/program.ts';
import { STARTED } from '../support/story.ts';

// Single actors as processes of their own: how they begin, what they say meanwhile, and that they end.

let project: Project;
beforeAll(async () => { project = await openProject(); });
afterAll(() => project[Symbol.asyncDispose](), 240_000);

const HELD = { BRIGADE_LIFELINE: 'stdin' };
const lines = (text: string): Record<string, unknown>[] => text.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>);

test.each([
  [['broker', '--run', 'nope'], 78, /there is no run nope/],
  [['broker', '--run', 'nope', '--surface', 'tiny', '--nats', 'nats://127.0.0.1:1', '--keys', 'missing'], 1, /the key missing\/broker\.nk cannot be read: --keys names the folder it lies in/],
] as const)('%j ends although whoever started it still holds its lifeline', async (args, code, why) => {
  const done = await project.brigade(args, HELD);
  expect(done.err).toMatch(why);
  expect(done.code).toBe(code);
}, 240_000);

test('a daemon that finds no server says what cannot work without it', async () => {
  const done = await project.brigade(['broker', '--run', 'nope', '--surface', 'tiny', '--nats', 'nats://127.0.0.1:1']);
  expect(done).toMatchObject({ code: 1, err: expect.stringMatching(/^no nats-server answers at nats:\/\/127\.0\.0\.1:1: the broker of nope cannot work without it\. Start it, give the --nats URL it is at/) });
}, 240_000);

test('the environment says where a run of another machine is, and is not heard where a run of this folder says it itself', async () => {
  await using nats = await natsServer({ credentials: false });
  const away = await project.brigade(['specialist', '--domain', 'nosuch', '--run', 'away', '--surface', 'tiny'], { BRIGADE_NATS_URL: nats.server.url });
  expect(away.err).toMatch(/--domain nosuch is no specialist of tiny/);
  await mkdir(join(project.runs, 'here'), { recursive: true });
  await writeFile(join(project.runs, 'here', 'run.json'), JSON.stringify({ run: 'here', surface: 'tiny', url: nats.server.url, keys: null }));
  const here = await project.brigade(['specialist', '--domain', 'nosuch', '--run', 'here'], { BRIGADE_NATS_URL: 'nats://127.0.0.1:1' });
  expect(here.err).toMatch(/--domain nosuch is no specialist of tiny/);
}, 240_000);

test('a daemon with nothing on its standard input works until it is told to end, and says when its server goes, comes back or is sent nonsense', async () => {
  await using nats = await natsServer({ credentials: false });
  const supervisor = await nats.run('alone');
  await supervisor.journal('alone').record('run.started', [], { ...STARTED, surface: 'tiny' });
  const broker = project.start(['broker', '--run', 'alone', '--surface', 'tiny', '--nats', nats.server.url]);
  const answers = () => vi.waitFor(async () => { expect(await supervisor.bus.ask(ActorState, { actor: 'broker' }, {}, { timeoutMs: 500 })).toMatchObject({ run: 'alone', state: 'calibrating' }); }, { timeout: 60_000, interval: 100 });
  await answers();
  await nats.crash();
  await answers();
  const stranger = await connect({ servers: nats.server.url });
  for (let i = 0; i < 3; i++) stranger.publish('brigade.cmd.run.pause.alone', '');
  await stranger.flush();
  await stranger.close();
  await answers();
  broker.signal('SIGTERM');
  const done = await broker.ended;
  expect({ code: done.code, signal: done.signal }, done.err).toEqual({ code: 0, signal: null });
  const told = lines(done.err).filter(({ level }) => level === 'warn').map(({ message }) => String(message).replace(/\d+\.\d+\.\d+\.\d+:\d+/, 'it'));
  expect(told).toEqual(expect.arrayContaining(['disconnected: lost it', 'reconnected: back at it', 'refused: its reply-to "" is no inbox']));
  expect(new Set(told).size, 'one reason is not told again at once').toBe(told.length);
}, 240_000);

test.each([
  [['specialist', '--domain', 'nosuch'], /--domain nosuch is no specialist of tiny: give one of optimizer, .*or generalist/],
  [['specialist', '--domain', 'optimizer', '--seed', 'abc'], /--seed abc must be a whole number/],
  [['specialist', '--domain', 'generalist-2', '--concurrent', 'zz'], /--concurrent zz must be a whole number from 1/],
  [['evaluator', '--slots', '1.5'], /--slots 1\.5 must be a whole number from 1/],
] as const)('%j is refused and says why', async (args, why) => {
  await using nats = await natsServer({ credentials: false });
  const done = await project.brigade([...args, '--run', 'wrong', '--surface', 'tiny', '--nats', nats.server.url]);
  expect(done.err).toMatch(why);
  expect(done.code).toBe(1);
}, 240_000);

test('an agent that has no part in the arm of its run is refused with the names of those that have', async () => {
  await using nats = await natsServer({ credentials: false });
  await mkdir(join(project.runs, 'peopled'), { recursive: true });
  await writeFile(join(project.runs, 'peopled', 'run.json'), JSON.stringify({ run: 'peopled', surface: 'tiny', url: nats.server.url, keys: null, agents: ['optimizer', 'kernel'] }));
  for (const domain of ['generalist-1', 'data']) {
    const done = await project.brigade(['specialist', '--domain', domain, '--run', 'peopled']);
    expect({ code: done.code, err: done.err }).toEqual({ code: 1, err: `--domain ${domain} has no part in peopled: give one of optimizer, kernel, or start a run of another --arm\n` });
  }
}, 240_000);

test('an evaluator of another machine works with nothing on its standard input, and a second of its name is refused', async () => {
  await using nats = await natsServer();
  const supervisor = await nats.run('apart');
  await supervisor.journal('apart').record('run.started', [], { ...STARTED, surface: 'tiny' });
  const args = ['evaluator', '--run', 'apart', '--surface', 'tiny', '--nats', nats.server.url, '--keys', dirname(nats.server.keyFile('evaluator') ?? ''), '--node', 'atlas', '--slots', '1'];
  const first = project.start(args);
  const ask = () => supervisor.bus.ask(NamedActorState, { actor: 'evaluator', run: 'apart', name: 'atlas' }, {}, { timeoutMs: 10_000 });
  await vi.waitFor(async () => { expect(await ask()).toMatchObject({ state: 'serving' }); }, { timeout: 120_000, interval: 200 });
  const second = await project.brigade(args);
  expect({ code: second.code, err: second.err }).toEqual({ code: 1, err: expect.stringMatching(new RegExp(`apart has a node atlas already \\(its process ${first.pid} answers\\): start this one with another --node`)) as string });
  expect(await ask(), 'the first takes no harm').toMatchObject({ state: 'serving', pid: first.pid });
  first.signal('SIGTERM');
  first.signal('SIGTERM'); // whoever asks twice must not cut its goodbyes short
  const done = await first.ended;
  expect({ code: done.code, signal: done.signal }, done.err).toEqual({ code: 0, signal: null });
  expect(await readdir(join(project.runs, 'apart')), 'what it worked in is gone with it').toEqual([]);
}, 240_000);

test('a run whose evaluator cannot be trusted ends at the first refusal instead of trying for ever', async () => {
  const file = join(project.root, 'evaluators', 'tiny', 'evaluator.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('name: good, expect: scores', 'name: good, expect: tampered'));
  try {
    const done = await project.brigade(['run', 'tiny', '--trials', '1', '--name', 'deceived', '--slots', '1', '--json']);
    expect({ code: done.code, err: done.err }).toEqual({ code: 2, err: expect.stringContaining('evaluator') as string });
    expect(await readdir(join(project.runs, 'deceived')), 'a refused evaluator leaves nothing that no run uses').not.toEqual(expect.arrayContaining([expect.stringMatching(/^(work|scratch)$/)]));
    const log = await readFile(join(project.runs, 'deceived', 'logs', 'evaluator.log'), 'utf8');
    expect(log.match(/calibration refused/g)).toHaveLength(1);
  } finally {
    await writeFile(file, text);
  }
  await project.quiet();
}, 240_000);
