import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Fact } from '../../src/domain/fact.ts';
import { openAiServer, use } from '../support/openai-server.ts';
import { openProject, type Project } from '../support/program.ts';
import { expectWhole } from './ledger.ts';

let project: Project;
beforeAll(async () => { project = await openProject(); });
afterAll(() => project[Symbol.asyncDispose](), 240_000);

const told = <W extends Fact['word']>(facts: readonly Fact[], word: W): Extract<Fact, { word: W }>[] => facts.filter((fact): fact is Extract<Fact, { word: W }> => fact.word === word);

test('a run that its limit of tokens ended before the first call goes on with a higher one, at the address where its endpoint is now, and the journal says both', async () => {
  await using first = await openAiServer(() => use('give_up', { reason: 'nobody may ask me' }));
  await using second = await openAiServer(({ last }) => (last.includes('make one change') ? use('edit', { edits: [{ file: 'optimizer.py', search: 'RATE = 0.02', replace: 'RATE = 0.03' }] }) : use('submit', { hypothesis: 'a somewhat larger rate learns sooner', expectedDelta: -0.05 })));
  const run = ['run', 'tiny', '--proposer', 'llm', '--model', 'scripted', '--base-url', first.baseURL, '--arm', 'single', '--trials', '1', '--minutes', '15', '--calibration', '2', '--keep', 'strict', '--tokens', '5000', '--name', 'short'];
  const ended = await project.brigade(run);
  expect({ code: ended.code, err: ended.err }).toEqual({ code: 0, err: '' });
  expect(ended.out).toMatch(/stopping: token limit of 5,000 reached: 0 used, and one more call may take \d+,\d+/);
  const before = await project.exported('short');
  expect(told(before, 'specialist.stalled').map(({ body }) => body)).toEqual([{ cause: 'limit', reason: expect.stringMatching(/^token limit of 5,000 reached/) }]);
  expect(told(before, 'session.opened'), 'what would have no call is not begun').toEqual([]);

  const resumed = await project.brigade(['run', '--resume', 'short', '--tokens', '+300000', '--base-url', second.baseURL]);
  expect({ code: resumed.code, err: resumed.err }).toEqual({ code: 0, err: '' });
  const host = new URL(second.baseURL).host;
  const { facts, lineage } = await expectWhole(project, 'short');
  expect(told(facts, 'run.resumed').map(({ body }) => body)).toMatchObject([{ limits: { tokens: 305_000 }, models: `scripted at ${host} (generalist)` }]);
  expect(lineage.stopped).toBe('trial limit of 1 reached');
  expect(told(facts, 'session.opened').at(-1)?.body.model).toContain(host);
  expect([first.asked.length, second.asked.length > 1]).toEqual([0, true]);
  expect(JSON.parse(await readFile(join(project.runs, 'short', 'models.json'), 'utf8'))).toMatchObject({ defaults: { baseURL: second.baseURL } });
  expect(await project.brigade(['run', '--resume', 'short', '--model', 'other'])).toMatchObject({ code: 1, err: expect.stringMatching(/^--model cannot change short/) });
  await project.quiet();
}, 600_000);
