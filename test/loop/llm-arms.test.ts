import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Fact } from '../../src/domain/fact.ts';
import { isValid } from '../../src/domain/status.ts';
import { openAiServer, textOf, use, type Asked } from '../support/openai-server.ts';
import { openProject, type Project } from '../support/program.ts';
import { bodies, edit, giveUp, isOpening, once, players, submit, told, whoIn, type Play } from '../support/scripted-model.ts';
import { expectWhole } from './ledger.ts';

// The same loop under each arm: what its models are told and offered, by the requests they got, and what came of it, by the journal.

let project: Project;
beforeAll(async () => { project = await openProject(); });
afterAll(() => project[Symbol.asyncDispose](), 240_000);

async function* silent(): Play { /* thinks for ever */ }

async function runOf(name: string, flags: readonly string[], trials: number, parts: Readonly<Record<string, (first: Asked) => Play>>) {
  const cast = players(parts);
  await using server = await openAiServer(cast.script);
  const running = project.start(['run', 'tiny', '--proposer', 'llm', '--model', 'scripted', '--base-url', server.baseURL, '--trials', String(trials), '--minutes', '15', '--keep', 'strict', '--replicates', '2', '--name', name, '--json', ...flags]);
  const done = await Promise.race([running.ended, cast.fault]);
  expect({ code: done.code, err: done.err, strays: server.strays }).toEqual({ code: 0, err: '', strays: [] });
  const { facts, lineage } = await expectWhole(project, name);
  await project.quiet();
  return { facts, lineage, rows: [...lineage.trials.values()].slice(1), asked: server.asked, openings: server.asked.filter(isOpening) };
}
const toolsIn = ({ body }: Asked): string[] => body.tools?.map(({ function: { name } }) => name) ?? [];
const ALONE = ['read', 'diff', 'rebase', 'edit', 'check', 'submit', 'give_up'];
const opened = (facts: readonly Fact[]): string[] => bodies(facts, 'session.opened').map(({ body }) => body.specialist);

test('single: one generalist changes what four would own, one session after the other, and reads of its own trials', async () => {
  const { facts, rows, asked, openings } = await runOf('single', ['--arm', 'single'], 2, {
    async* generalist() {
      yield edit('data.py', ['POINTS = 24', 'POINTS = 48']);
      yield edit('kernel.py', ['DIGITS = 3', 'DIGITS = 6']);
      const asked = yield submit('twice the points, and digits to tell them apart');
      told(asked, /^\| t0001 {2}generalist .*twice the points/m);
      yield edit('data.py', [/The current best is t0001/.test(asked.last) ? 'POINTS = 48' : 'POINTS = 24', 'POINTS = 60']);
      yield submit('all of the points, after twice as many');
    },
  });
  expect(new Set(opened(facts))).toEqual(new Set(['generalist']));
  expect(rows[0]).toMatchObject({ rejection: null, proposal: { specialist: 'generalist', patch: expect.stringMatching(/\+\+\+ b\/data\.py[^]*\+\+\+ b\/kernel\.py/) } });
  expect(isValid(rows[0]?.result?.status ?? 'lost')).toBe(true);
  for (const each of asked) expect([toolsIn(each), each.system.includes('You work on every part of the recipe'), each.system.includes('Owners are told, not held')]).toEqual([ALONE, true, true]);
  expect(openings.length).toBeGreaterThanOrEqual(2);
  for (const [i, session] of bodies(facts, 'session.opened').entries()) if (i > 0) expect(bodies(facts, 'session.ended')[i - 1]?.seq ?? Infinity, 'one at a time').toBeLessThan(session.seq);
}, 600_000);

