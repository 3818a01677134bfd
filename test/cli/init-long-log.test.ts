import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

// A command that prints more than is kept of a log: what it said of its metric early on still counts.

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'brigade-long-log-'));
  cpSync(join(import.meta.dirname, '../../src/adapters/starter/wrapper'), join(root, 'eval'), { recursive: true });
  for (const folder of ['recipe', 'work']) mkdirSync(join(root, folder));
  writeFileSync(join(root, 'recipe/train.py'), "print('acc: 0.9')\nprint('acc: 0.7 ' + 'x' * 40)\nfor i in range(4000): print('step', i, end='\\r')\nprint('acc: 0.8', flush=True)\n");
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test.each([['first', 0.9], ['best', 0.9], ['last', 0.8]])('the %s value of a long log is %d', (take, value) => {
  rmSync(join(root, 'work'), { recursive: true });
  mkdirSync(join(root, 'work'));
  writeFileSync(join(root, 'eval/command.json'), JSON.stringify({ command: ['{python}', 'train.py'], env: {}, metric: 'acc', pattern: 'acc: ([0-9.]+)', take, direction: 'maximize', smokeSeconds: 1, artifact: null, mounts: [], links: {} }));
  execFileSync('python3', ['-I', '-c', `
import os, sys
for name in ('eval', 'work', 'recipe'): os.environ['BRIGADE_' + name.upper()] = os.path.join(${JSON.stringify(root)}, name)
sys.path.insert(0, os.environ['BRIGADE_EVAL'])
import harness
harness.MOST_KEPT = 2000
harness.lay_out()
harness.train()`], { stdio: 'pipe' });
  expect(readFileSync(join(root, 'work/log.txt')).length).toBeLessThan(10_000);
  const said = execFileSync('python3', ['-I', join(root, 'eval/scorer.py')], { cwd: join(root, 'eval'), input: JSON.stringify({ artifact: join(root, 'work/log.txt') }), encoding: 'utf8' });
  expect(JSON.parse(said)).toMatchObject({ kind: 'scored', score: value, metrics: { lines: 3 } });
});
