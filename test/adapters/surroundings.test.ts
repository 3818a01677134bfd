import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BadSurface, loadEvaluator } from '../../src/adapters/surfaces/index.ts';
import { openWorkbench } from '../../src/adapters/workbench/index.ts';
import { bench, levels, python } from '../adversarial/sandboxed.ts';

// What an evaluator uses of its machine: an interpreter of its own, mounts, data folders.

const project = join(import.meta.dirname, '..', '..');
const held = await levels();
let home = '';
let root = '';
const dataDir = (): string => join(root, '.brigade', 'data');
const load = (verify = false) => loadEvaluator(root, 'mine', { dataDir: dataDir(), verify });
const problem = async (): Promise<string> => {
  const error = await load().then(() => null, (cause: unknown) => cause);
  if (!(error instanceof BadSurface)) throw new Error(`not refused: ${String(error)}`);
  return error.message;
};
const add = (lines: string): void => {
  const file = join(root, 'evaluators/mine/evaluator.yaml');
  writeFileSync(file, `${readFileSync(file, 'utf8')}${lines}\n`);
};

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'brigade-own-'));
  execFileSync(python, ['-m', 'venv', '--without-pip', join(home, 'environment')]);
  const packages = execFileSync(join(home, 'environment/bin/python'), ['-c', 'import sysconfig; print(sysconfig.get_paths()["purelib"])'], { encoding: 'utf8' }).trim();
  writeFileSync(join(packages, 'only_here.py'), 'WORD = "of this environment"\n');
  mkdirSync(join(home, 'weights'));
  writeFileSync(join(home, 'weights', 'a.txt'), 'alpha');
});
afterAll(() => rmSync(home, { recursive: true, force: true }));
beforeEach(() => {
  root = mkdtempSync(join(home, 'project-'));
  cpSync(join(project, 'evaluators/tiny'), join(root, 'evaluators/mine'), { recursive: true });
});

describe.each(held)('at level %s', (level) => {
  test('a phase runs on the evaluator’s interpreter with its packages, and sees what is mounted read-only, while the scorer runs on the project’s', async () => {
    await using on = await bench(level, { interpreter: join(home, 'environment/bin/python') });
    writeFileSync(join(on.folder, 'evaluator', 'scorer.py'), 'import importlib.util, json, os\nprint(json.dumps({"command": os.read(3, 999).decode(), "own": importlib.util.find_spec("only_here") is not None}))\n');
    const end = await on.run(`
import os, only_here
try: open('/mounts/weights/b.txt', 'w'); written = 'written'
except OSError: written = 'read-only'
os.write(3, f"{only_here.WORD}, {open('/mounts/weights/a.txt').read()}, {written}, {os.environ['BRIGADE_MOUNTS']}, {sorted(os.listdir('/mounts'))}".encode())
os.read(3, 1)
`, { mounts: { weights: join(home, 'weights') }, scorer: { command: ['python', 'scorer.py'], request: '{}' } });
    expect(end).toMatchObject({ kind: 'exited', code: 0, scored: { command: "of this environment, alpha, read-only, /mounts, ['weights']", own: false } });
  });

  test('a package installed in place shows nothing of a project that holds data and keys', async () => {
    const environment = join(root, 'environment');
    execFileSync(python, ['-m', 'venv', '--without-pip', environment]);
    const packages = execFileSync(join(environment, 'bin/python'), ['-I', '-c', 'import sysconfig; print(sysconfig.get_paths()["purelib"])'], { encoding: 'utf8' }).trim();
    const [theirs, beside] = [join(root, 'theirs'), join(root, 'beside')];
    for (const folder of [join(theirs, '.brigade'), beside]) mkdirSync(folder, { recursive: true });
    writeFileSync(join(theirs, '.brigade', 'held-out.bin'), 'held out');
    writeFileSync(join(packages, '__editable__.pth'), `${theirs}\n${beside}\n`);
    await using on = await bench(level, { interpreter: join(environment, 'bin/python') });
    const end = await on.run(`import os, sys\nprint([os.path.exists(path) for path in ${JSON.stringify([theirs, beside])}])\n`);
    expect(end.logTail).toBe('[False, True]\n');
  });

  test('an interpreter that does not run is refused when the slot is opened, with its own words', async () => {
    writeFileSync(join(root, 'python'), '#!/bin/sh\necho "libpython is not here" >&2\nexit 127\n', { mode: 0o755 });
    await expect(bench(level, { interpreter: join(root, 'python') })).rejects.toThrow(/does not run as a Python interpreter: libpython is not here/);
  });
});

