import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openParser, type PythonParser } from '../../src/adapters/python/index.ts';
import { BadSurface, loadSurface, setUpSurface, SurfaceNotSetUp } from '../../src/adapters/surfaces/index.ts';

// A surface whose recipe is somebody else's: a repository made here, set up in every way and in every half-done state.

const project = join(import.meta.dirname, '..', '..');
const VARIABLE = 'BRIGADE_UPSTREAM_THEIR_REPO';
let parser: PythonParser;
let folder = '';
let root = '';
let repository = '';
let commit = '';

const git = (where: string, ...args: string[]): string => execFileSync('git', args, { cwd: where, encoding: 'utf8', env: { ...process.env, GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@b', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@b' } }).trim();
const put = async (where: string, text: string): Promise<void> => { await mkdir(dirname(where), { recursive: true }); await writeFile(where, text); };
const TRAIN = 'class Settings:\n    rate = 0.1\n\n\ndef main():\n    model = build()\n    return model\n';
const PACK = `import base64, lzma, sys
source = 'import os\\nclass Settings:rate=.5;width=8\\ndef main():print(f"{os.environ.get("A")}");return 1\\n'
print('import lzma as L,base64 as B\\nexec(L.decompress(B.b85decode(%r),format=L.FORMAT_RAW,filters=[{"id":L.FILTER_LZMA2}]))' % base64.b85encode(lzma.compress(source.encode(), format=lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2}])).decode())`;

