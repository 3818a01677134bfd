import { Command } from 'commander';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { findToolchain, projectRoot } from '../../src/adapters/toolchain/index.ts';
import { initCommand } from '../../src/cli/init.ts';
import { openStranger, SCRIPT, type Stranger } from '../support/stranger.ts';

// What `brigade init` says and writes, asked in this process; test/cli/init-run.test.ts measures what it wrote.

let python: string;
let stranger: Stranger;
beforeAll(async () => { python = (await findToolchain(projectRoot())).python; });
beforeEach(async () => { stranger = await openStranger({ ...SCRIPT, 'data/points.txt': '1 2\n', 'notes.txt': 'x\n' }); return () => stranger[Symbol.asyncDispose](); });

interface Around { readonly folder?: string; readonly environment?: Readonly<Record<string, string>>; readonly answers?: string }

async function init(args: readonly string[], { folder = stranger.folder, environment = {}, answers }: Around = {}): Promise<string> {
  let said = '';
  const input = new PassThrough();
  const output = new PassThrough().on('data', (text: Buffer) => { said += text.toString(); });
  const program = new Command('brigade').exitOverride().configureOutput({ writeErr: () => undefined });
  initCommand(program, { out: { write: (text) => { said += text; } }, folder: () => folder, environment, terminal: () => (answers === undefined ? null : { input, output }) });
  if (answers !== undefined) input.end(answers);
  await program.parseAsync(['node', 'brigade', 'init', ...args]);
  return said;
}

const COMMAND = ['--command', 'python train.py --seed {seed}'];
const flags = (): string[] => [...COMMAND, '--metric', 'val_loss', '--budget', '30', '--python', python, '--name', 'mine'];
const written = (): boolean[] => ['surfaces', 'evaluators'].map((kind) => existsSync(join(stranger.folder, kind, 'mine')));
const read = (path: string): Promise<string> => readFile(join(stranger.folder, path), 'utf8');

test('every symbol gets an owner and a reason: what measures and what runs the rest is nobody\'s, a function of several roles is divided by statement', async () => {
  const { partition, knobs, files } = JSON.parse(await init([...flags(), '--json'])) as { partition: { roster: string[]; claims: { owner: string; file: string; symbol: string | null; reason: string }[] }; knobs: { specialist: string; knobs: string[] }[]; files: string[] };
  expect(files).toEqual(['train.py', 'net.py']);
  expect(partition.roster).toEqual(['optimizer', 'architecture', 'data']);
  expect(partition.claims.every(({ reason }) => reason.length > 3)).toBe(true);
  const owner = (file: string, symbol: string | null): string | undefined => partition.claims.find((claim) => claim.file === file && claim.symbol === symbol)?.owner;
  expect([owner('train.py', null), owner('train.py', 'train'), owner('train.py', 'make_points'), owner('net.py', null)]).toEqual(['protected', 'optimizer', 'data', 'architecture']);
  expect([owner('train.py', 'main@optimizer'), owner('train.py', 'main@model'), owner('train.py', 'main@call:parser.add_argument("--width")'), owner('train.py', 'evaluate')]).toEqual(['optimizer', 'architecture', 'architecture', undefined]);
  expect(knobs).toEqual([{ specialist: 'optimizer', knobs: ['--lr 0.05', '--steps 60'] }, { specialist: 'architecture', knobs: ['--width 16'] }, { specialist: 'data', knobs: ['--batch-size 16'] }]);
});

