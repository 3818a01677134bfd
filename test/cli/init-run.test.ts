import { execFile } from 'node:child_process';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findToolchain, projectRoot } from '../../src/adapters/toolchain/index.ts';
import { openStranger, SCRIPT, type Stranger } from '../support/stranger.ts';

// A stranger's repository from `brigade init` to a measured trial: the built program, a real sandbox, real PyTorch.

/** Prints a loss that no seed moves, and needs nothing but Python. */
const PLAIN = `import sys

rate = 0.5
steps = 3
weight = 2.0
for step in range(steps):
    weight -= rate * weight
if "--fail" in sys.argv:
    raise ValueError("a gradient of nothing")
print("loss:", weight)
`;

const run = promisify(execFile);
let stranger: Stranger;
let python: string;
beforeAll(async () => {
  python = (await findToolchain(projectRoot())).python;
  stranger = await openStranger({ ...SCRIPT, 'plain.py': PLAIN });
});
afterAll(() => stranger[Symbol.asyncDispose]());

const init = (...args: string[]) => stranger.brigade('init', '--python', python, '--budget', '60', '--memory', '1GB', ...args);

test('from a stranger\'s train.py to a measured trial: init, surfaces check, calibrate, run, each in the stranger\'s own folder', async () => {
  expect(await init('--command', 'python train.py --seed {seed}', '--metric', 'val_loss', '--name', 'mine')).toMatchObject({ code: 0, err: '' });
  expect(await stranger.brigade('surfaces', 'check', 'mine')).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^mine ✓ {3}2 files, \d+ symbols of 3 specialists, \d+ protected\n$/) as string });
  const calibrated = await stranger.brigade('calibrate', 'mine', '--calibration', '2', '--name', 'first');
  expect({ code: calibrated.code, err: calibrated.err }).toEqual({ code: 0, err: '' });
  expect(calibrated.out).toMatch(/^baseline 0\.\d+ ± (?!0\.0+ )0\.\d+ val_loss \(n = 2\)/m); // another seed, another score
  const ran = await stranger.brigade('run', 'mine', '--calibration', '2', '--trials', '1', '--keep', 'strict', '--replicates', '2', '--name', 'second', '--json');
  expect({ code: ran.code, err: ran.err }).toEqual({ code: 0, err: '' });
  const facts = (await readFile(join(stranger.folder, 'runs', 'second', 'journal.jsonl'), 'utf8')).trimEnd().split('\n').map((line) => JSON.parse(line) as { word: string; body: Record<string, unknown> });
  const result = facts.find(({ word, body }) => word === 'trial.result' && body.status !== 'baseline');
  expect(result?.body).toMatchObject({ scoreSource: 'recipe', failure: null, score: expect.any(Number) as number });
}, 240_000);

test('a metric that the command never prints is told with the last lines of its log, and so is a command that fails', async () => {
  expect(await init('--command', 'python plain.py', '--metric', 'accuracy', '--name', 'silent')).toMatchObject({ code: 0 });
  const silent = await stranger.brigade('calibrate', 'silent', '--calibration', '2');
  expect(silent.code).toBe(2);
  expect(silent.out).toMatch(/the baseline failed on 2 of 2 seeds: crash, .*never printed accuracy .*the last it printed is 'loss: 0\.25'/);
  expect(silent.out).toMatch(/the last lines it printed:\n {2}== smoke\n {2}loss: 0\.25\n {2}== train\n {2}loss: 0\.25\n/);
  expect(await init('--command', 'python plain.py --fail', '--metric', 'loss', '--name', 'failing')).toMatchObject({ code: 0 });
  const failing = await stranger.brigade('calibrate', 'failing', '--calibration', '2');
  expect(failing.out).toMatch(/preflight_crash, ValueError: a gradient of nothing \(plain\.py:9 in <module>\) in smoke/);
  expect(failing.out).toContain('mend the recipe in surfaces/failing/recipe');
}, 240_000);

test('the project\'s own environment is used in the sandbox; a recipe that ignores its seed is told that nothing tells its gains from chance', async () => {
  await run(python, ['-m', 'venv', '--without-pip', join(stranger.folder, '.venv')]);
  await stranger.put({ '.venv/lib/only_here.py': 'FACTOR = 4.0\n', '.gitignore': '.venv/\n', 'own.py': PLAIN.replace('print("loss:", weight)', 'import only_here\nprint("loss:", weight * only_here.FACTOR)') });
  const { stdout: library } = await run(join(stranger.folder, '.venv/bin/python'), ['-c', 'import sysconfig; print(sysconfig.get_paths()["purelib"])']);
  await rename(join(stranger.folder, '.venv/lib/only_here.py'), join(library.trim(), 'only_here.py'));
  await stranger.commit();
  expect(await stranger.brigade('init', '--command', 'python own.py', '--metric', 'loss', '--budget', '60', '--memory', '1GB', '--name', 'same')).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/\.venv\/ of this folder/) as string });
  expect(await readFile(join(stranger.folder, 'evaluators/same/evaluator.yaml'), 'utf8')).toContain('python: ".venv/bin/python"');
  const same = await stranger.brigade('calibrate', 'same', '--calibration', '2');
  expect(same.code).toBe(0);
  expect(same.out).toMatch(/^baseline 1\.0000 ± 0\.0000 loss/m);
  expect(same.out).toContain('all 2 seeds of the baseline scored the same');
}, 240_000);
