import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openOptuna } from '../../src/adapters/optuna/index.ts';

// The process that is asked, standing in for an interpreter that misbehaves in every way.

const STUDY = { seed: 0, parameters: [], trials: [] };
let folder = '';
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'brigade-sampler-')); });
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Asks an interpreter that is this shell script. */
async function ask(script: string, signal: AbortSignal = new AbortController().signal) {
  const program = join(folder, 'python');
  await writeFile(program, `#!/bin/sh\n${script}\n`);
  await chmod(program, 0o755);
  return openOptuna(program).suggest(STUDY, 2, signal);
}

test('an answer is taken as it was printed', async () => {
  expect(await ask(`echo '{"optuna":"4.0","answers":[{"WIDTH":"64","RATE":-2}]}'`)).toEqual([{ WIDTH: '64', RATE: -2 }]);
});

test.each([
  ['nothing', 'true'], ['what is no JSON', 'echo warning: no such module'], ['a number that is no whole one', `echo '{"optuna":"4.0","answers":[{"RATE":0.5}]}'`],
  ['a field nobody asked for', `echo '{"optuna":"4.0","answers":[],"score":1}'`], ['an answer, and then dies', `echo '{"optuna":"4.0","answers":[]}'; kill -9 $$`],
])('a sampler that says %s is refused', async (_, script) => {
  await expect(ask(script)).rejects.toThrow();
});

test('a sampler that hangs and will not be told is dead when the thought is given up', async () => {
  const stop = new AbortController();
  const born = join(folder, 'born');
  const asked = ask(`trap '' TERM; echo $$ > ${born}.part; mv ${born}.part ${born}; while :; do sleep 0.1; done`, stop.signal);
  asked.catch(() => undefined);
  let pid = '';
  while (pid === '') { pid = await readFile(born, 'utf8').catch(() => ''); await new Promise((resolve) => setImmediate(resolve)); }
  stop.abort();
  await expect(asked).rejects.toThrow();
  expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
});
