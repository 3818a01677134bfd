import { Command } from 'commander';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { memoryBlobs } from '../../src/adapters/memory/index.ts';
import { exportRun } from '../../src/adapters/report/index.ts';
import { reportPage } from '../../src/adapters/report/page.ts';
import { Mistake } from '../../src/cli/mistake.ts';
import type { OpenRun } from '../../src/cli/opening.ts';
import { showCommand } from '../../src/cli/show.ts';
import { statusCommand } from '../../src/cli/status.ts';
import { liveView } from '../../src/cli/view/live.ts';
import { NO_LIMITS } from '../../src/domain/budget.ts';
import { calibrated, type Story } from '../support/story.ts';

const blobs = memoryBlobs();
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const PROMPT = 'You own optimizer.py.\n\n## current best\nt0000  2.5\n';
const TALK = [{ role: 'user', text: 'go' }, { role: 'model', text: 'I \u001b[2Jhalve the rate', calls: [{ id: 'c1', tool: 'edit', input: '{"edits":[{"file":"optimizer.py","search":"RATE = 0.02\\nSTEPS = 40","replace":"RATE = 0.01"}]}' }, { id: 'c2', tool: 'check', input: '{"mark":"\\u001b[31m\\u0007red"}' }, { id: 'c4', tool: 'check', input: '{}' }, { id: 'c3', tool: 'submit', input: '{"hypo' }] }, { role: 'tool', call: 'c1', tool: 'edit', text: 'done' }].map((turn) => JSON.stringify(turn)).join('\n');

/** Two sessions of an optimizer, one without a trial, a joint trial, and a kernel that cannot think. */
const told = (): Story => {
  const run = calibrated({ proposer: 'llm', roster: ['optimizer', 'architecture', 'kernel'], limits: { ...NO_LIMITS, tokens: 20_000, money: 1 } })
    .tell('session.opened', ['s0001'], { specialist: 'optimizer', asOf: 9, model: 'toy at nowhere', prompt: hashOf(PROMPT), clientId: 'c1' })
    .tell('call.reserved', ['s0001', '1'], { tokens: 4_000, money: 0.1 })
    .tell('call.settled', ['s0001', '1'], { input: 2_000, cached: 0, output: 400, money: 0.0312, isMeasured: true, ended: 'answered', why: '' })
    .tell('joint.offered', ['j0001'], { from: 'architecture', to: 'optimizer', parent: 't0000', hypothesis: 'a gate with a rate of its own', expectedDelta: -0.1, patch: '', clientId: 'd1' })
    .tell('trial.admitted', ['t0001'], { snapshot: '1'.repeat(64), feedback: null, clientId: 'c-t1', proposal: { specialist: 'optimizer', parent: 't0000', asOf: 9, hypothesis: 'the gate, with half the rate', expectedDelta: -0.1, patch: '', parts: [], proposer: { kind: 'llm', strategy: 's0001/1', moves: [] }, tokens: 2_400, money: 0.0312, session: 's0001', joint: { draft: 'j0001', with: 'architecture' } } })
    .tell('joint.answered', ['j0001'], { by: 'optimizer', answer: 'accepted', reason: '', trial: 't0001' })
    .tell('session.ended', ['s0001'], { ending: 'submitted', reason: 't0001 was tried', trials: ['t0001'], repairs: 1, transcript: hashOf(TALK) })
    .tell('session.opened', ['s0002'], { specialist: 'optimizer', asOf: 20, model: 'toy at nowhere', prompt: hashOf(PROMPT), clientId: 'c2' })
    .tell('call.reserved', ['s0002', '1'], { tokens: 5_000, money: 0.2 })
    .tell('session.ended', ['s0002'], { ending: 'malformed', reason: 'two replies were no tool call', trials: [], repairs: 1, transcript: null })
    .tell('specialist.stalled', ['kernel', '1'], { cause: 'endpoint', reason: '127.0.0.1:8080 refuses connections' });
  run.measure('t0001', 's1', 2.9);
  const root = run.lineage.trials.get('t0000')?.result;
  if (!root) throw new Error('the story has no baseline');
  run.tell('trial.result', ['t0001'], { ...root, status: 'discard', specialist: 'optimizer', hypothesis: 'the gate, with half the rate', score: 2.9, deltaVsBest: 0.4, n: 1, sd: null, why: 'screened', judgedAt: run.lineage.applied });
  return run.admit('t0002', 't0000', 'kernel');
};
const run = told();