beforeAll(async () => {
  parser = await openParser();
  folder = await mkdtemp(join(tmpdir(), 'brigade-upstream-'));
  repository = join(folder, 'their-repo');
  await put(join(repository, 'train.py'), TRAIN);
  await put(join(repository, 'data', 'notes.md'), 'notes\n');
  await put(join(repository, 'records', 'best', 'train.py'), execFileSync('python3', ['-c', PACK], { encoding: 'utf8' }));
  git(repository, 'init', '--quiet');
  git(repository, 'add', '.');
  git(repository, 'commit', '--quiet', '-m', 'theirs');
  commit = git(repository, 'rev-parse', 'HEAD');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

beforeEach(async () => {
  root = await mkdtemp(join(folder, 'project-'));
  await cp(join(project, 'evaluators', 'tiny'), join(root, 'evaluators', 'tiny'), { recursive: true });
  await put(join(root, 'surfaces/theirs/surface.yaml'), `title: theirs
evaluator: tiny
slots: {kind: gpu, count: 8, memory: 80GB}
calibration: {replicates: 2}
limits: {trials: 4, minutes: 5}
upstream: {repository: "file://${repository}", commit: ${commit}, license: MIT, size: 1MB, files: ["*.py"], needs: eight GPUs}
roster: [optimizer, kernel]
partition: {optimizer: ["train.py#Settings"], kernel: ["train.py#main@model"]}
protected: [train.py]
starts:
  plain: {says: their own script}
  packed: {says: their record, files: {train.py: records/best/train.py}, packed: true, prepare: [WHERE=there, --variant, big], partition: {optimizer: ["train.py#Settings.rate"], kernel: ["train.py#main"]}, rosters: {}}
rosters:
  paper: {roster: [opt, meta], advisory: [meta], partition: {opt: ["train.py#Settings", "train.py#main@model"]}}
`);
  for (const who of ['optimizer', 'kernel', 'paper/opt', 'paper/meta']) await put(join(root, `surfaces/theirs/specialists/${who}.md`), '# Scope\nIts own.\n# Non-scope\nAll else.\n# Edit radius\nA line.\n');
});
afterEach(() => { delete process.env[VARIABLE]; });

const load = (roster: string | null = null) => loadSurface(root, 'theirs', parser, { roster });
const said: string[] = [];
const setUp = async (options: Partial<Parameters<typeof setUpSurface>[2]> = {}): Promise<void> => {
  said.length = 0;
  await setUpSurface(root, 'theirs', { from: null, data: null, start: null, python: null, prepare: true, anyPython: 'python3', say: (line) => said.push(line), ...options });
};
const refusal = async (doing: Promise<unknown>): Promise<string> => {
  const error = await doing.then(() => null, (cause: unknown) => cause);
  if (!(error instanceof BadSurface)) throw new Error(`not refused: ${String(error)}`);
  return error.message;
};
const checkout = (): string => join(root, '.brigade/upstream/theirs');

describe('before it is set up', () => {
  test('everything but its files is known, and the remedy is told', async () => {
    const error = await load().catch((cause: unknown) => cause);
    if (!(error instanceof SurfaceNotSetUp)) throw error;
    expect(error.outline).toMatchObject({ name: 'theirs', evaluator: 'tiny', slots: { kind: 'gpu', count: 8 }, roster: [{ specialist: 'optimizer' }, { specialist: 'kernel' }] });
    expect(error.message).toBe(`surface theirs is not set up: ${checkout()} is not there. brigade surfaces setup theirs fetches it; with --from PATH, or ${VARIABLE}, it takes a checkout you have.`);
  });
  test('a roster it does not have, and an owner outside of one, are told all the same', async () => {
    expect(await refusal(load('papers'))).toBe('surfaces/theirs/surface.yaml has no roster "papers"; did you mean `paper`? There is paper, and the one it has without a name.');
    await writeFile(join(root, 'surfaces/theirs/surface.yaml'), (await readFile(join(root, 'surfaces/theirs/surface.yaml'), 'utf8')).replace('kernel: ["train.py#main@model"]}', 'kernal: ["train.py#main@model"]}'));
    expect(await refusal(load())).toMatch(/surface\.yaml:8:\d+ {2}partition\.kernal: kernal is not in the roster/);
  });
});

describe('set-up', () => {
  test('fetches the pinned commit, says first what it takes, and passes over what is done', async () => {
    await setUp();
    expect(said[0]).toMatch(new RegExp(`^checkout      file://.*their-repo at ${commit.slice(0, 12)}: 1 MB of \\d+ MB free`));
    expect(Object.keys((await load()).recipe)).toEqual(['train.py']);
    expect((await load()).recipe['train.py']).toBe(TRAIN);
    await setUp();
    expect(said[0]).toMatch(/stands at [0-9a-f]{12} ✓$/);
  });
  test('takes a checkout that is given, though it stands elsewhere by now, and leaves it as it was', async () => {
    const theirs = join(folder, 'clone');
    git(folder, 'clone', '--quiet', repository, theirs);
    await put(join(theirs, 'train.py'), 'changed = 1\n');
    git(theirs, 'commit', '--quiet', '-am', 'later');
    await put(join(theirs, 'train.py'), 'dirty = 1\n');
    const before = git(theirs, 'status', '--porcelain') + git(theirs, 'rev-parse', 'HEAD') + git(theirs, 'worktree', 'list');
    await setUp({ from: theirs });
    expect((await load()).recipe['train.py']).toBe(TRAIN);
    expect(git(theirs, 'status', '--porcelain') + git(theirs, 'rev-parse', 'HEAD') + git(theirs, 'worktree', 'list')).toBe(before);
    expect(await refusal(setUpSurface(root, 'theirs', { from: root, data: null, start: 'nothing', python: null, prepare: true, anyPython: 'python3', say: () => undefined }))).toMatch(/no start "nothing".*There is plain, packed\./);
  });
  test('a folder without the commit is refused before anything is made', async () => {
    expect(await refusal(setUp({ from: join(root, 'surfaces') }))).toMatch(/^--from .*surfaces is no git checkout that holds [0-9a-f]{12}: fetch that commit there, or leave --from out\.$/);
    expect(existsSync(checkout())).toBe(false);
  });
  test('killed half-way it goes on', async () => {
    await mkdir(`${checkout()}.part`, { recursive: true });
    git(`${checkout()}.part`, 'init', '--quiet');
    await put(`${checkout()}.part/train.py`, 'half');
    await expect(load()).rejects.toThrow(/is not set up/);
    await setUp();
    expect((await load()).recipe['train.py']).toBe(TRAIN);
    expect(existsSync(`${checkout()}.part`)).toBe(false);
  });
  test('killed in the middle of git, whose locks are left, it goes on, and takes nothing from another that is at it', async () => {
    await mkdir(`${checkout()}.part-${2 ** 30}/.git`, { recursive: true });
    await mkdir(`${checkout()}.part/.git`, { recursive: true });
    git(`${checkout()}.part`, 'init', '--quiet');
    for (const lock of ['index.lock', 'HEAD.lock', 'shallow.lock']) await put(`${checkout()}.part/.git/${lock}`, '');
    await mkdir(`${checkout()}.part-${process.ppid}`);
    await setUp();
    expect((await load()).recipe['train.py']).toBe(TRAIN);
    expect((await readdir(dirname(checkout()))).sort()).toEqual(['theirs', 'theirs.json', `theirs.part-${process.ppid}`]);
  });
  test('called from a hook of another repository, it leaves that one alone', async () => {
    const other = join(root, 'other');
    git(folder, 'clone', '--quiet', repository, other);
    git(other, 'commit', '--quiet', '--allow-empty', '-m', 'mine');
    const head = git(other, 'rev-parse', 'HEAD');
    process.env.GIT_DIR = join(other, '.git');
    process.env.GIT_WORK_TREE = other;
    try { await setUp(); expect((await load()).recipe['train.py']).toBe(TRAIN); } finally { delete process.env.GIT_DIR; delete process.env.GIT_WORK_TREE; }
    expect(git(other, 'rev-parse', 'HEAD')).toBe(head);
  });
  test('calls the evaluator’s own preparation with the checkout, the data and what the start adds, and a failure has its remedy', async () => {
    await put(join(root, 'evaluators/tiny/prepare.mjs'), "import { writeFileSync } from 'node:fs';\nwriteFileSync(`${process.argv[2]}/called.json`, JSON.stringify([process.argv.slice(3), process.env.WHERE ?? null]));\nif (process.argv.includes('--python')) process.exit(3);\n");
    const called = async () => JSON.parse(await readFile(join(root, '.brigade/data/tiny/called.json'), 'utf8')) as unknown;
    await setUp();
    expect(await called()).toEqual([['--checkout', checkout()], null]);
    await setUp({ start: 'packed', data: join(root, 'surfaces') });
    expect(await called()).toEqual([['--checkout', checkout(), '--from', join(root, 'surfaces'), '--variant', 'big'], 'there']);
    expect(await refusal(setUp({ python: '/nowhere/bin/python' }))).toMatch(/evaluators\/tiny\/prepare\.mjs did not finish: look at the lines above and run the same command again; .* \(it ended with code 3\)\.$/);
    await rm(join(root, '.brigade/data/tiny/called.json'));
    await setUp({ prepare: false });
    expect(existsSync(join(root, '.brigade/data/tiny/called.json'))).toBe(false);
  });
  test('a surface with a recipe of its own has nothing to be set up', async () => {
    await cp(join(project, 'surfaces', 'tiny'), join(root, 'surfaces', 'tiny'), { recursive: true });
    expect(await refusal(setUpSurface(root, 'tiny', { from: null, data: null, start: null, python: null, prepare: true, anyPython: 'python3', say: () => undefined }))).toMatch(/has its recipe in its own folder/);
  });
});

describe('a checkout that is not what was pinned is refused with the remedy', () => {
  test('with a changed file, while a file that git does not know is nobody’s business', async () => {
    await setUp();
    await put(join(checkout(), 'data', 'shard.bin'), 'downloaded');
    const { hash } = await load();
    await put(join(checkout(), 'train.py'), `${TRAIN}# mine\n`);
    await expect(load()).rejects.toThrow(/is not set up: .* has changed files \(train\.py\)/);
    expect(await refusal(setUp())).toMatch(/has changed files: put them back \(git -C .* checkout -- \.\), or move the folder away\.$/);
    git(checkout(), 'checkout', '--', '.');
    expect((await load()).hash).toBe(hash);
  });
  test('with a file that git was told not to look at', async () => {
    await setUp();
    for (const how of ['assume-unchanged', 'skip-worktree']) {
      git(checkout(), 'update-index', `--${how}`, 'train.py');
      await put(join(checkout(), 'train.py'), `${TRAIN}# mine\n`);
      await expect(load()).rejects.toThrow(/has files that git was told not to look at \(train\.py\)/);
      git(checkout(), 'update-index', `--no-${how}`, 'train.py');
      git(checkout(), 'checkout', '--', '.');
    }
    expect((await load()).recipe['train.py']).toBe(TRAIN);
  });
  test('with its files elsewhere', async () => {
    await setUp();
    const elsewhere = join(root, 'elsewhere');
    await cp(checkout(), elsewhere, { recursive: true });
    git(checkout(), 'config', 'core.worktree', elsewhere);
    await put(join(checkout(), 'train.py'), 'other = 1\n');
    await expect(load()).rejects.toThrow(/is no git checkout/);
  });
  test('and nothing that it names is run to find that out: no filter, no monitor, no hook', async () => {
    await setUp();
    const ran = join(root, 'ran');
    for (const [key, value] of [['core.fsmonitor', `touch ${ran}; false`], ['filter.a=b.clean', `touch ${ran}; cat`], ['filter.c.process', `touch ${ran}`], ['filter.c.required', 'true'], ['core.hooksPath', join(root, 'hooks')]] as const) git(checkout(), 'config', key, value);
    await put(join(checkout(), '.git/info/attributes'), 'train.py filter=a=b\ndata/** filter=c\nrecords/** filter=c\n');
    const later = new Date(Date.now() + 60_000);
    for (const file of ['train.py', 'data/notes.md', 'records/best/train.py']) await utimes(join(checkout(), file), later, later); // so that git looks into them
    expect((await load()).recipe['train.py']).toBe(TRAIN);
    expect(existsSync(ran)).toBe(false);
  });
  test('at another commit, by the environment’s variable too', async () => {
    const elsewhere = join(folder, 'elsewhere');
    git(folder, 'clone', '--quiet', repository, elsewhere);
    git(elsewhere, 'commit', '--quiet', '--allow-empty', '-m', 'later');
    process.env[VARIABLE] = elsewhere;
    await expect(load()).rejects.toThrow(new RegExp(`stands at [0-9a-f]{12}, not at ${commit.slice(0, 12)}`));
    expect(await refusal(setUp())).toMatch(new RegExp(`^${VARIABLE}: .* stands at .* Check that commit out there, or unset the variable\\.$`));
    git(elsewhere, 'checkout', '--quiet', commit);
    expect((await load()).checkout).toBe(elsewhere);
  });
});

describe('starts and rosters', () => {
  test('a roster divides the same files among others, and the advisory of them own nothing', async () => {
    await setUp();
    const paper = await load('paper');
    expect(paper.roster.map(({ specialist }) => specialist)).toEqual(['opt', 'meta']);
    expect(paper.advisory).toEqual(['meta']);
    expect(paper.claims.map(({ owner, symbol }) => `${owner} ${symbol ?? ''}`)).toEqual(['opt Settings', 'opt main@model', 'protected ']);
    expect(paper.hash).toBe((await load()).hash);
  });
  test('a record that carries itself packed is unpacked without being run, one statement a line, and known by its digest', async () => {
    const plain = await (async () => { await setUp(); return load(); })();
    await setUp({ start: 'packed' });
    expect(said.find((line) => line.startsWith('unpacked'))).toMatch(/^unpacked {6}records\/best\/train\.py: \d+ bytes are \d+ of text$/);
    const packed = await load();
    expect(packed.recipe['train.py']).toBe("import os\n\nclass Settings:\n    rate = 0.5\n    width = 8\n\ndef main():\n    print(f\"{os.environ.get('A')}\")\n    return 1\n");
    expect(packed.hash).not.toBe(plain.hash);
    await put(join(root, '.brigade/upstream/theirs.unpacked/train.py'), 'other = 1\n');
    await expect(load()).rejects.toThrow(/was changed: brigade surfaces setup theirs makes it again\./);
  });
  test('the start that was chosen stays when set-up is run again as its remedies say, and gives way to one that is named', async () => {
    await setUp({ start: 'packed' });
    const packed = await load();
    await put(join(root, '.brigade/upstream/theirs.unpacked/train.py'), 'other = 1\n');
    await setUp();
    expect((await load()).hash).toBe(packed.hash);
    await setUp({ start: 'plain' });
    expect((await load()).recipe['train.py']).toBe(TRAIN);
    await put(join(root, '.brigade/upstream/theirs.json'), 'half');
    await setUp();
    expect((await load()).recipe['train.py']).toBe(TRAIN);
  });
  test('a script that is not packed cannot be unpacked, and says so', async () => {
    const text = await readFile(join(root, 'surfaces/theirs/surface.yaml'), 'utf8');
    await writeFile(join(root, 'surfaces/theirs/surface.yaml'), text.replace('records/best/train.py', 'train.py'));
    expect(await refusal(setUp({ start: 'packed' }))).toBe('train.py cannot be unpacked: it holds 0 packed literals, not one. Choose another start.');
  });
});
