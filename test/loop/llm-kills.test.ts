import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openAiServer, type Asked, type Reply } from '../support/openai-server.ts';
import { openProject, type Process, type Project } from '../support/program.ts';
import { bodies, edit, isOpening, submit, together, told } from '../support/scripted-model.ts';
import { expectWhole } from './ledger.ts';

// kill -9 of a specialist that thinks: while a call is out, after an answer that is paid for and not carried out, and while its trial is measured.

const RUN = 'killed';
const PAID = 'paid-for-and-not-carried-out';
/** What the store holds where it holds that id: base64, which begins at any of three places. */
const AS_STORED = ['', ' ', '  '].map((before) => Buffer.from(`${before}${PAID}`).toString('base64').slice(4, -4));
const WAIT = { timeout: 300_000, interval: 20 };

let project: Project;
beforeAll(async () => { project = await openProject(); });
afterAll(() => project[Symbol.asyncDispose](), 240_000);

const killed = new Set<number>();
const processOf = (actor: string): Promise<Process> => vi.waitFor(async () => {
  const found = (await project.processes()).find(({ pid, args }) => args[1]?.endsWith('/dist/main.js') === true && args[2] === actor && !killed.has(pid));
  if (!found) throw new Error(`there is no ${actor}`);
  return found;
}, WAIT);
async function killSpecialist(): Promise<void> {
  const { pid } = await processOf('specialist');
  killed.add(pid);
  process.kill(pid, 'SIGKILL');
}

test('a specialist that is killed at three moments of its session goes on with it: nothing is asked, paid for or tried twice', async () => {
  let stopped: number | null = null;
  let isPaid = false;
  const script = async (asked: Asked): Promise<Reply> => {
    const said = asked.body.messages.filter(({ role }) => role === 'assistant').length;
    if (isOpening(asked)) return edit('kernel.py', ['PADDING = 0', 'PADDING = 20000']);
    if (said === 1 && killed.size === 0) { // the call is out
      await killSpecialist();
      return { kind: 'hang', after: 'nothing' };
    }
    if (said === 1) { // what it does next needs the keeper, and waits
      ({ pid: stopped } = await processOf('keeper'));
      process.kill(stopped, 'SIGSTOP');
      isPaid = true;
      const answer = edit('data.py', ['POINTS = 24', 'POINTS = 36']);
      return { ...answer, calls: answer.calls?.map((call) => ({ ...call, id: PAID })) ?? [] };
    }
    if (asked.last.startsWith('Applied.')) return submit(`as much room as there may be, after ${said} answers`);
    const [, over = ''] = told(asked, /size_blocked\. ([\d,]+) bytes over the cap of 6,000/);
    return together(edit('kernel.py', ['PADDING = 20000', `PADDING = ${20_000 - Number(over.replaceAll(',', '')) - 1_500}`]), submit('as much room as there is, less a reserve'));
  };
  await using server = await openAiServer(script);
  const running = project.start(['run', 'tiny', '--arm', 'single', '--proposer', 'llm', '--model', 'scripted', '--base-url', server.baseURL, '--trials', '2', '--minutes', '15', '--keep', 'strict', '--name', RUN, '--json']);

  const store = join(project.runs, RUN, 'sessions', 'generalist.lmdb');
  await vi.waitFor(async () => { const held = isPaid ? await readFile(store, 'latin1') : ''; expect(AS_STORED.some((each) => held.includes(each)), 'the answer is written down').toBe(true); }, WAIT);
  const before = await project.facts(RUN);
  await killSpecialist();
  process.kill(stopped ?? 0, 'SIGCONT');
  await running.until((line) => line.event === 'trial.admitted' && line.trial === 't0001');
  await killSpecialist();
  const done = await running.ended;
  expect({ code: done.code, err: done.err, strays: server.strays, killed: killed.size }).toEqual({ code: 0, err: '', strays: [], killed: 3 });

  const { facts, lineage } = await expectWhole(project, RUN);
  const names = (word: 'call.reserved' | 'call.settled'): string[] => bodies(facts, word).map(({ ids }) => ids.join('/'));
  expect(bodies(facts, 'session.opened').map(({ ids }) => ids)).toEqual([['s0001']]);
  expect([...lineage.trials.values()].slice(1).map(({ proposal, result }) => [proposal.proposer.strategy, result?.status === 'size_blocked'])).toEqual([['s0001/1', true], ['s0001/2', false]]);

  const questions = server.asked.map(({ body }) => JSON.stringify(body.messages));
  expect(questions.flatMap((each, i) => (questions.indexOf(each) < i ? [[questions.indexOf(each), i]] : [])), 'only what nobody answered is asked again').toEqual([[1, 2]]);
  expect(names('call.reserved')).toEqual(server.asked.map((_, i) => `s0001/${i + 1}`));
  expect(names('call.reserved').filter((call) => !names('call.settled').includes(call)), 'the call that a dead process had out counts in full').toEqual(['s0001/2']);
  expect(before.filter(({ word }) => word === 'call.settled').map(({ ids }) => ids.join('/')), 'it was paid for when it died').toContain('s0001/3');
  const after = server.asked[3]?.body.messages ?? [];
  expect(after.slice(-2)).toMatchObject([{ role: 'assistant', tool_calls: [{ id: PAID }] }, { role: 'tool', tool_call_id: PAID, content: expect.stringMatching(/^Applied\. Against t0000: data\.py \+1 −1[,;] kernel\.py/) }]);
  await project.quiet();
}, 600_000);
