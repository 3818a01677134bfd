import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { findToolchain, projectRoot } from '../../src/adapters/toolchain/index.ts';

// The programs that `brigade init` writes, run by themselves: what a phase tells them, without the sandbox around it.

let python: string;
let root: string;
let work: string;
const SETTINGS = { command: ['{python}', 'train.py'], env: {}, metric: 'loss', pattern: 'loss: ([-+.\\w]+)', take: 'last', direction: 'minimize', smokeSeconds: 1, artifact: null as string | null, mounts: [] as string[], links: {} };

beforeAll(async () => {
  python = (await findToolchain(projectRoot())).python;
  root = await realpath(await mkdtemp(join(tmpdir(), 'brigade-wrapper-')));
  await cp(join(projectRoot(), 'src', 'adapters', 'starter', 'wrapper'), join(root, 'eval'), { recursive: true });
  await mkdir(join(root, 'mounts'));
  await writeFile(join(root, 'mounts', 'words'), 'hello\n');
});
beforeEach(async () => {
  work = await mkdtemp(join(root, 'work-'));
  await rm(join(root, 'recipe'), { recursive: true, force: true });
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function run(script: string, settings: Partial<typeof SETTINGS> = {}, phase = 'train') {
  await mkdir(join(root, 'recipe'));
  await writeFile(join(root, 'recipe', 'train.py'), script);
  await writeFile(join(root, 'eval', 'command.json'), JSON.stringify({ ...SETTINGS, ...settings }));
  return ask(join(root, 'eval', 'harness.py'), [phase], '');
}

function ask(program: string, args: readonly string[], input: string): Promise<{ readonly code: number | null; readonly out: string }> {
  return new Promise((resolve, reject) => {
    const env = { PATH: '/usr/bin:/bin', BRIGADE_RECIPE: join(root, 'recipe'), BRIGADE_EVAL: join(root, 'eval'), BRIGADE_WORK: work, BRIGADE_MOUNTS: join(root, 'mounts'), BRIGADE_CONTROL: '/dev/null', BRIGADE_SEED: '77' };
    const child = spawn(python, ['-I', program, ...args], { cwd: join(root, 'eval'), env, stdio: ['pipe', 'pipe', 'pipe'] });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { out += text; });
    child.once('error', reject).once('close', (code) => resolve({ code, out }));
    child.stdin.end(input);
  });
}

async function score(log: string, settings: Partial<typeof SETTINGS> = {}, header = '{"artifactBytes": null}'): Promise<unknown> {
  await writeFile(join(root, 'eval', 'command.json'), JSON.stringify({ ...SETTINGS, ...settings }));
  await writeFile(join(work, 'sealed'), `${header}\n${log}`);
  return JSON.parse((await ask(join(root, 'eval', 'scorer.py'), [], JSON.stringify({ artifact: join(work, 'sealed') }))).out);
}

test('the command gets its seed and its mounts, may write beside itself, and what it prints is passed on and left as the artifact', async () => {
  const script = 'import os, sys\nopen("made", "w").write("x")\nprint(open("data/words").read().strip(), open(sys.argv[2]).read().strip(), sys.argv[1], os.environ["BRIGADE_SEED"])\nprint("loss: 0.5")\n';
  const done = await run(script, { command: ['{python}', 'train.py', '--seed={seed}', '{mount:words}'], mounts: ['words'], links: { words: 'data/words' } });
  expect(done).toEqual({ code: 0, out: 'hello hello --seed=77 77\nloss: 0.5\n' });
  expect(await readFile(join(work, 'log.txt'), 'utf8')).toBe('{"artifactBytes": null}\nhello hello --seed=77 77\nloss: 0.5\n');
  expect(await readFile(join(root, 'recipe', 'train.py'), 'utf8')).toBe(script);
});

test.each([
  ['an exception', 'raise ValueError("no")\n', 1, /ValueError: no/], ['an exit code', 'raise SystemExit(7)\n', 7, /^$/], ['a signal', 'import os\nos.kill(os.getpid(), 9)\n', 137, /^$/],
  ['silence', 'print("done")\n', 1, /never printed loss as the pattern in command\.json has it; the last it printed is 'done'/],
])('a command that ends with %s ends the phase so, and leaves no artifact', async (_, script, code, says) => {
  const done = await run(script);
  expect(done.code).toBe(code);
  expect(done.out).toMatch(says);
  await expect(readFile(join(work, 'log.txt'))).rejects.toThrow('ENOENT');
});

test('a file that the command must leave is weighed, and missed by name', async () => {
  expect((await run('print("loss: 1")\n', { artifact: 'out/model.bin' })).out).toContain('left no out/model.bin');
  await rm(join(root, 'recipe'), { recursive: true });
  await rm(join(work, 'recipe'), { recursive: true });
  expect((await run('import os\nos.mkdir("out")\nopen("out/model.bin", "wb").write(b"0" * 41)\nprint("loss: 1")\n', { artifact: 'out/model.bin' })).code).toBe(0);
  expect((await readFile(join(work, 'log.txt'), 'utf8')).split('\n')[0]).toBe('{"artifactBytes": 41}');
});

test('a smoke run ends well when the command still runs after its seconds, and badly when it failed before', async () => {
  expect((await run('import time\nprint("up", flush=True)\ntime.sleep(60)\n', {}, 'smoke')).code).toBe(0);
  await rm(join(root, 'recipe'), { recursive: true });
  await rm(join(work, 'recipe'), { recursive: true });
  expect((await run('import nothing_like_this\n', {}, 'smoke')).code).toBe(1);
});

test('of several values the last counts, the best or the first where that was asked for, between carriage returns too', async () => {
  const log = 'loss: 3\rloss: 1\nloss: 2\n';
  expect(await score(log)).toEqual({ kind: 'scored', score: 2, metrics: { lines: 3 }, gates: [] });
  expect(await score(log, { take: 'best' })).toMatchObject({ score: 1 });
  expect(await score(log, { take: 'best', direction: 'maximize' })).toMatchObject({ score: 3 });
  expect(await score(log, { take: 'first' })).toMatchObject({ score: 3 });
});

test('colours between a metric and its number hide neither', async () => {
  expect(await score('loss: \u001b[1;32m0.5\u001b[0m\n')).toMatchObject({ score: 0.5, metrics: { lines: 1 } });
});

test.each(['', 'loss: 1', '[]', '{}', '{"artifactBytes": "small"}', '{"artifactBytes": -1}', '{"artifactBytes": 1e999}'])('a log that begins with %j was written by the recipe: that is tampering, not our fault', async (header) => {
  expect(await score('loss: 3\n', {}, header)).toMatchObject({ kind: 'tampered', where: 'log.txt' });
});

test('a run that ended in NaN has no score and a gate that says so, and the size of what it left is a metric', async () => {
  expect(await score('loss: 3\nloss: nan\n', {}, '{"artifactBytes": 41}')).toEqual({ kind: 'scored', score: null, metrics: { lines: 2, artifact_bytes: 41 }, gates: [{ name: 'not_finite', value: 1, limit: 0, passed: false }] });
});
