import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { composeProposer } from '../../src/actors/specialist/index.ts';
import { rowOf } from '../../src/actors/lineage/index.ts';
import { patches } from '../../src/adapters/patches/index.ts';
import { openParser } from '../../src/adapters/python/index.ts';
import { readingOf } from '../../src/cli/recipe-reading.ts';
import { nameOfSet } from '../../src/domain/components.ts';
import type { Fact } from '../../src/domain/fact.ts';
import type { Recipe } from '../../src/domain/recipe.ts';
import { componentsOf, worthOf } from '../../src/domain/worth.ts';
import { expectWhole, fold } from '../loop/ledger.ts';
import { openProject, type Done, type Project } from '../support/program.ts';

// A surface whose error is a sum: each specialist's constant adds to it, and the seed a little.

const RUN = 'apart';
const RECIPE: Recipe = {
  'optimizer.py': '"""One part."""\n\nA = 0.4\n', 'data.py': '"""Another part."""\n\nB = 0.3\n', 'model.py': '"""A third part."""\n\nC = 0.2\n',
  'recipe.py': [
    'import json', 'import math', 'import random', '', 'from data import B', 'from model import C', 'from optimizer import A', '', '',
    'def train(points, seed, most_steps):', '    return json.dumps(random.Random(seed).gauss(0, 0.005)).encode()', '', '',
    'def load(artifact):', '    off = A + B + C + json.loads(artifact)', '    return lambda x: math.sin(1.5 * x) + 0.3 * x + off', '',
  ].join('\n'),
};
const SURFACE = [
  'title: the smallest sum', 'evaluator: tiny', 'slots: {kind: cpu, count: 1, memory: 64MB}', 'calibration: {replicates: 3}', 'limits: {trials: 24, minutes: 5}',
  'roster: [optimizer, architecture, data]', 'partition:', '  optimizer: [optimizer.py]', '  architecture: [model.py]', '  data: [data.py]', 'protected: [recipe.py]', 'addable: []', '',
].join('\n');
/** What each specialist finds, each on the baseline and each better than what was found before. */
const FOUND = [['optimizer', 'optimizer.py', 'A = 0.4', 'A = 0.3'], ['data', 'data.py', 'B = 0.3', 'B = 0.1'], ['architecture', 'model.py', 'C = 0.2', 'C = -0.1']] as const;

/** Their trials: the two refused ones took the numbers between. */
const PARTS = ['t0001', 't0004', 't0005'] as const;

let project: Project;
let forged: unknown;
let greedy: Done;
let ablated: Done;

beforeAll(async () => {
  project = await openProject();
  const folder = join(project.root, 'surfaces', 'parts');
  await mkdir(join(folder, 'recipe'), { recursive: true });
  for (const [file, text] of Object.entries(RECIPE)) await writeFile(join(folder, 'recipe', file), text);
  await writeFile(join(folder, 'surface.yaml'), SURFACE);
  await mkdir(join(folder, 'specialists'));
  for (const name of ['optimizer', 'architecture', 'data']) await cp(join(project.root, 'surfaces', 'tiny', 'specialists', `${name}.md`), join(folder, 'specialists', `${name}.md`));
  forged = await findApart();
  greedy = await project.brigade(['compose', RUN, '--slots', '2', '--json']);
  ablated = await project.brigade(['compose', RUN, '--strategy', 'ablate', '--slots', '2', '--json']);
}, 240_000);
afterAll(() => project[Symbol.asyncDispose](), 240_000);

