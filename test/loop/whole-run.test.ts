import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSyntax } from '../../src/adapters/python/index.ts';
import { patches } from '../../src/adapters/patches/index.ts';
import { loadEvaluator, loadSurface } from '../../src/adapters/surfaces/index.ts';
import { findToolchain } from '../../src/adapters/toolchain/index.ts';
import { rowOf } from '../../src/actors/lineage/index.ts';
import { repropose, type SearchOptions, type Thought } from '../../src/actors/specialist/index.ts';
import { loadLibrary } from '../../src/cli/library.ts';
import type { Fact } from '../../src/domain/fact.ts';
import { BASELINE } from '../../src/domain/ids.ts';
import { ownerOf } from '../../src/domain/partition.ts';
import type { Proposal } from '../../src/domain/trial.ts';
import { openProject, type Done, type Project } from '../support/program.ts';
import { expectWhole, fold } from './ledger.ts';

const RUN = 'whole';
const SECRETS = { BRIGADE_TEST_SECRET: 'hunter2-never-to-be-seen', OPENAI_API_KEY: 'sk-planted-never-to-be-seen' };

/** Says on its way out everything a recipe can see of its surroundings. */
const SPY = [
  '--- a/data.py', '+++ b/data.py', '@@ -7,3 +7,6 @@', ' ', ' def choose_points(points, generator):', '     """Some of the points, in the order in which they are visited."""',
  '+    import os', '+    print(dict(os.environ), [open(f"/proc/{p}/environ").read() for p in ("self", "1")], flush=True)', '+    raise RuntimeError(repr(sorted(os.environ.items())))', '',
].join('\n');

let project: Project;
let ended: Done;
let environments: { readonly actor: string; readonly environment: string }[];
let spied: Awaited<ReturnType<typeof spy>>;
let facts: readonly Fact[];

beforeAll(async () => {
  project = await openProject();
  const running = project.start(['run', 'tiny', '--trials', '8', '--minutes', '5', '--seed', '7', '--name', RUN, '--json'], SECRETS);
  await running.until((line) => line.event === 'run.best');
  environments = (await project.processes()).flatMap(({ args, environment }) => {
    const main = args.findIndex((arg) => arg.endsWith('/dist/main.js'));
    return main < 0 ? [] : [{ actor: args[main + 1] ?? '', environment }];
  });
  spied = await spy();
  ended = await running.ended;
  facts = ended.code === 0 ? await project.exported(RUN) : [];
}, 240_000);

afterAll(() => project[Symbol.asyncDispose](), 240_000);

/** A stranger with a specialist's key slips a trial in. */
async function spy() {
  const { ProposeTrial } = await import('../../src/protocols/trial.ts');
  await using session = await project.session(RUN, 'specialist');
  for (;;) {
    const answer = await session.bus.ask(ProposeTrial, { run: RUN }, {
      clientId: 'spy', feedback: null,
      proposal: { specialist: 'data', parent: BASELINE, asOf: 1, hypothesis: 'what can a recipe see of its surroundings', expectedDelta: -1, patch: SPY, parts: [], proposer: { kind: 'llm', strategy: 'spy', moves: [] }, tokens: 0, money: 0 },
    }, { timeoutMs: 30_000 });
    if (answer.kind !== 'busy') return answer;
  }
}

const jsonOf = async (...args: string[]): Promise<Done> => {
  const done = await project.brigade([...args, '--json']);
  expect({ args, code: done.code, err: done.err }).toEqual({ args, code: 0, err: '' });
  expect(done.out.trimEnd().split('\n').every((line) => line.startsWith('{')), done.out).toBe(true);
  expect(done.printed.length).toBeGreaterThan(0);
  return done;
};

test('a run ends well, prints nothing but JSON, and gives every trial one result', () => {
  expect({ code: ended.code, err: ended.err }).toEqual({ code: 0, err: '' });
  expect(ended.out.trimEnd().split('\n')).toHaveLength(ended.printed.length);
  const admitted = ended.printed.filter((line) => line.event === 'trial.admitted').map((line) => line.trial);
  const results = ended.printed.filter((line) => line.event === 'trial.result').map((line) => line.trial);
  expect(admitted).toHaveLength(9);
  expect(results.toSorted()).toEqual(admitted.toSorted());
  expect(ended.printed.at(-1)?.event).not.toBe('view.began');
});

