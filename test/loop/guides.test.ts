import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
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