/** A run in which three specialists are kept side by side; and what a composer is told that quotes a part wrongly. */
async function findApart(): Promise<unknown> {
  const built = async <T>(path: string): Promise<T> => await import(pathToFileURL(join(project.root, 'dist', path)).href) as T;
  const { conductRun } = await built<typeof import('../../src/cli/conduct.ts')>('cli/conduct.js');
  const { configure } = await built<typeof import('../../src/cli/config.ts')>('cli/config.js');
  const { loadSurface } = await built<typeof import('../../src/adapters/surfaces/index.ts')>('adapters/surfaces/index.js');
  const { ProposeTrial } = await built<typeof import('../../src/protocols/trial.ts')>('protocols/trial.js');
  process.env.BRIGADE_RUNS = project.runs; // its daemons find the run by it
  const config = configure(await loadSurface(project.root, 'parts'), { keep: 'strict', trials: '3' });
  const conducted = await conductRun({ place: project, run: RUN, surface: 'parts', roster: null, config, specialists: false, composer: null, extend: (limits) => limits, models: null, slots: 2, sandbox: 'best', url: null, keys: null, onStep: () => undefined });
  try {
    let asOf = 1;
    const propose = async (specialist: string, file: string, from: string, to: string, parts: string[] = []) => {
      const after = { ...RECIPE, [file]: (RECIPE[file] ?? '').replace(from, to) };
      for (;;) {
        const answer = await conducted.session.bus.ask(ProposeTrial, { run: RUN }, {
          clientId: `${specialist}-${to.replaceAll(/[^A-Za-z0-9]/g, '')}`, feedback: null,
          proposal: { specialist, parent: 't0000', asOf, hypothesis: `${to} adds less to the sum`, expectedDelta: -0.1, patch: patches.diff(RECIPE, after), parts, proposer: { kind: 'operator', strategy: 'scene', moves: [] }, tokens: 0, money: 0 },
        }, { timeoutMs: 15_000 }).catch(() => ({ kind: 'busy' as const }));
        if (answer.kind !== 'busy') return answer;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    let refused: unknown = null;
    for (const [specialist, file, from, to] of FOUND) {
      const answer = await propose(specialist, file, from, to);
      if (answer.kind !== 'admitted') throw new Error(JSON.stringify(answer));
      for await (const fact of conducted.session.journal(RUN).follow({ after: 0 })) if (fact.word === 'trial.result' && fact.ids[0] === answer.trial) { asOf = fact.seq; break; }
      refused ??= [await propose('composer', file, from, 'A = 0.25', [answer.trial]), await propose('composer', 'data.py', 'B = 0.3', 'B = 0.2', [answer.trial])];
    }
    await conducted.ended;
    return refused;
  } finally {
    await conducted.close();
  }
}

const statuses = (facts: readonly Fact[]): [string, string, string][] =>
  [...fold(RUN, facts).trials.values()].filter((row) => row.proposal.specialist === 'composer' && row.result !== null).map((row) => [row.proposal.proposer.strategy, row.proposal.parent, row.result?.status ?? '']);

test('a composition that says otherwise than a kept trial of the symbol\'s owner is refused, and the refusal names the symbol and the owner', () => {
  expect(forged).toMatchObject([
    { kind: 'rejected', rejection: { rule: 'ownership', file: 'optimizer.py', symbol: 'A', owner: 'optimizer' } },
    { kind: 'rejected', rejection: { rule: 'ownership', file: 'data.py', symbol: 'B', owner: 'data' } },
  ]);
});

test('greedy puts what was kept apart onto the best, the largest gain first, and every status and every merge is proved again', async () => {
  expect({ code: greedy.code, err: greedy.err }).toEqual({ code: 0, err: '' });
  const { facts, lineage } = await expectWhole(project, RUN);
  expect(statuses(facts).slice(0, 2)).toEqual([['greedy(t0004)', 't0005', 'keep'], ['greedy(t0001)', 't0006', 'keep']]);
  const head = lineage.bests.at(-1)?.trial ?? '';
  expect(nameOfSet(componentsOf(lineage).of(head))).toBe(PARTS.join('+'));
  expect(lineage.trials.get(head)?.proposal.parts).toEqual(PARTS);
  expect((await project.brigade(['verify', RUN, '--json'])).printed.at(-1)).toMatchObject({ wrong: 0, compositions: statuses(facts).length });
  expect(lineage.claim?.best).toBe(head);
  expect(await readFile(join(project.runs, RUN, 'best', 'data.py'), 'utf8')).toBe('"""Another part."""\n\nB = 0.1\n');
}, 120_000);

test('ablating leaves out each part of the best once, but for what is measured already, and says what each is worth', async () => {
  expect({ code: ablated.code, err: ablated.err }).toEqual({ code: 0, err: '' });
  const { facts, lineage } = await expectWhole(project, RUN);
  expect(statuses(facts).slice(2).map(([stamp, , status]) => [stamp, status]).sort()).toEqual([['ablate(without t0004 of 3)', 'discard'], ['ablate(without t0005 of 3)', 'discard']]);
  expect(lineage.stopped).toMatch(/trial limit of 7 reached/); // three, two by greedy, two by ablation: what was refused cost nothing
  const worth = worthOf(lineage);
  for (const [component, gain] of [[PARTS[0], 0.1], [PARTS[1], 0.2], [PARTS[2], 0.3]] as const) {
    const own = worth.filter((one) => one.component === component);
    expect(own.length).toBeGreaterThanOrEqual(2);
    for (const one of own) {
      expect([one.component, one.having, one.lacking, Math.abs((one.gain ?? 0) - gain) < 0.05]).toEqual([one.component, one.having, one.lacking, true]);
      expect(one.interval?.[0]).toBeLessThan(one.gain ?? 0);
      expect(one.interval?.[1]).toBeGreaterThan(one.gain ?? 0);
    }
  }
  expect(new Set(worth.map(({ how }) => how))).toEqual(new Set(['kept', 'added', 'left out']));
  const printed = (await project.brigade(['compose', RUN, '--show', '--json'])).printed;
  expect(printed).toHaveLength(worth.length);
}, 120_000);

test('what is composed and what it is worth can be read in show, in the results and in the report', async () => {
  const head = fold(RUN, await project.exported(RUN)).bests.at(-1)?.trial ?? '';
  const shown = await project.brigade(['show', head, '--run', RUN]);
  for (const [i, [specialist]] of FOUND.entries()) expect(shown.out).toContain(`joins    ${PARTS[i] ?? ''} ${specialist}`);
  expect((await project.brigade(['show', PARTS[1], '--run', RUN])).out).toMatch(/^worth {4}\+0\.[12]\d+ \(\+0\.[12].*when kept|^worth {4}\+0\.[12]/m);
  expect((await project.brigade(['results', RUN])).out).toContain("optimizer's t0001 onto");
  const report = await readFile(join(project.runs, RUN, 'report.html'), 'utf8');
  expect(report).toContain('What each part is worth');
  await project.quiet();
}, 120_000);

test('a run that composes meanwhile has a composer beside its specialists, says so in its first fact, and ends well', async () => {
  const refused = await project.brigade(['run', 'parts', '--compose', 'greedy', '--no-lineage']);
  expect([refused.code, refused.err]).toEqual([1, '--compose needs to know what was kept, which --no-lineage hides from everybody: leave one of the two out\n']);
  const running = project.start(['run', 'parts', '--compose', 'greedy', '--keep', 'strict', '--trials', '6', '--slots', '2', '--name', 'meanwhile', '--json']);
  await running.until((line) => line.event === 'run.best');
  expect((await project.processes()).some(({ args }) => args.includes('composer') && args.includes('greedy'))).toBe(true);
  const done = await running.ended;
  expect({ code: done.code, err: done.err }).toEqual({ code: 0, err: '' });
  const { facts } = await expectWhole(project, 'meanwhile');
  expect(facts[0]).toMatchObject({ word: 'run.started', body: { compose: 'greedy', roster: ['optimizer', 'architecture', 'data'] } });
}, 120_000);

test('every composition is thought again, word for word, from the journal its author had read', async () => {
  const facts = await project.exported(RUN);
  const { symbols } = await openParser();
  const claims = [['optimizer', 'optimizer.py'], ['data', 'data.py'], ['architecture', 'model.py'], ['protected', 'recipe.py']].map(([owner = '', file = '']) => ({ owner, file, symbol: null, line: 1 }));
  const recipes = new Map<string, Recipe>();
  let [again, whole] = [0, fold(RUN, facts)];
  for (const row of whole.trials.values()) { // snapshots are rebuilt from the patches, as anybody could
    const before = row.trial === 't0000' ? RECIPE : recipes.get(whole.trials.get(row.proposal.parent)?.snapshot ?? '') ?? {};
    const made = patches.apply(before, row.proposal.patch);
    if (row.snapshot !== null) recipes.set(row.snapshot, made.kind === 'applied' ? made.recipe : before);
  }
  for (const fact of facts) {
    if (fact.word !== 'trial.admitted' || fact.body.proposal.proposer.kind !== 'compose') continue;
    const { specialist: _specialist, asOf, ...recorded } = fact.body.proposal;
    const then = fold(RUN, facts.filter(({ seq }) => seq <= asOf));
    const head = then.bests.at(-1);
    const strategy = recorded.proposer.strategy.startsWith('greedy') ? 'greedy' : 'ablate';
    const proposer = composeProposer({ strategy, whole: true, objective: whole.started?.objective ?? (() => { throw new Error('no first fact'); })(), reading: readingOf(claims, { symbols }) }, { patches });
    const thought = await proposer.propose({
      asOf, feedback: null, noise: then.calibration?.sd ?? null, best: head ? { trial: head.trial, score: head.score, snapshot: head.snapshot } : null,
      rows: [...then.trials.values()].map((row) => rowOf(row, asOf)), recipeOf: async (snapshot) => recipes.get(snapshot) ?? null,
    }, new AbortController().signal);
    expect(thought).toEqual({ kind: 'proposal', draft: recorded });
    again += 1;
  }
  expect(again).toBe(4);
  whole = fold(RUN, facts);
});