beforeAll(async () => { for (const text of [PROMPT, TALK]) await blobs.put(new TextEncoder().encode(text)); });

async function brigade(...args: string[]): Promise<string> { return brigadeOn(run, ...args); }

async function brigadeOn(run: Story, ...args: string[]): Promise<string> {
  const parts: string[] = [];
  const program = new Command().exitOverride();
  const opened: OpenRun = { run: 'toy-1', dir: '.', lineage: run.lineage, facts: run.facts, blobs, bus: null, columns: [], standalone: {}, async *follow() { /* nobody runs it */ }, async close() { /* nothing is open */ } };
  const here = { open: async () => opened, place: { root: '.', runs: '.' }, out: { write: (text: string) => parts.push(text) }, width: () => 140, color: false, now: () => run.lineage.newestAt };
  for (const add of [showCommand, statusCommand]) add(program, here);
  await program.parseAsync(args, { from: 'user' });
  return parts.join('');
}

describe('brigade show', () => {
  test('names the session of a trial, what it took, and who drafted it', async () => {
    const text = await brigade('show', 't0001');
    expect(text).toMatch(/^t0001 {2}optimizer \+ architecture {3}discard {3}parent t0000 {3}on atlas\/cpu0, attempt 1 {3}llm:s0001\/1\n/);
    expect(text).toContain('thought  in s0001 with toy at nowhere   2,400 tokens   money 0.0312');
    expect(text).toContain('joint    j0001, drafted by architecture: a gate with a rate of its own');
  });

  test('--prompt prints exactly what the model was told, --session what was said, turn by turn', async () => {
    expect(await brigade('show', '1', '--prompt')).toBe(PROMPT);
    expect(JSON.parse(await brigade('show', 't0001', '--prompt', '--json'))).toEqual({ run: 'toy-1', session: 's0001', prompt: PROMPT });
    expect(await brigade('show', 't0001', '--session')).toBe('── user\ngo\n── model\nI [2Jhalve the rate\n→ edit\n  edits:\n    - file: optimizer.py\n      search: |-\n        RATE = 0.02\n        STEPS = 40\n      replace: RATE = 0.01\n→ check\n  mark: "\\e[31m\\ared"\n→ check\n→ submit\n  {"hypo\n── tool edit\ndone\n');
    expect(JSON.parse(await brigade('show', 's0001', '--session', '--json'))).toEqual({ run: 'toy-1', session: 's0001', transcript: TALK });
  });

  test('shows a session that led to no trial by its own id, and says what is not there', async () => {
    const text = await brigade('show', 's0002');
    expect(text).toMatch(/^s0002 {2}optimizer {3}malformed {3}toy at nowhere {3}knew the journal up to 20\nbecause {2}two replies were no tool call\n1 call {3}1 not settled, counted in full {3}5,000 tokens {3}money 0\.2000 {3}1 repair\n/);
    await expect(brigade('show', 's0002', '--session')).rejects.toThrow(/was lost/);
    await expect(brigade('show', 's0009')).rejects.toThrow(Mistake);
    await expect(brigade('show', 't0002', '--prompt')).rejects.toThrow(/came from no session/);
  });
});

