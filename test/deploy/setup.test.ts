import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';

const project = join(import.meta.dirname, '..', '..');
const python = join(project, '.brigade', 'python', 'bin', 'python');

interface Checkout {
  readonly root: string;
  write(path: string, text: string): Promise<string>;
  read(path: string): Promise<string>;
  has(path: string): boolean;
  /** Starts set-up as a user would, in a process of its own. */
  start(args: readonly string[], env?: Record<string, string | undefined>): Running;
  run(args: readonly string[], env?: Record<string, string | undefined>): Promise<Ended>;
}

interface Running { readonly process: ChildProcess; readonly ended: Promise<Ended> }
interface Ended { readonly code: number | null; readonly says: string; readonly printed: string }

/** A project small enough to be set up in a moment, gone when the test ends. */
async function checkout(): Promise<Checkout> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'brigade-setup-')));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
    return join(root, path);
  };
  await write('package.json', '{"name": "small", "version": "1.2.3"}');
  const start = (args: readonly string[], env: Record<string, string | undefined> = {}): Running => {
    const child = spawn(process.execPath, [join(project, 'deploy', 'setup.mjs'), '--root', root, ...args], {
      env: { ...process.env, npm_execpath: undefined, BRIGADE_PYTHON: undefined, BRIGADE_NATS_URL: undefined, NATS_SERVER_BIN: undefined, ...env }, stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [says, printed] = ['', ''];
    child.stderr.on('data', (chunk: Buffer) => { says += chunk; });
    child.stdout.on('data', (chunk: Buffer) => { printed += chunk; });
    return { process: child, ended: once(child, 'close').then(([code]) => ({ code, says, printed })) };
  };
  return { root, write, start, read: (path) => readFile(join(root, path), 'utf8'), has: (path) => existsSync(join(root, path)), run: (args, env) => start(args, env).ended };
}

/** An evaluator whose data preparation says when it begins and stops for ever unless `gate` exists. */
const SLOW_PREPARE = `
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
const [, , out] = process.argv;
appendFileSync('began', process.pid + '\\n');
while (!existsSync('gate')) await new Promise((resolve) => setTimeout(resolve, 20));
mkdirSync(out, { recursive: true });
writeFileSync(out + '/train.bin', 'bytes');
appendFileSync('ended', process.pid + '\\n');
`;

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!await holds()) await new Promise((resolve) => { setTimeout(resolve, 10); });
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('a set-up killed half-way goes on the next time, and what it left running is dead by then', async () => {
  const small = await checkout();
  await small.write('evaluators/toy/prepare.mjs', SLOW_PREPARE);
  const first = small.start(['--only', 'data']);
  await until(() => small.has('began'));
  first.process.kill('SIGKILL');
  await first.ended;
  const orphan = Number((await small.read('began')).trim());
  expect(isAlive(orphan)).toBe(true);

  const second = small.start(['--only', 'data']);
  await until(async () => (await small.read('began')).split('\n').length === 3);
  await until(() => !isAlive(orphan));
  await small.write('gate', '');
  expect(await second.ended).toMatchObject({ code: 0 });
  expect((await small.read('ended')).trim()).not.toBe(String(orphan));
  expect(await small.read('.brigade/data/toy/train.bin')).toBe('bytes');

  expect((await small.run(['--only', 'data'])).code).toBe(0);
  expect((await small.read('began')).trim().split('\n')).toHaveLength(2);
});

test('a stopped set-up ends what it started and says how to go on', async () => {
  const small = await checkout();
  await small.write('evaluators/toy/prepare.mjs', SLOW_PREPARE);
  const running = small.start(['--only', 'data']);
  await until(() => small.has('began'));
  running.process.kill('SIGINT');
  const { code, says } = await running.ended;
  expect(code).toBe(130);
  expect(says).toContain('run it again to go on');
  const child = Number((await small.read('began')).trim());
  await until(() => !isAlive(child));
});

test('of two set-ups at once the second waits, then finds nothing to do', async () => {
  const small = await checkout();
  await small.write('evaluators/toy/prepare.mjs', SLOW_PREPARE);
  const first = small.start(['--only', 'data']);
  await until(() => small.has('began'));
  const second = small.start(['--only', 'data']);
  let heard = '';
  second.process.stderr?.on('data', (chunk: Buffer) => { heard += chunk; });
  await until(() => heard.includes(`process ${first.process.pid}`));
  await small.write('gate', '');
  expect((await first.ended).code).toBe(0);
  expect((await second.ended).code).toBe(0);
  expect((await small.read('began')).trim().split('\n')).toHaveLength(1);
});