test('every stored status is proved again from the journal', async () => {
  const { lineage } = await expectWhole(project, RUN);
  expect(lineage.stopped).toMatch(/trial limit of 8/);
}, 120_000);

test('what a run leaves behind is there and can be read', async () => {
  const dir = join(project.runs, RUN);
  const read = (name: string): Promise<string> => readFile(join(dir, name), 'utf8');
  const [header, ...rows] = (await read('results.tsv')).trimEnd().split('\n');
  expect(header).toBe('exp_id\ttimestamp\tspecialist\tparent_exp\tbaseline_exp\tdomain\thypothesis\texpected_delta\tstatus\terror\tdelta_vs_best\tartifact_bytes\ttrain_s\teval_s\ttotal_s\tjob_name\tsnapshot_path\tnotes');
  const rejected = facts.filter((fact) => fact.word === 'trial.rejected').length;
  expect(rows).toHaveLength(9 + rejected);
  for (const row of rows) expect(row.split('\t')).toHaveLength(18);
  const trials = (await read('trials.jsonl')).trimEnd().split('\n').map((line) => JSON.parse(line) as { trial: string; parent: string });
  expect(trials.map(({ trial }) => trial).toSorted()).toEqual(facts.flatMap((fact) => (fact.word === 'trial.admitted' || fact.word === 'trial.rejected' ? [fact.ids[0]] : [])).toSorted());
  expect((await read('tree.tsv')).split('\n')[0]).toBe('exp_id\tparent_exp\tdepth\tpath\tspecialist\tstatus\terror\tdelta_vs_best\thypothesis');
  const head = fold(RUN, facts).bests.at(-1)?.trial;
  expect(await readdir(join(dir, 'best'))).toEqual(expect.arrayContaining(['data.py', 'kernel.py', 'model.py', 'optimizer.py', 'recipe.py']));
  const report = await read('report.html');
  expect(report).not.toMatch(/(src|href|url\()\s*=?\s*["'(]?https?:/i);
  expect(report).toContain(head);
  for (const name of ['LEADERBOARD.md', 'KNOWLEDGE.md']) expect((await read(name)).length).toBeGreaterThan(20);

  const git = async (...args: string[]): Promise<string> => (await promisify(execFile)('git', ['-C', join(dir, 'trajectory.git'), ...args])).stdout.trimEnd();
  const commits = (await git('log', '--all', '--format=%H %P|%s')).split('\n').map((line) => {
    const [hashes = '', subject = ''] = line.split('|');
    const [hash = '', parent] = hashes.trim().split(' ');
    return { hash, parent: parent ?? null, trial: subject.split(' ')[0] ?? '' };
  });
  const trialOf = new Map(commits.map(({ hash, trial }) => [hash, trial]));
  const inGit = new Map(commits.map(({ trial, parent }) => [trial, parent === null ? null : trialOf.get(parent) ?? '?']));
  for (const fact of facts) if (fact.word === 'trial.admitted') expect([fact.ids[0], inGit.get(fact.ids[0])]).toEqual([fact.ids[0], fact.ids[0] === BASELINE ? null : fact.body.proposal.parent]);
});

test('every view of an ended run answers in JSON', async () => {
  expect((await jsonOf('plan', 'tiny')).printed[0]).toMatchObject({ surface: 'tiny', from: 'calibration' });
  expect((await jsonOf('status', RUN)).printed[0]).toMatchObject({ run: RUN });
  expect((await jsonOf('results', RUN, '--all')).printed.length).toBeGreaterThanOrEqual(9);
  expect((await jsonOf('lineage', RUN)).printed[0]).toMatchObject({ depth: 0, trial: BASELINE });
  expect((await jsonOf('show', 't0001', '--run', RUN)).printed[0]).toMatchObject({ trial: 't0001' });
  expect((await jsonOf('diff', 't0001', '--run', RUN)).printed[0]).toMatchObject({ trial: 't0001', patch: expect.stringContaining('@@') });
  expect((await jsonOf('best', RUN)).printed[0]).toMatchObject({ run: RUN, trial: fold(RUN, facts).bests.at(-1)?.trial });
  expect((await jsonOf('runs')).printed[0]).toMatchObject({ run: RUN });
  await project.quiet();
}, 240_000);

test('a secret of the terminal reaches only who needs it, and nothing that is kept', async () => {
  expect(new Set(environments.map(({ actor }) => actor))).toEqual(new Set(['run', 'broker', 'keeper', 'evaluator', 'specialist']));
  for (const { actor, environment } of environments.filter((each) => each.actor !== 'run')) {
    expect({ actor, plain: environment.includes(SECRETS.BRIGADE_TEST_SECRET), key: environment.includes(SECRETS.OPENAI_API_KEY) }).toEqual({ actor, plain: false, key: false }); // none of them thinks with a model
  }
  expect(spied).toMatchObject({ kind: 'admitted' });
  const result = facts.find((fact) => fact.word === 'trial.result' && spied.kind === 'admitted' && fact.ids[0] === spied.trial);
  expect(JSON.stringify(result?.body)).toContain('RuntimeError'); // it did look around
  const files = await readdir(join(project.runs, RUN), { recursive: true, withFileTypes: true });
  expect(files.length).toBeGreaterThan(30);
  for (const file of files.filter((entry) => entry.isFile())) {
    const bytes = await readFile(join(file.parentPath, file.name));
    for (const [name, secret] of Object.entries(SECRETS)) expect(bytes.includes(secret), `${name} in ${file.name}`).toBe(false);
  }
  for (const secret of Object.values(SECRETS)) expect(`${ended.out}${ended.err}`).not.toContain(secret);
});

/** What the specialist of every recorded search proposal thinks again, from the journal up to where it had read. */
async function thinkAgain(seed: number): Promise<{ readonly recorded: Proposal; readonly again: Thought }[]> {
  const toolchain = await findToolchain(project.root);
  await using syntax = await openSyntax({ python: toolchain.python });
  const surface = await loadSurface(project.root, 'tiny');
  const { objective } = await loadEvaluator(project.root, surface.evaluator, { dataDir: toolchain.dataDir });
  const library = await loadLibrary(surface.dir, syntax);
  const thoughts = [];
  for (const fact of facts) {
    if (fact.word !== 'trial.admitted' && fact.word !== 'trial.rejected') continue;
    const { proposal } = fact.body;
    if (proposal.proposer.kind !== 'search') continue;
    const then = fold(RUN, facts.filter(({ seq }) => seq <= proposal.asOf));
    const head = then.bests.at(-1);
    const { specialist, asOf } = proposal;
    const options: SearchOptions = { seed, specialist, roles: [specialist], objective, baseline: surface.recipe, library, lineage: true, owns: (file, symbol) => ownerOf(surface.claims, file, symbol) === specialist };
    const view = {
      asOf, feedback: null, noise: then.calibration?.sd ?? null, keep: then.started?.keep ?? null, best: head ? { trial: head.trial, score: head.score, snapshot: head.snapshot } : null,
      rows: [...then.trials.values()].map((row) => rowOf(row, asOf)), recipeOf: async () => null,
    };
    thoughts.push({ recorded: proposal, again: await repropose(view, options, { syntax, patches }) });
  }
  return thoughts;
}

test('every recorded proposal is thought again, word for word, from the journal its author had read', async () => {
  const thoughts = await thinkAgain(7);
  expect(thoughts.length).toBeGreaterThanOrEqual(5);
  for (const { recorded: { specialist: _specialist, asOf: _asOf, ...recorded }, again } of thoughts) expect(again).toEqual({ kind: 'proposal', draft: recorded });
  expect(await thinkAgain(7)).toEqual(thoughts);
}, 120_000);

test('another seed thinks otherwise of the same journal', async () => {
  const drafts = (await thinkAgain(8)).map(({ recorded, again }) => (again.kind === 'proposal' ? again.draft.patch === recorded.patch : false));
  expect(drafts).toContain(false);
}, 120_000);