test('generic-2: two alike but in name, of whom one makes its next trial of what the other measured', async () => {
  const first = once();
  const { facts, rows, asked } = await runOf('generic', ['--arm', 'generic-2'], 2, {
    async* 'generalist-1'() {
      yield edit('kernel.py', ['PADDING = 0', 'PADDING = 20000']);
      const asked = yield submit('room to grow is set aside');
      told(asked, /size_blocked/);
      first.happens();
    },
    async* 'generalist-2'(asked) {
      await first.happened;
      while (!asked.last.includes('room to grow')) asked = yield giveUp('let the other go first');
      const [, over = ''] = told(asked, /^\| t0001 {2}generalist-1 {2}size_blocked .*?([\d,]+) bytes over: /m);
      yield edit('kernel.py', ['PADDING = 0', `PADDING = ${20_000 - Number(over.replaceAll(',', '')) - 1_500}`]);
      yield submit('the room that the other found there is, less a reserve');
    },
  });
  expect(new Set(opened(facts))).toEqual(new Set(['generalist-1', 'generalist-2']));
  expect(rows.map(({ proposal, result }) => [proposal.specialist, isValid(result?.status ?? 'lost')])).toEqual([['generalist-1', false], ['generalist-2', true]]);
  const systems = new Set(asked.map(({ system }) => system));
  expect([systems.size, new Set([...systems].map((system) => system.replaceAll(/generalist-\d/g, 'generalist'))).size]).toEqual([2, 1]);
  for (const each of asked) expect(toolsIn(each)).toEqual(ALONE);
}, 600_000);

test('--no-lineage: nothing that was tried is in any request, nor asked for, nor told to whoever tried it', async () => {
  const failed = once();
  const { facts, lineage, rows, asked, openings } = await runOf('bare', ['--no-lineage'], 4, {
    async* data() {
      yield edit('data.py', ['POINTS = 24', 'POINTS = HALF']);
      const asked = yield submit('half of the points would do as well');
      if (!isOpening(asked)) throw new Error(`it was told: ${asked.last}`);
      failed.happens();
      yield edit('data.py', ['POINTS = 24', 'POINTS = 30']);
      yield submit('a few more of the points would do better');
    },
    async* kernel(asked) {
      await failed.happened;
      asked = yield giveUp('somebody else shall have failed before');
      yield edit('kernel.py', ['PADDING = 0', 'PADDING = 20000']);
      asked = yield submit('room to grow is set aside');
      if (!isOpening(asked)) throw new Error(`it was told: ${asked.last}`);
      asked = yield use('rebase', { trial: 't0001' });
      told(asked, /there is no tool "rebase" here/);
      yield edit('kernel.py', ['DIGITS = 3', 'DIGITS = 7']);
      yield submit('more digits can only be nearer the fit');
    },
    architecture: silent, optimizer: silent,
  });
  expect(rows.map(({ result }) => (isValid(result?.status ?? 'lost') ? 'valid' : result?.status)).toSorted()).toEqual(['preflight_crash', 'size_blocked', 'valid', 'valid']);
  for (const { body } of asked) {
    const heard = body.messages.filter(({ role }) => role === 'user' || role === 'tool').map(textOf).join('\n');
    const best = /The current best is (t\d{4})/.exec(heard)?.[1];
    expect(heard).not.toMatch(/crash|size_blocked|over the cap|keep|discard|rejected|leaderboard|recent trials/);
    expect([...heard.matchAll(/\bt\d{4}\b/g)].map(([trial]) => trial).filter((trial) => trial !== best)).toEqual([]);
  }
  for (const { proposal: { hypothesis }, feedback } of rows) {
    expect(feedback).toBeNull();
    for (const { raw, last } of openings) expect(raw.includes(hypothesis), last.slice(0, 200)).toBe(false);
  }
  for (const each of asked) expect(toolsIn(each)).toEqual(['read', 'edit', 'check', 'submit', 'give_up']);
  for (const { body } of bodies(facts, 'session.ended')) expect(body.trials.length).toBeLessThanOrEqual(1);
  expect(lineage.handoffs).toEqual([]);
  for (const who of ['data', 'kernel']) expect(new Set(openings.filter((each) => whoIn(each) === who).map(({ system }) => system)).size).toBe(1);
}, 600_000);

test('advisory: four are told who owns what, and what one changes of another is measured', async () => {
  const { rows, asked } = await runOf('advisory', ['--ownership', 'advisory'], 1, {
    async* architecture(asked) {
      asked = yield edit('data.py', ['POINTS = 24', 'POINTS = 36']);
      asked = yield use('check', {});
      told(asked, /^Every free check passes/);
      yield submit('the degree asks for more points than data gives it');
    },
    data: silent, kernel: silent, optimizer: silent,
  });
  expect(rows.map(({ proposal, rejection, result }) => [proposal.specialist, rejection, isValid(result?.status ?? 'lost')])).toEqual([['architecture', null, true]]);
  for (const each of asked) expect([each.system.includes('Owners are told, not held'), toolsIn(each)]).toEqual([true, [...ALONE, 'hint', 'draft_joint', 'accept_joint', 'decline_joint']]);
}, 600_000);