test('brigade status says what thinking took, what is left, how sessions ended, and who cannot think and why', async () => {
  const text = await brigade('status');
  expect(text).toContain('thinking   tokens 7,400 of 20,000, 12,600 left   money 0.2312 of 1.00, 0.7688 left');
  expect(text).toMatch(/^optimizer {2}2 sessions {2}1 submitted, 1 malformed {2}2 calls {2}7,400 tokens {2}0\.2312$/m);
  expect(text, 'no call is being made').not.toContain('of these');
  expect(text).toMatch(/^kernel .*stalled \(endpoint\): 127\.0\.0\.1:8080 refuses connections$/m);
  expect(JSON.parse(await brigade('status', '--json'))).toMatchObject({ tokens: 7_400, limits: { tokens: 20_000 }, thinking: [{ specialist: 'optimizer', endings: { submitted: 1, malformed: 1 }, tokens: 7_400 }, { specialist: 'kernel', stalled: { cause: 'endpoint' } }] });
});

test('brigade status says how much of what is counted as used is only set aside for calls that are being made', async () => {
  const busy = told().tell('session.opened', ['s0003'], { specialist: 'optimizer', asOf: 30, model: 'toy at nowhere', prompt: hashOf(PROMPT), clientId: 'c3' }).tell('call.reserved', ['s0003', '1'], { tokens: 6_000, money: 0.3 });
  expect(await brigadeOn(busy, 'status')).toContain('thinking   tokens 13,400 of 20,000, 6,600 left   money 0.5312 of 1.00, 0.4688 left\n           of these 6,000 tokens, money 0.3000 are the most that calls being made may take: some of it comes back\n');
});

test('the live view says in a line each that a draft was offered and answered, that a session led to no trial, and who stalled', () => {
  const lines: string[] = [];
  const view = liveView({ run: 'toy-1', out: { write: (text: string) => lines.push(text) }, width: () => null, color: false, json: false, now: () => 0, folder: 'runs/toy-1', runsAlone: false, context: null });
  const growing = told();
  for (const fact of growing.facts) view.fact(fact, growing.lineage);
  const text = lines.join('');
  for (const line of ['  j0001 architecture drafts for optimizer: a gate with a rate of its own', '  j0001 optimizer accepted as t0001', '  s0002 optimizer malformed, no trial: two replies were no tool call', '  kernel cannot think for now: 127.0.0.1:8080 refuses connections']) expect(text).toContain(`${line}\n`);
  expect(text).not.toContain('s0001');
});

test('an export holds what each ended session was told, what was said and what it took', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'brigade-thinking-'));
  await using _ = { [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
  const { files } = await exportRun({ run: 'toy-1', dir, lineage: run.lineage, facts: run.facts, blobs, columns: [], standalone: {} }, { parts: ['trials'] });
  expect(files).toContain(join(dir, 'thinking'));
  const read = (path: string): Promise<string> => readFile(join(dir, 'thinking', path), 'utf8');
  expect([await read('s0001/prompt.md'), await read('s0001/transcript.jsonl')]).toEqual([PROMPT, TALK]);
  expect(JSON.parse(await read('s0002/session.json'))).toMatchObject({ specialist: 'optimizer', tokens: 5_000, calls: [{ call: 1, settled: null }], ended: { ending: 'malformed' } });
});

test('the report counts sessions by how they ended and what each specialist spent, and leaves the section out where no model was asked', () => {
  const page = reportPage('toy-1', run.lineage);
  expect(page).toContain('<h2>Thinking</h2><p class="lead">2 sessions with toy at nowhere; 1 led to no trial and cost no slot.');
  expect(page).toMatch(/<th class="n">submitted<\/th><th class="n">malformed<\/th>.*optimizer<\/td><td class="n">2<\/td><td class="n">1<\/td><td class="n">1<\/td><td class="n">2<\/td><td class="n">2<\/td><td class="n">0<\/td><td class="n">7,400<\/td><td class="n">0\.2312<\/td>/s);
  expect(page).toContain('optimizer + architecture');
  expect(reportPage('toy-1', calibrated().lineage)).not.toContain('<h2>Thinking</h2>');
});
