import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isValid } from '../../src/domain/status.ts';
import { openAiServer, textOf, type Asked } from '../support/openai-server.ts';
import { openProject, type Project } from '../support/program.ts';
import { bodies, edit, giveUp, isOpening, once, players, submit, type Play } from '../support/scripted-model.ts';
import { expectWhole } from './ledger.ts';

// golf-mini by models, under each arm; as it is but for two seconds of training instead of ten: in those a shorter context gains more than a tenth of a bit, far more than
// seeds differ by. The plays are the same in every arm, however its agents share them: each makes of its failure what it is told of it, and where it is told nothing it can
// only try something alike.

let project: Project;
beforeAll(async () => {
  project = await openProject();
  for (const part of ['surfaces/golf-mini', 'evaluators/golf-mini']) await cp(part, join(project.root, part), { recursive: true });
  const file = join(project.root, 'evaluators/golf-mini/evaluator.yaml');
  await writeFile(file, (await readFile(file, 'utf8')).replace('clock: calibrated, budget: 10, tolerance: 0.5', 'clock: calibrated, budget: 2, tolerance: 0.5').replaceAll(/wall: \d+/g, 'wall: 600').replace('clock: wall, budget: 30', 'clock: wall, budget: 600')); // by the clock on the wall only what hangs is ended: a busy machine is no reason
});
afterAll(() => project[Symbol.asyncDispose](), 240_000);

/** A part of a play: it is over with the question that opens the next session. */
type Part = AsyncGenerator<ReturnType<typeof edit>, Asked, Asked>;

async function* architecture(asked: Asked): Part {
  yield edit('model.py', ['WIDTH = 40', 'WIDTH = 120']);
  asked = yield submit('three times the width learns more of every byte');
  const over = /size_blocked\. ([\d,]+) bytes over the cap of 80,000/.exec(asked.last)?.[1];
  if (over === undefined) {
    yield edit('model.py', ['WIDTH = 40', 'WIDTH = 160']);
    return yield submit('four times the width learns more of every byte');
  }
  const fits = 120 * Math.sqrt(80_000 / (80_000 + Number(over.replaceAll(',', '')))); // weights grow as its square, and what lies beside them does not
  yield edit('model.py', ['WIDTH = 120', `WIDTH = ${4 * Math.floor(fits * 0.75 / 4)}`]);
  return yield submit('the width that its bytes leave room for');
}

async function* data(asked: Asked): Part {
  yield edit('data.py', ['CONTEXT = 128', 'CONTEXT = HALF']);
  asked = yield submit('half of the context makes twice the batches', -0.2);
  const name = /crash\.[^]*\| NameError: name '(\w+)' is not defined/.exec(asked.last)?.[1];
  if (name === undefined) {
    yield edit('data.py', ['CONTEXT = 128', 'CONTEXT = QUARTER']);
    return yield submit('a quarter of the context makes four times the batches', -0.2);
  }
  yield edit('data.py', [`CONTEXT = ${name}`, 'CONTEXT = 64']);
  return yield submit('half of the context as a number makes twice the batches', -0.2);
}

async function* kernel(asked: Asked): Part {
  yield edit('kernel.py', ['    return torch.cat(answers)', '    return torch.cat(answers) + 0.01']);
  asked = yield submit('more likely bytes cost fewer bits', -0.01);
  if (/disqualified\. \S+ [\d.e-]+, limit [\d.e-]+/.test(asked.last)) return yield giveUp('probabilities that sum to more than one are no gain');
  yield edit('kernel.py', ['    return torch.cat(answers)', '    return torch.cat(answers) + 0.02']);
  return yield submit('still more likely bytes cost still fewer bits', -0.02);
}

const PARTS = { architecture, data, kernel };
type PartName = keyof typeof PARTS;
/** Who plays what, one part after the other; whoever plays none thinks for ever. */
type Cast = Readonly<Record<string, readonly PartName[]>>;

const FOUR = { architecture: ['architecture'], data: ['data'], kernel: ['kernel'], optimizer: [] } as const;
const ONE = { generalist: ['kernel', 'data', 'architecture'] } as const;
const TWO = { 'generalist-1': ['data', 'kernel'], 'generalist-2': ['architecture'] } as const;

const TOOLS = ['read', 'edit', 'check', 'submit', 'give_up'];
const ALONE = ['read', 'diff', 'rebase', 'edit', 'check', 'submit', 'give_up'];
const BESIDE = [...ALONE, 'hint', 'draft_joint', 'accept_joint', 'decline_joint'];