test('an interpreter and a mount are read by path, absolute or from the project folder', async () => {
  symlinkSync(join(home, 'environment'), join(root, 'environment'));
  add(`python: environment/bin/python\nmounts: {weights: ${join(home, 'weights')}}`);
  expect(await load()).toMatchObject({ python: join(root, 'environment/bin/python'), mounts: { weights: join(home, 'weights') }, missing: [] });
});

test('seconds that end where the recipe prints a line cannot be the score', async () => {
  const file = join(root, 'evaluators/mine/evaluator.yaml');
  const text = readFileSync(file, 'utf8');
  const timed = (until: string): void => writeFileSync(file, `${text.replace(/(name: train, [^\n]*)\}$/m, `$1, milestones: [{name: start, ${until}budget: 1}, {name: train, budget: 1}]}`)}score: {seconds: [train]}\n`);
  timed("until: '^begun', ");
  expect(await problem()).toMatch(/score\.seconds.*the stretches of train end where the recipe prints a line, so it could choose its own score/);
});

test.each([
  ['a home folder', 'python: ~/environment/bin/python', /evaluator\.yaml:\d+:\d+  python: .* will not do: give a path without ~ and without variables/],
  ['a variable', 'python: $CONDA_PREFIX/bin/python', /python: .*without variables/],
  ['an interpreter that is not there', 'python: nowhere/bin/python', /evaluator\.yaml:\d+:\d+  python: .*nowhere\/bin\/python is no program here: name the interpreter of your environment by its path/],
  ['a name nobody has', 'python: python9.9', /python: \/usr\/local\/bin\/python9\.9 and \/usr\/bin\/python9\.9 are no program here/],
  ['a mount that is not there', 'mounts: {weights: nowhere}', /evaluator\.yaml:\d+:\d+  mounts\.weights: .*nowhere is not there/],
])('%s is refused where it is named', async (_, lines, said) => {
  add(lines);
  expect(await problem()).toMatch(said);
});

test('what set-up makes in .brigade may be awaited, and is listed until it is there', async () => {
  add('python: .brigade/environments/mine/bin/python\nmounts: {bundle: .brigade/data/mine/bundle}\nfolders: [train]');
  expect(await load()).toMatchObject({ missing: ['train', 'python', 'mounts.bundle'], isMadeFromUpstream: true, python: null, mounts: {} });
});

test('the environment’s hash covers the packages of the evaluator’s interpreter and the contents of what is mounted, wherever they lie', async () => {
  const hashOf = async (lines: string): Promise<string> => {
    cpSync(join(project, 'evaluators/tiny/evaluator.yaml'), join(root, 'evaluators/mine/evaluator.yaml'));
    add(lines);
    const spec = await load();
    return (await openWorkbench({ python, evaluatorDir: spec.dir, dataDir: join(dataDir(), 'mine'), workDir: join(root, 'work'), canaryDir: join(root, 'canaries'), spec, pinned: spec.pinned, surfaceHash: '', baseline: {}, sandbox: 'none' })).environmentHash;
  };
  const plain = await hashOf('');
  const mounted = await hashOf(`mounts: {weights: ${join(home, 'weights')}}`);
  cpSync(join(home, 'weights'), join(root, 'moved'), { recursive: true });
  expect(await hashOf('mounts: {weights: moved}')).toBe(mounted);
  writeFileSync(join(root, 'moved', 'a.txt'), 'omega');
  expect(new Set([plain, mounted, await hashOf('mounts: {weights: moved}'), await hashOf(`python: ${join(home, 'environment/bin/python')}`)]).size).toBe(4);
});

