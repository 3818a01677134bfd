import { chmod, cp, mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { natsServer } from '../support/nats.ts';
import { openProject, type Done, type Project } from '../support/program.ts';

// What a person gets wrong, through the program itself: one line that says what, where and the remedy, exit code 1, and nothing left running.

let project: Project;
beforeAll(async () => { project = await openProject(); });
afterAll(() => project[Symbol.asyncDispose](), 240_000);

async function refused(args: readonly string[]): Promise<string> {
  const done: Done = await project.brigade(args);
  expect({ args, code: done.code, out: done.out }, done.err).toEqual({ args, code: 1, out: '' });
  expect(done.err).not.toMatch(/\n\s+at /);
  await project.quiet();
  return done.err;
}

test('an unknown surface is answered with the nearest', async () => {
  expect(await refused(['run', 'tinny'])).toMatch(/tinny.*tiny/s);
  expect(await readdir(project.runs).catch(() => [])).toEqual([]);
});

test('a broken surface.yaml is named with its line and column', async () => {
  await cp(join(project.root, 'surfaces', 'tiny'), join(project.root, 'surfaces', 'broken'), { recursive: true });
  const file = join(project.root, 'surfaces', 'broken', 'surface.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('  kernel: [kernel.py]', '  kernel: [kernel.py, model.py]'));
  expect(await refused(['run', 'broken'])).toMatch(/surfaces\/broken\/surface\.yaml:9:18 .*model\.py.*also owned by kernel \(line 11\)/);
  await writeFile(file, text.replace('count: 1', 'count: none'));
  expect(await refused(['run', 'broken'])).toMatch(/surfaces\/broken\/surface\.yaml:3:\d+ .*count/s);
  await writeFile(file, text.replace('roster: [optimizer', 'roster: ]optimizer'));
  expect(await refused(['run', 'broken'])).toMatch(/surfaces\/broken\/surface\.yaml:\d+:\d+/);
  expect(await readdir(project.runs).catch(() => [])).toEqual([]);
});

test.each([
  [['run', 'tiny', '--trials', 'x'], /--trials x must be a whole number/],
  [['run', 'tiny', '--trials', '+2'], /\+N adds to .*resumed/],
  [['run', 'tiny', '--slots', '0'], /--slots 0 must be/],
  [['run', 'tiny', '--keep', 'lucky'], /--keep lucky must be one of confirmed, strict/],
  [['run', 'tiny', '--arm', 'generic-0'], /--arm 0|generic-0/],
  [['run', 'tiny', '--sandbox', 'paper'], /--sandbox paper must be one of/],
  [['run', 'tiny', '--name', '../escape'], /--name \.\.\/escape must be/],
  [['run', 'tiny', '--nats', 'nats://me:hunter2@head:4222'], /^--nats takes an address alone.* before head:4222: give .*--keys DIR\n$/],
  [['doctor', '--nats', 'nats://me:hunter2@head:4222'], /^--nats takes an address alone.* before head:4222: give .*--keys DIR\n$/],
  [['import', 'nowhere'], /nowhere has no results\.tsv: give the file itself/],
  [['run', 'tiny', '--keys', 'keys'], /^--keys .*--nats URL too/],
  [['run'], /name a surface/],
  [['run', 'tiny', '--proposer', 'magic'], /^--proposer magic must be one of search, random, tpe, llm\n$/],
  [['run', 'tiny', '--model', 'x', '--price', '1,2'], /^--model, --price are for specialists that think with a model: add --proposer llm\n$/],
  [['run', 'tiny', '--proposer', 'llm'], /^name the model that specialists think with: --model NAME/],
  [['run', 'tiny', '--proposer', 'llm', '--model', 'x', '--base-url', 'http://127.0.0.1:1/v1', '--money', '5'], /^this run has a limit of money, and nobody said what x costs \(optimizer, .*\): give --price IN,OUT/],
  [['run', 'tiny', '--proposer', 'llm', '--models', 'nowhere.yaml'], /^nowhere\.yaml cannot be read/],
  [['run', '--resume', 'nobody'], /no run nobody|there is no run/],
  [['show', 't0001'], /there is no run yet/],
  [['frobnicate'], /unknown command.*\n\(brigade --help lists the commands\)/s],
  [['show'], /missing required argument 'trial'\n\(brigade show --help says what it takes\)/],
  [['surfaces', 'show'], /\(brigade surfaces show --help says what it takes\)/],
] as const)('%j is refused and says why', async (args, why) => {
  expect(await refused(args)).toMatch(why);
});

test('a run whose name is taken is not started a second time', async () => {
  const done = await project.brigade(['run', 'tiny', '--trials', '1', '--minutes', '5', '--arm', 'single', '--name', 'taken', '--json']);
  expect(done.code, done.err).toBe(0);
  const before = await project.exported('taken');
  expect(await refused(['run', 'tiny', '--trials', '1', '--name', 'taken'])).toMatch(/taken.*--resume taken/s);
  expect(await refused(['run', 'golf-mini', '--resume', 'taken'])).toMatch(/taken is a run of tiny/);
  expect(await refused(['run', '--resume', 'taken', '--trials', 'x'])).toMatch(/--trials x must be/);
  expect(await refused(['run', '--resume', 'taken', '--slots', 'x'])).toMatch(/--slots x must be/);
  expect(await refused(['run', '--resume', 'taken', '--trials', '+0.5'])).toMatch(/--trials 0\.5 must be a whole number/);
  expect(await refused(['run', '--resume', 'taken', '--seed', '4', '--no-lineage'])).toMatch(/--seed, --no-lineage cannot change taken/);
  expect(await refused(['run', '--resume', 'taken', '--patience', '+5'])).toMatch(/--patience \+5 adds to a limit that the run does not have/);
  const reach = await readFile(join(project.runs, 'taken', 'run.json'), 'utf8');
  expect(await refused(['run', '--resume', 'taken', '--nats', 'nats://127.0.0.1:1'])).toMatch(/taken has a nats-server of its own.*leave --nats/s);
  expect(await readFile(join(project.runs, 'taken', 'run.json'), 'utf8')).toBe(reach);
  const program = join(project.root, 'evaluators', 'tiny', 'evaluator.yaml');
  const text = await readFile(program, 'utf8');
  await writeFile(program, `${text}\n`);
  expect(await refused(['run', '--resume', 'taken'])).toMatch(/^evaluators\/tiny, or the warden .*src\/adapters\/sandbox\/warden.* has changed since taken was started/);
  await writeFile(program, text);
  for (const gone of ['surfaces', 'evaluators'].map((folder) => join(project.root, folder, 'tiny'))) await rename(gone, `${gone}.gone`);
  const read = await project.brigade(['results', 'taken', '--json']);
  expect({ code: read.code, rows: read.printed.length }, read.err).toEqual({ code: 0, rows: 2 });
  expect(read.err).toMatch(/^evaluators\/tiny cannot be read today, so taken is shown without columns of its own: .*\n$/);
  for (const back of ['surfaces', 'evaluators'].map((folder) => join(project.root, folder, 'tiny'))) await rename(`${back}.gone`, back);
  const again = await project.brigade(['run', '--resume', 'taken', '--json'], { BRIGADE_NATS_URL: 'nats://127.0.0.1:1' });
  expect({ code: again.code, err: again.err }, 'a run has its server, whatever new ones are to use').toEqual({ code: 0, err: '' });
  expect((await project.exported('taken')).slice(0, before.length)).toEqual(before);
}, 120_000);

test('a start that fails once its server is up takes the server with it', async () => {
  await mkdir(join(project.runs, 'blocked', 'live.json'), { recursive: true });
  const done = await project.brigade(['run', 'tiny', '--name', 'blocked']);
  expect(done.code, done.err).toBe(2);
  await project.quiet();
}, 60_000);

test('a server that nobody runs, and one that speaks something else, are named with the remedy', async () => {
  const deaf = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await new Promise<void>((resolve) => { deaf.listen(0, '127.0.0.1', resolve); });
  const address = deaf.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  try {
    expect(await refused(['run', 'tiny', '--name', 'deaf', '--nats', `nats://127.0.0.1:${port}`])).toMatch(new RegExp(`127\\.0\\.0\\.1:${port}.*leave --nats out`, 's'));
  } finally {
    await new Promise((resolve) => { deaf.close(resolve); });
  }
  expect(await refused(['run', 'tiny', '--name', 'gone', '--nats', `nats://127.0.0.1:${port}`])).toMatch(new RegExp(`no nats-server answers at nats://127\\.0\\.0\\.1:${port}`));
  const named = await project.brigade(['run', 'tiny', '--name', 'gone', '--keys', 'keys'], { BRIGADE_NATS_URL: `nats://127.0.0.1:${port}` });
  expect({ code: named.code, err: named.err }, 'BRIGADE_NATS_URL says the same, and keys are looked for from here').toEqual({ code: 1, err: expect.stringContaining(`the key ${join(project.root, 'keys', 'supervisor.nk')} cannot be read`) });
  const surveyed = await project.brigade(['survey', 'tiny'], { BRIGADE_NATS_URL: `nats://127.0.0.1:${port}` });
  expect({ code: surveyed.code, err: surveyed.err }).toEqual({ code: 1, err: expect.stringContaining('no nats-server answers') });
  expect(await readdir(project.runs).catch(() => []), 'a start that failed leaves no run').not.toContain('gone');
}, 120_000);

test('a run that is looked for on a server that never had it can still be reached where it was', async () => {
  const file = join(project.runs, 'far', 'run.json');
  const reach = JSON.stringify({ run: 'far', surface: 'tiny', url: 'nats://127.0.0.1:1', keys: null });
  await mkdir(join(project.runs, 'far'), { recursive: true });
  await writeFile(file, reach);
  await using other = await natsServer({ credentials: false });
  const done = await project.brigade(['run', '--resume', 'far', '--nats', other.server.url]);
  expect({ code: done.code, err: done.err }).toEqual({ code: 1, err: expect.stringContaining(`${other.server.url} holds no fact of far: give the --nats URL it was started with`) });
  expect(await readFile(file, 'utf8')).toBe(reach);
  expect(await (await other.session()).listRuns(), 'nothing is made on a server that does not know it').toEqual([]);
}, 60_000);

test('a nats-server too old to keep what it acknowledges is refused', async () => {
  const old = join(project.root, '.brigade', 'bin', 'nats-server');
  await mkdir(join(project.root, '.brigade', 'bin'));
  await writeFile(old, '#!/bin/sh\necho "nats-server: v2.9.10"\n');
  await chmod(old, 0o755);
  const file = join(project.root, '.brigade', 'setup.json');
  const setup = JSON.parse(await readFile(file, 'utf8')) as { steps: { nats: { path: string } } };
  const before = JSON.stringify(setup);
  setup.steps.nats.path = old;
  await writeFile(file, JSON.stringify(setup));
  try {
    expect(await refused(['run', 'tiny', '--name', 'old'])).toMatch(/nats-server 2\.9\.10 at .* cannot promise durability.*2\.10\.27 or newer/s);
  } finally {
    await writeFile(file, before);
  }
});
