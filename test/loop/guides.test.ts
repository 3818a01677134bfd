import { chmod, cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openProject, type Project } from '../support/program.ts';
import { expectWhole } from './ledger.ts';

// The guides' own listings, laid out as the guides say, must make a surface that runs.

let project: Project;
const put = async (path: string, text: string): Promise<void> => { const at = join(project.root, path); await mkdir(dirname(at), { recursive: true }); await writeFile(at, text); };
const listings = async (guide: string, language: string): Promise<string[]> =>
  [...(await readFile(join(import.meta.dirname, '..', '..', 'docs', guide), 'utf8')).matchAll(/```(\w*)\n([^]*?)```/g)].flatMap(([, of, text]) => (of === language ? [text ?? ''] : []));

beforeAll(async () => {
  project = await openProject();
  const [evaluator = ''] = await listings('evaluators.md', 'yaml');
  const [harness = '', scorer = ''] = await listings('evaluators.md', 'python');
  const [surface = ''] = await listings('surfaces.md', 'yaml');
  await put('evaluators/mine/evaluator.yaml', evaluator);
  await put('evaluators/mine/harness.py', harness);
  await put('evaluators/mine/scorer.py', scorer);
  await put('evaluators/mine/canaries/good/README.md', 'The baseline.\n');
  await put('evaluators/mine/canaries/crasher/recipe.py', 'def train(seed):\n    raise ValueError("no")\n\n\ndef load(artifact):\n    return None\n');
  await put('surfaces/mine/surface.yaml', surface);
  await put('surfaces/mine/recipe/optimizer.py', 'RATE = 0.5\n');
  await put('surfaces/mine/recipe/model.py', 'POWER = 1.0\n');
  await put('surfaces/mine/recipe/train.py', 'learning_rate = 1.0\n');
  await put('surfaces/mine/recipe/recipe.py', 'from model import POWER\nfrom train import learning_rate\n\n\ndef train(seed):\n    return repr((POWER, learning_rate)).encode()\n\n\ndef load(artifact):\n    power, rate = eval(artifact)\n    return lambda x: rate * abs(x) ** power\n');
  await put('surfaces/mine/surface.yaml', surface.replace('protected: [train.py]', 'protected: [train.py, recipe.py]'));
  for (const specialist of ['optimizer', 'architecture']) await put(`surfaces/mine/specialists/${specialist}.md`, '# Scope\nIts files.\n# Non-scope\nAll others.\n# Edit radius\nA line.\n');
});
afterAll(() => project[Symbol.asyncDispose](), 240_000);

test('a surface and an evaluator made from the guides are right, and a run of them ends well', async () => {
  expect(await project.brigade(['surfaces', 'check', 'mine'])).toMatchObject({ code: 0, err: '' });
  const done = await project.brigade(['run', 'mine', '--trials', '3', '--name', 'guided', '--json']);
  expect({ code: done.code, err: done.err }).toEqual({ code: 0, err: '' });
  const { lineage } = await expectWhole(project, 'guided');
  expect(lineage.trials.get('t0000')?.result).toMatchObject({ status: 'baseline', failure: null });
  expect(lineage.admittedCount).toBe(3);
  await project.quiet();
}, 240_000);

