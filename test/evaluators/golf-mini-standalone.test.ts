import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeRecipe } from '../../src/adapters/report/index.ts';
import { findToolchain, projectRoot } from '../../src/adapters/toolchain/index.ts';
import { loadEvaluator, loadSurface } from '../../src/adapters/surfaces/index.ts';
import { readStandalone } from '../../src/cli/conduct.ts';

const place = { root: projectRoot(), runs: '' };
const toolchain = await findToolchain(place.root);
const data = join(toolchain.dataDir, 'golf-mini');
const SAYS = /^(\d\.\d{4}) bits per byte on the search text, seed 3: trained 0\.\d CPU seconds by an uncalibrated clock; \d{5} bytes with the code; not audited\n$/;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brigade-alone-'));
  await writeRecipe(join(folder, 'best'), { ...await readStandalone(place, 'golf-mini'), ...(await loadSurface(place.root, 'golf-mini')).recipe });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (python: string, ...args: string[]) => execa(python, ['run.py', ...args], { cwd: join(folder, 'best'), reject: false, stripFinalNewline: false, env: { OMP_NUM_THREADS: '1' } });

test('golf-mini lets a recipe run by itself, another evaluator need not, and it is no part of what decides a score', async () => {
  expect(Object.keys(await readStandalone(place, 'golf-mini'))).toEqual(['run.py']);
  expect(await readStandalone(place, 'tiny')).toEqual({});
  await cp(join(place.root, 'evaluators', 'golf-mini'), join(folder, 'evaluators', 'golf-mini'), { recursive: true });
  const hash = async (): Promise<string> => (await loadEvaluator(folder, 'golf-mini', { dataDir: join(folder, 'none') })).hash;
  const before = await hash();
  await writeFile(join(folder, 'evaluators', 'golf-mini', 'standalone.py'), '# changed\n');
  expect(await hash()).toBe(before);
  await writeFile(join(folder, 'evaluators', 'golf-mini', 'harness.py'), '# changed\n');
  expect(await hash()).not.toBe(before);
});

test('a best recipe trains and says its score on the search text, by a clock that it calls uncalibrated', async () => {
  const done = await run(toolchain.python, '--seconds', '0.3', '--seed', '3', '--data', data);
  expect(done.stdout, done.stderr).toMatch(SAYS);
  expect(Number(SAYS.exec(done.stdout)?.[1])).toBeGreaterThan(2);
  expect(Number(SAYS.exec(done.stdout)?.[1])).toBeLessThan(8);
  expect(await readdir(join(folder, 'best')), 'the folder stays the recipe').not.toContain('__pycache__');
}, 120_000);

test('without its data it says what is missing', async () => {
  const done = await run(toolchain.python);
  expect(done.exitCode).toBe(1);
  expect(done.stderr).toMatch(/the prepared data was not found above this folder/);
}, 60_000);

test('a Python without torch goes on with the project\'s own, and says so where there is none', async () => {
  const bare = '/usr/bin/python3';
  const hasNone = existsSync(bare) && (await execa(bare, ['-c', 'import torch'], { reject: false })).exitCode !== 0;
  if (!hasNone) { console.log('skipped: no Python without torch at /usr/bin/python3'); return; }
  expect((await run(bare)).stderr).toMatch(/has no torch: install it, or run this with an interpreter that has it/);
  await cp(join(place.root, '.brigade', 'setup.json'), join(folder, '.brigade', 'setup.json'));
  const done = await run(bare, '--seconds', '0.3', '--seed', '3', '--data', data);
  expect(done.stdout, done.stderr).toMatch(SAYS);
}, 120_000);