test('the reasons stand in surface.yaml, the recipe is the commit\'s to the letter, and the score is said to be the recipe\'s own word', async () => {
  await init(flags());
  expect(await read('surfaces/mine/surface.yaml')).toMatch(/ {4}- "train\.py#train" {2}# calls zero_grad: it trains/);
  expect(await read('surfaces/mine/recipe/train.py')).toBe(SCRIPT['train.py']);
  expect(await read('evaluators/mine/evaluator.yaml')).toContain('scoreSource: recipe');
  expect(JSON.parse(await read('evaluators/mine/command.json'))).toMatchObject({ command: ['{python}', 'train.py', '--seed', '{seed}'], metric: 'val_loss', take: 'last', artifact: null });
  expect(await read('.brigade/.gitignore')).toBe('*\n');
});

test('an option that the command sets is no knob, and a place that the files name and the sandbox would not see is told', async () => {
  await stranger.put({ 'train.py': (SCRIPT['train.py'] ?? '').replace('args = parser', "open('data/points.txt').close()\n    args = parser") });
  await stranger.commit();
  const said = await init([...flags(), '--command', 'python train.py --width 8']);
  expect(said).toMatch(/^architecture +no knobs$/m);
  expect(said).toContain('--mount data/points.txt');
  expect(said).toContain('end the command with --seed {seed}');
  expect(await init([...flags(), '--force', '--mount', 'data'])).toMatch(/^mounted +data, read-only$/m);
});

test('a shell script that git has here may be the command, and what it starts is the recipe', async () => {
  await stranger.put({ 'train.sh': '#!/bin/bash\nset -e\npython "train.py" --seed $BRIGADE_SEED\n' });
  await stranger.commit();
  const begun = async (command: string, ...more: string[]): Promise<string[]> => (JSON.parse(await init([...flags(), '--command', command, '--force', '--json', ...more])) as { files: string[] }).files;
  expect((await begun('./train.sh')).sort()).toEqual(['net.py', 'train.py', 'train.sh']);
  expect(JSON.parse(await read('evaluators/mine/command.json'))).toMatchObject({ command: ['./train.sh'] });
  expect((await begun('bash train.sh', '--files', '*.py')).sort()).toEqual(['net.py', 'train.py', 'train.sh']);
});

test('a constant called RATE is the optimizer\'s, and a canary has longer than Python needs to start on a crowded machine', async () => {
  await stranger.put({ 'net.py': `RATE = 0.1\nDROPOUT_RATE = 0.1\n${SCRIPT['net.py'] ?? ''}` });
  await stranger.commit();
  const { knobs } = JSON.parse(await init([...flags(), '--json'])) as { knobs: { specialist: string; knobs: string[] }[] };
  expect(knobs.map((each) => [each.specialist, each.knobs.filter((knob) => knob.includes('RATE'))])).toEqual([['optimizer', ['RATE 0.1']], ['architecture', ['DROPOUT_RATE 0.1']], ['data', []]]);
  expect(await read('evaluators/mine/evaluator.yaml')).toContain('{name: crasher, expect: crash, train: 60}');
});

test('a name that is taken is refused, and --force writes it anew', async () => {
  await init(flags());
  await stranger.put({ 'surfaces/mine/knowledge/mine.md': 'what I learnt\n' });
  await expect(init(flags())).rejects.toThrow('surfaces/mine exists already: give another --name, or --force');
  expect(existsSync(join(stranger.folder, 'surfaces/mine/knowledge/mine.md'))).toBe(true);
  await init([...flags(), '--force']);
  expect(existsSync(join(stranger.folder, 'surfaces/mine/knowledge/mine.md'))).toBe(false);
});

test.each<readonly [what: string, args: (given: string[]) => string[], says: string | RegExp]>([
  ['no command', () => ['--metric', 'loss'], '--command is missing'],
  ['a pipe', (given) => [...given, '--command', 'python train.py | tee log'], '`|` needs a shell'],
  ['a program that is not there', (given) => [...given, '--command', 'trainify train.py'], /there is no trainify beside/],
  ['a script that is not there', (given) => [...given, '--command', 'python trian.py'], /there is no trian\.py in/],
  ['an interpreter that is none', (given) => [...given, '--python', 'notes.txt'], '--python notes.txt is no Python'],
  ['a metric that is no name', (given) => [...given, '--metric', 'val loss'], '--metric val loss must be'],
  ['a line that does not have the metric', (given) => [...given, '--line', 'accuracy: 0.5'], /no line of the sample says val_loss: it has accuracy/],
  ['a log that is not there', (given) => [...given, '--log', 'gone.txt'], '--log gone.txt cannot be read'],
  ['a pattern without a group', (given) => [...given, '--pattern', 'loss .*'], 'it has 0 groups and needs one'],
  ['a direction that the name does not tell', (given) => [...given, '--metric', 'quality'], 'is more quality better? Give --minimize or --maximize'],
  ['two directions', (given) => [...given, '--minimize', '--maximize'], 'not both'],
  ['a range that is none', (given) => [...given, '--range', '2,1'], '--range 2,1 must be'],
  ['a budget that is none', (given) => [...given, '--budget', 'soon'], '--budget soon must be a number'],
  ['a mount that is not there', (given) => [...given, '--mount', 'absent'], 'absent is not there'],
  ['a mount that hides the recipe', (given) => [...given, '--mount', 'net.py'], 'would hide net.py of the recipe'],
  ['files that are none', (given) => [...given, '--files', '*.rs'], '--files *.rs names no file'],
  ['a bad name', (given) => [...given, '--name', '../up'], '--name ../up must be'],
  ['a cap of nothing', (given) => [...given, '--cap', '16MB'], '--cap is that of a file'],
])('%s is refused by name, and nothing is written', async (_, args, says) => {
  await expect(init(args(flags()))).rejects.toThrow(says);
  expect(written()).toEqual([false, false]);
});

test('a module of a package is followed through its relative imports, its package and the settings it reads', async () => {
  await stranger.put({ 'src/lab/__init__.py': '', 'src/lab/train.py': 'from . import model\nfrom .sub.loss import loss\nimport json, torch\nopen("settings.json")\nlr = 0.1\nprint("loss:", 1)\n', 'src/lab/model.py': 'width = 8\n', 'src/lab/sub/__init__.py': 'x = 1\n', 'src/lab/sub/loss.py': 'def loss():\n    return 1\n', 'settings.json': '{}\n', 'src/lab/idle.py': '' });
  await stranger.commit();
  const { files } = JSON.parse(await init([...flags(), '--metric', 'loss', '--command', 'uv run python -m lab.train', '--json'])) as { files: string[] };
  expect([...files].sort()).toEqual(['settings.json', 'src/lab/__init__.py', 'src/lab/model.py', 'src/lab/sub/__init__.py', 'src/lab/sub/loss.py', 'src/lab/train.py']);
});

test('a folder that is no repository, one without a commit, and a machine without Python are told with the remedy', async () => {
  const bare = await realpath(await mkdtemp(join(tmpdir(), 'brigade-bare-')));
  try {
    await expect(init(flags(), { folder: bare })).rejects.toThrow(`${bare} is no git repository: a baseline is a commit, so git init`);
  } finally { await rm(bare, { recursive: true, force: true }); }
  await using empty = await openStranger({});
  await expect(init(flags(), { folder: empty.folder })).rejects.toThrow('has no commit yet');
  await expect(init([...COMMAND, '--metric', 'val_loss'], { environment: { PATH: '/nowhere' } })).rejects.toThrow(/there is no Python 3\.8 or newer: looked for .*Activate an environment, or give --python PATH/);
});

test('a recipe file that differs from HEAD, one that git does not have, one that cannot be read and a module that nobody has are refused', async () => {
  await stranger.put({ 'notes.txt': 'changed, but no part of it\n' });
  await init([...flags(), '--force']);
  await stranger.put({ 'net.py': 'x = 1\n' });
  await expect(init([...flags(), '--force'])).rejects.toThrow('net.py has changes that are not committed: commit them');
  await stranger.put({ 'net.py': SCRIPT['net.py'] ?? '', 'train.py': `import extra\n${SCRIPT['train.py'] ?? ''}`, 'extra.py': '' });
  await expect(init([...flags(), '--force'])).rejects.toThrow(/(train|extra)\.py (has changes|is not tracked)/);
  await stranger.commit();
  await stranger.put({ 'train.py': 'def (:\n' });
  await expect(init([...flags(), '--force'])).rejects.toThrow(/train\.py:1 cannot be read: /);
  await stranger.put({ 'train.py': 'import no_such_module_anywhere\nrate = 0.1\n' });
  await stranger.commit();
  await expect(init([...COMMAND, '--metric', 'val_loss', '--name', 'mine', '--force'], { environment: { VIRTUAL_ENV: join(python, '..', '..') } })).rejects.toThrow(/the files import no_such_module_anywhere, which .* does not have: activate the environment that does/);
});

test('on a terminal it asks for what no flag says, and proposes an answer to each', async () => {
  const said = await init(['--python', python, '--name', 'mine'], { answers: 'python train.py\n\nval_loss\n45\ndata\n' });
  expect(said).toContain('Which command trains and prints the metric?');
  expect(said).toContain('How many seconds may a run take? [600]');
  expect(await read('evaluators/mine/evaluator.yaml')).toMatch(/name: train, .*budget: 45,/);
  expect(await read('evaluators/mine/evaluator.yaml')).toContain('  data: "data"');
});

test('whoever leaves while being asked leaves nothing behind', async () => {
  const before = process.exitCode;
  try {
    await init(['--python', python, '--name', 'mine'], { answers: 'python train.py\n' });
    expect(process.exitCode).toBe(130);
  } finally { process.exitCode = before; }
  expect(written()).toEqual([false, false]);
  expect(existsSync(join(stranger.folder, '.brigade'))).toBe(false);
});