test('a lock whose holder has ended, or whose process number now belongs to another, is taken over', async () => {
  const small = await checkout();
  const gone = spawn(process.execPath, ['-e', '']);
  await once(gone, 'exit');
  await small.write('.brigade/setup/lock.1', JSON.stringify({ pid: gone.pid, born: '1' }));
  expect((await small.run(['--only', 'data'])).code).toBe(0);
  await small.write('.brigade/setup/lock.7', JSON.stringify({ pid: process.pid, born: 'another time' }));
  expect((await small.run(['--only', 'data'])).code).toBe(0);
  await small.write('.brigade/setup/lock.9', 'half writ');
  expect((await small.run(['--only', 'data'])).code).toBe(0);
  expect(small.has('.brigade/setup/lock.10')).toBe(true);
  expect(small.has('.brigade/setup/lock.7')).toBe(false);
});

test('packages that npm had not finished installing are installed again, finished ones are left alone', async () => {
  const small = await checkout();
  const lock = await small.write('package-lock.json', JSON.stringify({ lockfileVersion: 3, packages: { '': {}, 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '1.0.0', optional: true } } }));
  const npm = await small.write('bin/npm', `#!/bin/sh
rm -rf node_modules; mkdir -p node_modules/a; echo $$ >> began
[ -e gate ] || exec sleep 600
cp ${lock} node_modules/.package-lock.json\n`);
  await chmod(npm, 0o755);
  const env = { PATH: `${dirname(npm)}:${process.env['PATH']}` };
  const first = small.start(['--only', 'packages'], env);
  await until(() => small.has('began'));
  first.process.kill('SIGKILL');
  await first.ended;
  expect(small.has('node_modules/a')).toBe(true);
  await small.write('gate', '');
  expect((await small.run(['--only', 'packages'], env)).code).toBe(0);
  expect((await small.run(['--only', 'packages'], env)).says).toContain('node packages ✓');
  expect((await small.read('began')).trim().split('\n')).toHaveLength(2);
  await small.write('package-lock.json', (await small.read('package-lock.json')).replace('"1.0.0"', '"1.0.1"'));
  await small.run(['--only', 'packages'], env);
  expect((await small.read('began')).trim().split('\n')).toHaveLength(3);
});

test('a step done again by itself leaves a finished set-up finished, and an unfinished one unfinished', async () => {
  const small = await checkout();
  const pins = createHash('sha256').update(await readFile(join(project, 'deploy', 'setup', 'pins.json'))).digest('hex');
  const state = async () => z.object({ pins: z.string().nullable() }).parse(JSON.parse(await small.read('.brigade/setup.json'))).pins;
  await small.write('evaluators/toy/prepare.mjs', SLOW_PREPARE);
  await small.write('gate', '');
  expect((await small.run(['--only', 'data'])).code).toBe(0);
  expect(await state()).toBeNull();
  await small.write('.brigade/setup.json', JSON.stringify({ root: small.root, brigade: '1.2.3', pins, steps: {} }));
  expect((await small.run(['--only', 'data'])).code).toBe(0);
  expect(await state()).toBe(pins);
});

test('a program that does not compile leaves the one that was built, and the set-up as finished as it was; mended, it is built', async () => {
  const small = await checkout();
  const state = async () => z.object({ pins: z.string().nullable(), steps: z.object({ build: z.object({ key: z.string() }).optional() }) }).parse(JSON.parse(await small.read('.brigade/setup.json')));
  await symlink(join(project, 'node_modules'), join(small.root, 'node_modules'));
  await small.write('tsconfig.json', JSON.stringify({ compilerOptions: { rootDir: 'src', outDir: 'dist', types: [] }, include: ['src'] }));
  await small.write('package-lock.json', '{}');
  await small.write('src/main.ts', 'export const said: string = "first";');
  await small.write('.brigade/setup.json', JSON.stringify({ root: small.root, brigade: '1.2.3', pins: '0'.repeat(64), steps: {} }));
  expect((await small.run(['--only', 'build'])).code).toBe(0);
  await small.write('src/main.ts', 'export const said: string = 2;');
  expect((await small.run(['--only', 'build'])).says).toMatch(/build ✗ tsc: .*the sources do not compile/);
  expect(await state()).toEqual({ pins: '0'.repeat(64), steps: {} });
  expect(await small.read('dist/main.js')).toContain('first');
  await small.write('src/main.ts', 'export const said: string = "third";');
  expect((await small.run(['--only', 'build'])).code).toBe(0);
  expect(await state()).toMatchObject({ pins: '0'.repeat(64), steps: { build: {} } });
  expect(await small.read('dist/main.js')).toContain('third');
});

test('what fails is said in one line with its log and remedy, and as JSON for scripts', async () => {
  const small = await checkout();
  await small.write('evaluators/toy/prepare.mjs', 'console.log("the disk is full"); process.exit(3);');
  const { code, says, printed } = await small.run(['--only', 'data', '--json']);
  expect(code).toBe(1);
  expect(says).toMatch(/data ✗ evaluators\/toy\/prepare\.mjs: exit 3\. mend .*npm run setup\. log: \.brigade\/logs\/prepare-toy\.log/);
  expect(await small.read('.brigade/logs/prepare-toy.log')).toContain('the disk is full');
  const report = z.object({ ok: z.boolean(), steps: z.array(z.object({ failure: z.object({ what: z.string(), remedy: z.string() }) })) }).parse(JSON.parse(printed));
  expect(report.ok).toBe(false);
});