/** A whole run, up to so many trials, or until every part is over: then it is stopped at once, which spares it the final claim. */
async function runOf(name: string, flags: readonly string[], roles: Cast, trials: number | null) {
  const isOver = once();
  let left = Object.values(roles).filter(({ length }) => length > 0).length;
  const agent = (names: readonly PartName[]) => async function* play(asked: Asked): Play {
    for (const part of names) {
      asked = yield* PARTS[part](asked);
      if (!isOpening(asked)) throw new Error(`what ${part} does last ends its session: ${asked.last}`);
    }
    if (names.length > 0 && --left === 0) isOver.happens();
  };
  const cast = players(Object.fromEntries(Object.entries(roles).map(([who, names]) => [who, agent(names)])));
  await using server = await openAiServer(cast.script);
  const running = project.start(['run', 'golf-mini', '--proposer', 'llm', '--model', 'scripted', '--base-url', server.baseURL, '--minutes', '60', '--keep', 'strict', '--calibration', '2', '--replicates', '2', '--name', name, '--json', ...(trials === null ? [] : ['--trials', String(trials)]), ...flags]);
  if (trials === null) {
    await Promise.race([isOver.happened, cast.fault, running.ended]);
    await project.brigade(['stop', name, '--now']);
  }
  const done = await Promise.race([running.ended, cast.fault]);
  expect({ code: done.code, err: done.err, strays: server.strays }).toEqual({ code: 0, err: '', strays: [] });
  const { facts, lineage } = await expectWhole(project, name);
  await project.quiet();
  const rows = [...lineage.trials.values()].slice(1);
  const changes = (part: PartName) => rows.filter(({ proposal: { patch } }) => patch.includes(`+++ b/${part === 'architecture' ? 'model' : part}.py`));
  // In order; `valid` where luck decides whether it is kept.
  const endings = Object.fromEntries((['architecture', 'data', 'kernel'] as const).map((part) => [part, changes(part).map(({ result }) => (part !== 'data' && isValid(result?.status ?? 'lost') ? 'valid' : result?.status))]));
  for (const [who, parts] of Object.entries(roles)) for (const part of parts) expect(new Set(changes(part).map(({ proposal }) => proposal.specialist))).toEqual(new Set([who]));
  const systems = [...new Set(server.asked.map(({ system }) => system))];
  const heard = server.asked.flatMap(({ body }) => body.messages.filter(({ role }) => role === 'user' || role === 'tool').map(textOf)).join('\n');
  return { facts, lineage, rows, data: changes('data'), endings, openings: server.asked.filter(isOpening), systems, heard, tools: new Set(server.asked.map(({ body }) => body.tools?.map(({ function: { name: tool } }) => tool).join())) };
}
type Ran = Awaited<ReturnType<typeof runOf>>;

/** What all who are told of their failures make of them. */
function expectMended({ endings, lineage, data: [, mended], systems }: Ran): void {
  expect(endings).toEqual({ architecture: ['size_blocked', 'valid'], data: ['preflight_crash', 'keep'], kernel: ['disqualified'] });
  expect(lineage.bests.map(({ trial }) => trial)).toContain(mended?.trial);
  for (const system of systems) expect([system.includes('at most 2.0 s (CPU seconds of a calibrated core)'), system.includes('80,000 bytes'), system.includes('You have up to 3')], 'the limits that the evaluator goes by').toEqual([true, true, true]);
}

test('specialists: a size miss, a crash and a missed gate come back to the models, and what one makes of its own is kept', async () => {
  const ran = await runOf('specialists', [], FOUR, 5);
  expectMended(ran);
  expect(ran.lineage.claim).not.toBeNull();
  expect([ran.systems.length, ran.tools]).toEqual([4, new Set([BESIDE.join()])]);
  for (const system of ran.systems) expect(system).toContain('A patch that changes what another owns is rejected');
}, 1_800_000);

test.each<readonly [string, readonly string[], Cast]>([
  ['single', ['--arm', 'single'], ONE],
  ['generic-2', ['--arm', 'generic-2'], TWO],
])('%s: the same comes back to whoever works on every part, and the same is kept', async (name, flags, roles) => {
  const ran = await runOf(name, flags, roles, null);
  expectMended(ran);
  expect([ran.systems.length, new Set(ran.systems.map((system) => system.replaceAll(/generalist-\d/g, 'generalist'))).size, ran.tools]).toEqual([Object.keys(roles).length, 1, new Set([ALONE.join()])]);
  for (const system of ran.systems) expect([system.includes('You work on every part of the recipe'), system.includes('Owners are told, not held')]).toEqual([true, true]);
  for (const { trial, proposal } of ran.rows) expect(ran.openings.at(-1)?.last, 'whoever tried it').toMatch(new RegExp(`^\\| ${trial} {2}${proposal.specialist} .*${proposal.hypothesis}`, 'm'));
}, 1_800_000);

test.each<readonly [string, readonly string[], Cast, number]>([
  ['specialists', [], FOUR, 6],
  ['single', ['--arm', 'single'], { generalist: ['data', 'architecture'] }, 4],
  ['generic-2', ['--arm', 'generic-2'], { 'generalist-1': ['data'], 'generalist-2': ['architecture'] }, 4],
])('%s --no-lineage: of the best they are told its id, score and code, of a failure nothing: none is mended, and the baseline stands', async (name, flags, roles, trials) => {
  const { facts, lineage, rows, endings, openings, systems, heard, tools } = await runOf(`${name}-bare`, [...flags, '--no-lineage'], roles, trials);
  expect(endings).toEqual({ architecture: ['size_blocked', 'size_blocked'], data: ['preflight_crash', 'preflight_crash'], kernel: name === 'specialists' ? ['disqualified', 'disqualified'] : [] });
  expect(lineage.bests.map(({ trial }) => trial)).toEqual(['t0000']);
  expect(heard).not.toMatch(/crash|NameError|size_blocked|over the cap|disqualified|leaderboard|recent trials|rejected|\bt0*[1-9]/);
  for (const { last } of openings) expect(last).toContain(`The current best is t0000, with a score of ${lineage.bests[0]?.score}. `);
  for (const { raw } of openings) for (const { proposal } of rows) expect(raw).not.toContain(proposal.hypothesis);
  for (const system of systems) expect(system).toContain('You have one submission.');
  expect([systems.length, tools]).toEqual([Object.keys(roles).length, new Set([TOOLS.join()])]);
  for (const { body } of bodies(facts, 'session.ended')) expect(body.trials.length).toBeLessThanOrEqual(1);
}, 1_800_000);
