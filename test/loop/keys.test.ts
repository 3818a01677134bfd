import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Fact } from '../../src/domain/fact.ts';
import { failing, openAiServer, use, type OpenAiServer, type Script } from '../support/openai-server.ts';
import { openProject, type Done, type Project } from '../support/program.ts';

// A run whose specialists think with models under different keys: each key reaches the one daemon that sends it, the endpoint it is for, and nobody and nothing else.

const RUN = 'keyed';
const KEYS = { COMMON_KEY: 'sk-common-never-to-be-seen-0001', KERNEL_KEY: 'sk-kernel-never-to-be-seen-0002', OPENAI_API_KEY: 'sk-unused-never-to-be-seen-0003' };
const FILE_KEY = 'sk-filed-never-to-be-seen-0004';
const ALL = [...Object.values(KEYS), FILE_KEY];

/** Says on its way out everything a recipe can see of its surroundings. */
const SPY = '    import os\n    raise RuntimeError(repr([open(f"/proc/{p}/environ").read() for p in ("self", "1")]) + repr(sorted(os.environ.items())))';

/** Who asks, as the first text says it. */
const whoIn = (system: string): string => /^# You are (\S+)$/m.exec(system)?.[1] ?? 'nobody';

/** Opens when all was seen that a living run shows: data's one trial is the run's last. */
let goOn = (): void => undefined;
const gate = new Promise<void>((resolve) => { goOn = resolve; });

/** The endpoint knows no key of architecture's and repeats it; optimizer and kernel wait for ever; data slips a spy in. */
const script: Script = async ({ system, body, headers }) => {
  switch (whoIn(system)) {
    case 'architecture': return failing(401, `no such key: ${headers.authorization ?? 'none'}`);
    case 'data': {
      await gate;
      const said = body.messages.filter(({ role }) => role === 'assistant').length;
      if (said === 0) return use('edit', { edits: [{ file: 'data.py', search: '    chosen = list(points[:POINTS])', replace: SPY }] });
      return said === 1 ? use('submit', { hypothesis: 'what can a recipe see of its surroundings', expectedDelta: -0.1 }) : use('give_up', { reason: 'all was seen that could be' });
    }
    default: return { kind: 'hang', after: 'nothing' };
  }
};

let server: OpenAiServer;
let project: Project;
let ended: Done;
let facts: readonly Fact[];
let environments: { readonly actor: string; readonly environment: string }[];

beforeAll(async () => {
  [server, project] = await Promise.all([openAiServer(script), openProject()]);
  await writeFile(join(project.root, 'models.yaml'), [`model: scripted`, `baseURL: ${server.baseURL}`, 'key: {env: COMMON_KEY}', 'specialists:', '  kernel: {key: {env: KERNEL_KEY}}', '  optimizer: {key: {file: ./optimizer.key}}', ''].join('\n'));
  await writeFile(join(project.root, 'optimizer.key'), `${FILE_KEY}\n`, { mode: 0o600 });
  const running = project.start(['run', 'tiny', '--proposer', 'llm', '--models', 'models.yaml', '--trials', '1', '--minutes', '15', '--keep', 'strict', '--calibration', '2', '--name', RUN, '--json'], KEYS);
  await vi.waitFor(() => { expect(new Set(server.asked.map(({ system }) => whoIn(system)))).toEqual(new Set(['architecture', 'data', 'kernel', 'optimizer'])); }, { timeout: 300_000, interval: 100 });
  environments = (await project.processes()).flatMap(({ args, environment }) => {
    const main = args.findIndex((arg) => arg.endsWith('/dist/main.js'));
    const domain = args.indexOf('--domain');
    return main < 0 ? [] : [{ actor: domain < 0 ? args[main + 1] ?? '' : args[domain + 1] ?? '', environment }];
  });
  await vi.waitFor(async () => { expect((await project.facts(RUN)).map(({ word }) => word)).toContain('specialist.stalled'); }, { timeout: 300_000, interval: 200 });
  const waiting = (await project.processes()).find(({ args }) => args.includes('specialist') && args.includes('optimizer'));
  if (!waiting) throw new Error('optimizer has no process');
  process.kill(waiting.pid, 'SIGTERM');
  await server.asked.find(({ system }) => whoIn(system) === 'optimizer')?.hungUp; // a daemon that is asked to leave does not wait for its endpoint: nothing else would end this call
  goOn();
  ended = await running.ended;
  facts = ended.code === 0 ? await project.exported(RUN) : [];
}, 600_000);

afterAll(async () => { await server[Symbol.asyncDispose](); await project[Symbol.asyncDispose](); }, 240_000);

test('each specialist asks with its own key, and no other process has any', () => {
  expect({ code: ended.code, err: ended.err }).toEqual({ code: 0, err: '' });
  const sent = new Map(server.asked.map(({ system, headers }) => [whoIn(system), headers.authorization]));
  expect(Object.fromEntries(sent)).toEqual({ architecture: `Bearer ${KEYS.COMMON_KEY}`, data: `Bearer ${KEYS.COMMON_KEY}`, kernel: `Bearer ${KEYS.KERNEL_KEY}`, optimizer: `Bearer ${FILE_KEY}` });
  const held = environments.filter(({ actor }) => actor !== 'run').map(({ actor, environment }) => [actor, ALL.flatMap((key) => (environment.includes(key) ? [key.slice(3, 9)] : [])).join()]);
  expect(Object.fromEntries(held)).toEqual({ broker: '', keeper: '', evaluator: '', architecture: 'common', data: 'common', kernel: 'kernel', optimizer: '' });
  expect(server.strays).toEqual([]);
});

test('a recipe that looks around in the sandbox finds no key', () => {
  const result = facts.find((fact) => fact.word === 'trial.result' && fact.ids[0] !== 't0000');
  expect(JSON.stringify(result?.body)).toContain('RuntimeError'); // it did look around
  expect(JSON.stringify(result?.body)).not.toContain('never-to-be-seen');
});

test('a key that an endpoint repeats is masked before anybody reads it', () => {
  const stalled = facts.find((fact) => fact.word === 'specialist.stalled' && fact.ids[0] === 'architecture');
  expect(stalled?.body).toMatchObject({ reason: expect.stringMatching(/401: no such key: Bearer \*\*\*/) });
});

test('no file of the run and no printed line holds a key', async () => {
  const files = (await readdir(join(project.runs, RUN), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  expect(files.map(({ name }) => name)).toContain('models.json');
  for (const file of files) {
    const bytes = await readFile(join(file.parentPath, file.name));
    for (const key of ALL) expect(bytes.includes(key), `${key.slice(3, 9)} in ${file.name}`).toBe(false);
  }
  expect(`${ended.out}${ended.err}`).not.toContain('never-to-be-seen');
});

test('a run goes on with the models it was started with, and not without their keys', async () => {
  expect(await project.brigade(['run', '--resume', RUN, '--trials', '+1'])).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^COMMON_KEY is not set, and 127\.0\.0\.1:\d+ is asked with the key in it/) });
  expect(await project.brigade(['run', '--resume', RUN, '--trials', '+1', '--model', 'other'])).toMatchObject({ code: 1, err: expect.stringMatching(/^--model cannot change keyed/) });
  expect(await project.brigade(['run', '--resume', RUN, '--trials', '+1', '--money', '5'])).toMatchObject({ code: 1, err: expect.stringMatching(/^this run has a limit of money, and nobody said what scripted costs/) });
  await project.quiet();
}, 300_000);