test('a nats-server that is too old is refused when it was asked for, and passed over when it was only found', async () => {
  const small = await checkout();
  const old = await small.write('old/nats-server', '#!/bin/sh\necho "nats-server: v2.9.10"\n');
  const recent = await small.write('.brigade/bin/nats-server', '#!/bin/sh\necho "nats-server: v2.10.27"\n');
  for (const file of [old, recent]) await chmod(file, 0o755);
  const named = await small.run(['--only', 'nats'], { NATS_SERVER_BIN: old });
  expect(named.code).toBe(1);
  expect(named.says).toMatch(/nats-server 2\.9\.10; 2\.10\.27 or newer is needed/);
  const found = await small.run(['--only', 'nats'], { PATH: `${dirname(old)}:${process.env['PATH']}` });
  expect(found).toMatchObject({ code: 0 });
  expect(found.says).toContain('nats-server 2.10.27 ✓');
  expect(JSON.parse(await small.read('.brigade/setup.json'))).toMatchObject({ steps: { nats: { path: recent } } });
});

test('with a server of the user\'s own nothing is fetched', async () => {
  const small = await checkout();
  expect((await small.run(['--only', 'nats'], { BRIGADE_NATS_URL: 'nats://127.0.0.1:4222', PATH: '' })).code).toBe(0);
  expect(small.has('.brigade/bin')).toBe(false);
});

test('where bubblewrap cannot be had set-up goes on and says what is weaker', async () => {
  const small = await checkout();
  for (let round = 0; round < 2; round++) {
    const { code, says } = await small.run(['--only', 'sandbox'], { PATH: join(small.root, 'nothing') });
    expect(code).toBe(0);
    expect(says).toMatch(/sandbox: .*none is run, unless you say --sandbox none !/);
  }
});

test('without a Python that is new enough set-up says which it found and what to do', async () => {
  const small = await checkout();
  const none = await small.run(['--only', 'python'], { PATH: join(small.root, 'nothing'), VIRTUAL_ENV: undefined, CONDA_PREFIX: undefined });
  expect(none.code).toBe(1);
  expect(none.says).toMatch(/no Python on PATH; 3\.10 or newer is needed\. install Python/);
  const old = await small.write('bin/python3', `#!/bin/sh\necho '{"executable":"/old/python3","version":"3.8.20","torch":null,"numpy":null}'\n`);
  await chmod(old, 0o755);
  const tooOld = await small.run(['--only', 'python'], { PATH: dirname(old), VIRTUAL_ENV: undefined, CONDA_PREFIX: undefined });
  expect(tooOld.says).toContain('only Python 3.8.20 (/old/python3) on PATH');
  const named = await small.run(['--only', 'python'], { BRIGADE_PYTHON: old });
  expect(named.says).toMatch(/BRIGADE_PYTHON=.* is Python 3\.8\.20; 3\.10 or newer is needed/);
});

test('a Python that already has PyTorch is kept, not replaced', async () => {
  const small = await checkout();
  const kept = await small.run(['--only', 'python'], { BRIGADE_PYTHON: python });
  expect(kept.says).toMatch(/torch 2\.[\d.]+ c(pu|uda) \(yours\) ✓/);
  expect(JSON.parse(await small.read('.brigade/setup.json'))).toMatchObject({ steps: { python: { own: false, path: join(small.root, '.brigade/python/bin/python') } } });
  expect(await realpath(join(small.root, '.brigade/python/bin/python'))).toBe(await realpath(python));
  expect((await small.run(['--only', 'python'], { BRIGADE_PYTHON: python })).says).not.toContain('first import');
});

test('compiled files replace the old ones as a whole, with what the sources read beside them', async () => {
  const small = await checkout();
  await symlink(join(project, 'node_modules'), join(small.root, 'node_modules'));
  await small.write('tsconfig.json', '{"compilerOptions": {"rootDir": "src", "outDir": "dist", "module": "nodenext", "types": []}, "include": ["src"]}');
  await small.write('src/one.ts', 'export const one: number = 1;');
  await small.write('src/main.ts', 'export {};');
  await small.write('src/guard/guard.py', 'pass');
  await small.write('dist/stale.js', '');
  expect((await small.run(['--only', 'build'])).code).toBe(0);
  expect([small.has('dist/one.js'), small.has('dist/guard/guard.py'), small.has('dist/stale.js')]).toEqual([true, true, false]);
  expect(statSync(join(small.root, 'dist/main.js')).mode & 0o111, 'a link to the program is a program').toBe(0o111);
  await small.write('src/one.ts', 'export const one: number = "1";');
  expect((await small.run(['--only', 'build'])).code).toBe(1);
  expect(await small.read('dist/one.js')).toContain('one = 1');
});

test('a step that does not exist is a mistake, not a silent success', async () => {
  const small = await checkout();
  expect(await small.run(['--only', 'pyton'])).toMatchObject({ code: 1 });
});
