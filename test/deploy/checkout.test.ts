import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

// What runs before the program is compiled is plain JavaScript, so it is asked in a process of its own.
const program = join(import.meta.dirname, '..', '..', 'deploy', 'setup', 'checkout.mjs');
const ask = (call: string, env: NodeJS.ProcessEnv = {}): string =>
  execFileSync(process.execPath, ['--input-type=module', '-e', `import { commitOf, trackedFiles } from ${JSON.stringify(program)}; try { console.log(JSON.stringify(${call})); } catch (error) { console.log(error.message); }`], { encoding: 'utf8', env: { ...process.env, ...env } }).trim();

let root = '';
let checkout = '';
const git = (...words: readonly string[]): string => execFileSync('git', ['-C', checkout, '-c', 'user.name=t', '-c', 'user.email=t@t', ...words], { encoding: 'utf8' }).trim();
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'brigade-checkout-'));
  checkout = join(root, 'upstream');
  mkdirSync(join(checkout, 'code', 'deep'), { recursive: true });
  for (const file of ['code/a.py', 'code/deep/b.py', 'readme.md']) writeFileSync(join(checkout, file), 'x = 1\n');
  symlinkSync('/etc/passwd', join(checkout, 'code', 'link.py'));
  execFileSync('git', ['init', '-q', checkout]);
  git('add', '.');
  git('commit', '-q', '-m', 'one');
  writeFileSync(join(checkout, 'code', 'stray.py'), 'x = 2\n');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('plain files that git has are listed, and nothing that only lies there', () => {
  expect(JSON.parse(ask(`commitOf(${JSON.stringify(checkout)})`))).toBe(git('rev-parse', 'HEAD'));
  expect(JSON.parse(ask(`trackedFiles(${JSON.stringify(checkout)}, ['code'])`))).toEqual(['code/a.py', 'code/deep/b.py']);
});

test('a folder that is none, or only lies in a repository, is refused with what git said', () => {
  mkdirSync(join(root, 'bare'));
  expect(ask(`commitOf(${JSON.stringify(join(root, 'bare'))})`)).toMatch(/bare is no git checkout that can be read \(fatal: not a git repository.*\): clone the upstream repository there$/);
  expect(ask(`commitOf(${JSON.stringify(join(checkout, 'code'))})`)).toMatch(/code lies inside another repository/);
});

test('whoever calls may be a hook of another repository: its place in the environment is not taken for the checkout', () => {
  execFileSync('git', ['init', '-q', join(root, 'other')]);
  expect(JSON.parse(ask(`commitOf(${JSON.stringify(checkout)})`, { GIT_DIR: join(root, 'other', '.git'), GIT_WORK_TREE: join(root, 'other') }))).toBe(git('rev-parse', 'HEAD'));
});

test('nothing that the checkout names is run to look at it, and a file that was changed is refused by its name', () => {
  const ran = join(root, 'ran');
  writeFileSync(join(checkout, '.git', 'info', 'attributes'), '*.py filter=a\n');
  for (const [key, value] of [['core.fsmonitor', `touch ${ran}; false`], ['filter.a.clean', `touch ${ran}; cat`], ['filter.a.required', 'true']] as const) git('config', key, value);
  writeFileSync(join(checkout, 'code', 'a.py'), 'x = 3\n');
  expect(ask(`trackedFiles(${JSON.stringify(checkout)}, ['code'])`)).toMatch(/code\/a\.py was changed: put it back as the commit has it/);
  expect(existsSync(ran)).toBe(false);
});