describe('a data set that is a folder', () => {
  const folder = (): string => join(dataDir(), 'mine', 'train');
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  const prepare = (): void => {
    add('folders: [train]');
    mkdirSync(folder(), { recursive: true });
    const files = ['one.bin', 'two.bin'].map((path) => {
      writeFileSync(join(folder(), path), path);
      utimesSync(join(folder(), path), 1_700_000_000, 1_700_000_000);
      return { path, bytes: path.length, sha256: sha256(path), mtimeMs: Math.floor(statSync(join(folder(), path)).mtimeMs) };
    });
    writeFileSync(`${folder()}.manifest.json`, JSON.stringify({ files }));
  };

  test('is believed by size and time, and every file of it is pinned by its digest', async () => {
    prepare();
    const spec = await load();
    expect(spec.missing).toEqual([]);
    expect(spec.pinned).toEqual(['one.bin', 'two.bin'].map((path) => ({ path: join(folder(), path), sha256: sha256(path) })));
    const bench = await openWorkbench({ python, evaluatorDir: spec.dir, dataDir: join(dataDir(), 'mine'), workDir: join(root, 'work'), canaryDir: join(root, 'canaries'), spec, pinned: spec.pinned, surfaceHash: '', baseline: {}, sandbox: 'none' });
    expect(bench.dataSet('train')).toBe(folder());
    expect([await bench.changed(), await bench.differs()]).toEqual([null, null]);
  });

  test('a change that keeps size and time is seen only when all is read; one that does not, at once', async () => {
    prepare();
    writeFileSync(join(folder(), 'two.bin'), 'TWO.bin');
    utimesSync(join(folder(), 'two.bin'), 1_700_000_000, 1_700_000_000);
    const spec = await load();
    const bench = await openWorkbench({ python, evaluatorDir: spec.dir, dataDir: join(dataDir(), 'mine'), workDir: join(root, 'work'), canaryDir: join(root, 'canaries'), spec, pinned: spec.pinned, surfaceHash: '', baseline: {}, sandbox: 'none' });
    expect(await bench.differs()).toBe(join(folder(), 'two.bin'));
    await expect(load(true)).rejects.toThrow(/folders: the prepared train\/two\.bin has another content: run brigade surfaces setup again/);
    utimesSync(join(folder(), 'two.bin'), new Date(0), new Date(0));
    expect(await problem()).toMatch(/two\.bin has another content/);
  });

  test.each([
    ['a file that is gone', () => rmSync(join(folder(), 'one.bin')), /train\/one\.bin is gone/],
    ['a file cut short', () => writeFileSync(join(folder(), 'one.bin'), 'one'), /train\/one\.bin has 3 bytes, not 7/],
    ['a file nobody listed', () => writeFileSync(join(folder(), 'three.bin'), ''), /train\/three\.bin is in no manifest/],
    ['a damaged manifest', () => writeFileSync(`${folder()}.manifest.json`, '{'), /train\.manifest\.json is damaged/],
    ['another manifest than checksums names', () => add(`checksums: {train: ${'a'.repeat(64)}}`), /the prepared train has digest .*, and checksums names aaaaaaaaaaaa…/],
  ])('%s is refused', async (_, damage, said) => {
    prepare();
    if (said.source.includes('checksums')) {
      const file = join(root, 'evaluators/mine/evaluator.yaml');
      writeFileSync(file, readFileSync(file, 'utf8').replace('checksums: {}\n', ''));
    }
    damage();
    expect(await problem()).toMatch(said);
  });

  test('the evaluator’s hash changes with what the folder holds', async () => {
    const { hash } = await load();
    prepare();
    expect((await load()).hash).not.toBe(hash);
  });
});