test.each([
  ['an edit without a hypothesis', 'surfaces/mine/edits/optimizer/bad.py', 'RATE = 1.0\n', /surfaces\/mine\/edits\/optimizer\/bad\.py: no `# hypothesis:`/],
  ['an edit of another’s symbol', 'surfaces/mine/edits/optimizer/bad.py', '# hypothesis: what is not mine is better squared than not\n# file: model.py\n# source: nobody, never\nPOWER = 2.0\n', /surfaces\/mine\/edits\/optimizer\/bad\.py: `POWER` in model\.py is architecture's/],
])('%s is named by check, and by run before anything starts', async (_, path, text, says) => {
  await put(path, text);
  try {
    for (const command of [['surfaces', 'check', 'mine'], ['run', 'mine', '--name', 'refused']]) {
      const done = await project.brigade(command);
      expect(done.err).toMatch(says);
      expect(done.code).toBe(1);
    }
  } finally { await rm(join(project.root, path)); }
});

test('a program that evaluator.yaml names and nobody wrote is missed, with file and line', async () => {
  const scorer = await readFile(join(project.root, 'evaluators/mine/scorer.py'), 'utf8');
  await rm(join(project.root, 'evaluators/mine/scorer.py'));
  const done = await project.brigade(['surfaces', 'check', 'mine']);
  await put('evaluators/mine/scorer.py', scorer);
  expect(done.err).toMatch(/^evaluators\/mine\/evaluator\.yaml:\d+:\d+ {2}phases\.scorer: scorer\.py is not in the evaluator's folder/);
  expect(done.code).toBe(1);
});

test('one more surface, a logistic regression in NumPy, is two folders and nothing else: it is listed, checked, divided inside a function, and searched', async () => {
  const before = await readdir(project.root);
  for (const kind of ['surface', 'evaluator']) await cp(join(import.meta.dirname, 'logistic', kind), join(project.root, `${kind}s`, 'logistic'), { recursive: true });
  expect((await project.brigade(['surfaces', 'list'])).out).toMatch(/^logistic {13}the smallest log loss of a logistic regression on a thousand points {3}1 cpu {3}optimizer features$/m);
  for (const roster of [[], ['--roster', 'pair']]) expect(await project.brigade(['surfaces', 'check', 'logistic', ...roster])).toMatchObject({ code: 0, err: '' });
  expect((await project.brigade(['surfaces', 'show', 'logistic'])).out).toMatch(/^ {2}train@x +features\n {2}train@for:_ +optimizer$|^ {2}train@for:_ +optimizer\n {2}train@x +features$/m);
  const done = await project.brigade(['run', 'logistic', '--roster', 'pair', '--trials', '2', '--calibration', '2', '--keep', 'strict', '--replicates', '2', '--name', 'fourth', '--json']);
  expect({ code: done.code, err: done.err }).toEqual({ code: 0, err: '' });
  const { lineage } = await expectWhole(project, 'fourth');
  expect(lineage.trials.get('t0000')?.result).toMatchObject({ status: 'baseline', failure: null });
  expect(lineage.started).toMatchObject({ roster: ['everything', 'meta'], rosterName: 'pair' });
  expect((await project.brigade(['status', 'fourth'])).out).toMatch(/^surface logistic {3}roster pair {3}proposer search, seed 0 {3}keep strict\n/);
  const measured = [...lineage.trials.values()].filter(({ trial, result }) => trial !== 't0000' && result?.score != null);
  expect(measured.length).toBeGreaterThan(0);
  expect(await readdir(project.root)).toEqual([...new Set([...before, 'runs'])].sort());
  await project.quiet();
}, 240_000);

test('a surface for eight GPUs is listed and checked where there is none, and a run of it says what it needs before anything is fetched', async () => {
  for (const kind of ['surfaces', 'evaluators']) await cp(join(import.meta.dirname, '..', '..', kind, 'parameter-golf'), join(project.root, kind, 'parameter-golf'), { recursive: true });
  const env = { PATH: `${join(project.root, 'no-driver')}:${process.env.PATH ?? ''}`, BRIGADE_UPSTREAM_PARAMETER_GOLF: join(project.root, 'nowhere') };
  await put('no-driver/nvidia-smi', '#!/bin/sh\nexit 9\n');
  await chmod(join(project.root, 'no-driver/nvidia-smi'), 0o755);
  expect((await project.brigade(['surfaces', 'list'], env)).out).toMatch(/^parameter-golf .* 8 gpu .* not set up: brigade surfaces setup parameter-golf$/m);
  expect(await project.brigade(['surfaces', 'check', 'parameter-golf', '--roster', 'paper'], env)).toMatchObject({ code: 0, err: '' });
  for (const command of ['run', 'survey']) {
    const done = await project.brigade([command, 'parameter-golf'], env);
    expect(done.err, command).toMatch(/^surface parameter-golf needs 8 GPUs on one node, each of ≥ 80 GB; \S+ has none\. Start an evaluator on such a node, or run \S.*\.\n$/);
    expect(done.code).toBe(1);
  }
  await put('no-driver/nvidia-smi', '#!/bin/sh\nfor i in 1 2; do echo "$i, GPU-$i, NVIDIA H100 80GB HBM3, 81559, 550.54, 00000000:0$i:00.0, [N/A]"; done\n');
  expect((await project.brigade(['run', 'parameter-golf'], env)).err).toMatch(/needs 8 GPUs on one node, each of ≥ 80 GB; \S+ has 2 × NVIDIA H100 80GB HBM3\. Start/);
  await put('no-driver/nvidia-smi', '#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8; do echo "$i, GPU-$i, NVIDIA H100 80GB HBM3, 81559, 550.54, 00000000:0$i:00.0, [N/A]"; done\n');
  expect((await project.brigade(['run', 'parameter-golf'], env)).err).toMatch(/^surface parameter-golf is not set up: .* brigade surfaces setup parameter-golf fetches it/);
});
