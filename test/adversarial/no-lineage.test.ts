import { readFile } from 'node:fs/promises';
import { connect, nkeyAuthenticator, type NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startBroker } from '../../src/actors/broker/index.ts';
import { startLineage } from '../../src/actors/lineage/index.ts';
import { openTrial, weigh, weighClaim } from '../../src/actors/trial/index.ts';
import { openClock } from '../../src/adapters/clock/index.ts';
import { volatileStore } from '../../src/adapters/lmdb/volatile.ts';
import type { Fact } from '../../src/domain/fact.ts';
import { emptyLineage, grow, type Lineage, type TrialRow } from '../../src/domain/lineage.ts';
import { canonicalRecipe } from '../../src/domain/recipe.ts';
import { Log, Progress, Pulse } from '../../src/protocols/actor.ts';
import { natsServer, type TestServer } from '../support/nats.ts';
import { syntheticRun } from '../support/synthetic-run.ts';

// A specialist of a run without lineage, with its own credentials and a client of its own, tries every way to what happened before.
// The broker and the lineage keeper are the real ones, over a real server. Only the best's id, score and code may come back.

const made = syntheticRun(40);
const { run } = made;
/** The same run, started without lineage and still going on. */
const facts = made.facts.slice(0, made.facts.findIndex(({ word }) => word === 'run.stopping'))
  .map((fact): Fact => (fact.word === 'run.started' ? { ...fact, body: { ...fact.body, arm: { ...fact.body.arm, lineage: false } } } : fact));
const lineage: Lineage = emptyLineage();
for (const fact of facts) grow(lineage, fact, run, () => true);
const best = lineage.bests.at(-1);
const before = lineage.bests.at(-2);
const others = [...lineage.trials.values()].filter(({ trial }) => trial !== 't0000' && trial !== best?.trial);
const kept = others.filter((row) => row.result?.status === 'keep' && row.trial !== before?.trial);
const failed = others.filter((row) => row.result !== null && row.result.status !== 'keep');

let server: TestServer;
let client: NatsConnection;
const closing: AsyncDisposable[] = [];
const stop = new AbortController();
const refusals: string[] = [];

beforeAll(async () => {
  server = await natsServer();
  const supervisor = await server.run(run);
  for (const fact of facts) await supervisor.journal(run).record(fact.word, fact.ids, fact.body);
  for (const recipe of made.recipes.values()) await supervisor.blobs(run).put(new TextEncoder().encode(canonicalRecipe(recipe)));
  const portsOf = async (role: 'broker' | 'lineage') => {
    const session = await server.session(role);
    return { journal: session.journal(run), bus: session.bus, blobs: session.blobs(run), clock: openClock(), presence: session.presence({ run, actor: role, write: () => undefined }) };
  };
  closing.push(await startLineage(await portsOf('lineage'), { store: volatileStore(null), verify: () => true }, { run, signal: stop.signal }));
  closing.push(await startBroker(await portsOf('broker'), {
    admit: async ({ patch, known }) => {
      const twin = await known({ 'model.py': patch });
      return twin ? { kind: 'rejected', rejection: { rule: 'duplicate', file: null, symbol: null, owner: null, message: `the same recipe as ${twin}` } } : { kind: 'admitted', recipe: { 'model.py': patch } };
    },
    trials: { weigh, weighClaim, open: openTrial }, calibrations: { find: async () => null, keep: async () => undefined }, verify: () => true,
  }, { run, signal: stop.signal }));
  const seed = (await readFile(server.server.keyFile('specialist') ?? '', 'utf8')).trim();
  client = await connect({ servers: server.server.url, inboxPrefix: '_INBOX.specialist', authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)), maxReconnectAttempts: 0 });
  void (async () => { for await (const status of client.status()) if (status.type === 'error') refusals.push(String(status.error)); })();
});
afterAll(async () => {
  await client?.close();
  stop.abort(new Error('the test is over'));
  for (const each of closing.reverse()) await each[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

/** What came back, as it was written. */
const ask = async (subject: string, body: unknown = ''): Promise<string> => (await client.request(subject, body === '' ? '' : JSON.stringify(body), { timeout: 20_000 })).string();
const lineageOf = (verb: string, body: unknown): Promise<string> => ask(`brigade.cmd.lineage.${verb}.${run}`, body);

/** Whatever could tell of an earlier trial: its id, what it tried, how it scored and ended, its code. */
function tells(text: string, { trial, proposal, result, snapshot }: TrialRow): string[] {
  const secrets = [trial, proposal.hypothesis, ...(result?.score == null ? [] : [String(result.score)]), ...(result?.deltaVsBest == null ? [] : [String(result.deltaVsBest)]), ...(snapshot === null ? [] : [snapshot])];
  return secrets.filter((secret) => text.includes(secret));
}
const expectNothing = (text: string, rows: readonly TrialRow[] = others): void => { expect(rows.flatMap((row) => tells(text, row)), text).toEqual([]); };

describe('the lineage keeper tells of nothing but the best', () => {
  test('the run has what could be told', () => {
    expect(kept.length).toBeGreaterThan(3);
    expect(failed.length).toBeGreaterThan(20);
    expect(best?.trial).not.toBe('t0000');
  });

  test('rows: whatever page is asked for, at whatever moment', async () => {
    const moments = [null, ...lineage.bests.map(({ judgedAt }) => judgedAt + 1), 1, lineage.applied];
    for (const asOf of moments) for (const after of [0, 1, lineage.applied - 1]) {
      const text = await lineageOf('rows', { after, asOf, limit: 500 });
      expectNothing(text);
      const told = JSON.parse(text) as { rows: { trial: string; specialist: string; hypothesis: string; deltaVsBest: number | null }[]; best: unknown; noise: unknown };
      expect(told.best).toEqual({ trial: best?.trial, score: best?.score, snapshot: best?.snapshot });
      expect(told.noise).toBeNull();
      for (const row of told.rows) expect(row).toMatchObject({ trial: best?.trial, specialist: 'unknown', hypothesis: '', deltaVsBest: null, parent: 't0000', strategy: '', failure: null, artifactBytes: null });
    }
  });

  test('feedback: one\'s own and others\', at whatever moment', async () => {
    for (const specialist of [...lineage.started?.roster ?? [], 'composer', 'nobody']) for (const asOf of [null, 1, ...lineage.bests.map(({ judgedAt }) => judgedAt + 1)]) {
      const text = await lineageOf('feedback', { specialist, asOf });
      expect(text).toContain(best?.trial ?? '?');
      expectNothing(text);
      expect(text).not.toMatch(/keep|discard|crash|blocked|overrun|calibration|leaderboard|handed|handoff|draft/i);
    }
  });

  test('recipes: those of other trials, earlier bests among them, and everything else that lies under a hash', async () => {
    const read = async (snapshot: string): Promise<boolean> => (JSON.parse(await lineageOf('recipe', { snapshot })) as { recipe: unknown }).recipe !== null;
    expect([await read(best?.snapshot ?? ''), await read(lineage.started?.snapshot ?? '')]).toEqual([true, true]);
    for (const row of others.filter(({ trial }) => trial !== before?.trial)) if (row.snapshot !== null) expect(await read(row.snapshot), row.trial).toBe(row.snapshot === best?.snapshot || row.snapshot === before?.snapshot);
    const hashes = others.flatMap((row) => [...(row.feedback ? [row.feedback] : []), ...[...row.replicates.values()].flatMap(({ measured }) => measured?.measurement.log ?? [])]);
    for (const hash of new Set(hashes)) expect(await read(hash)).toBe(false);
  });

  test('drafts, and a moment that is yet to come', async () => {
    for (const joint of ['j0001', 'j0002']) expect(await lineageOf('draft', { joint, by: 'optimizer' }).catch(String)).toMatch(/"draft":null|no responders/);
    for (const text of [await lineageOf('rules', {}).catch(String), await lineageOf('rows', { after: 0, asOf: lineage.applied + 100, limit: 1 })]) expectNothing(text);
  });
});

describe('the broker tells of nothing', () => {
  let asked = 0;
  const proposal = (more: object) => ({
    specialist: 'optimizer', parent: best?.trial, asOf: 0, hypothesis: 'a thought of a specialist that knows nothing', expectedDelta: 0, patch: `mine ${asked}`, parts: [],
    proposer: { kind: 'llm', strategy: 'probe', moves: [] }, tokens: 0, money: 0, ...more,
  });
  const propose = (more: object, clientId = `probe${++asked}`): Promise<string> => ask(`brigade.cmd.broker.propose.${run}`, { clientId, proposal: proposal(more), feedback: null });
  const check = (parent: string, patch: string): Promise<string> => ask(`brigade.cmd.broker.check.${run}`, { specialist: 'optimizer', with: null, parent, patch });
  /** What two refusals differ in, but for what was asked. */
  const shape = (text: string): string => text.replaceAll(/t\d{4}/g, 't');

  test('a parent is the best: whether another trial was kept, failed or never was is answered alike', async () => {
    const [good, bad] = [kept[0]?.trial ?? '', failed[0]?.trial ?? ''];
    const answers = await Promise.all([good, bad, 't9999'].map((parent) => check(parent, 'x')));
    expect(new Set(answers.map(shape)).size, answers.join('\n')).toBe(1);
    expect(JSON.parse(answers[0] ?? '')).toMatchObject({ kind: 'rejected', rejection: { rule: 'parent' } });
    expect(JSON.parse(await check(best?.trial ?? '', 'x'))).toEqual({ kind: 'passes' });
  });

  test('parts: whether trials were kept cannot be asked by merging them', async () => {
    const answers = [await propose({ parts: [kept[0]?.trial] }), await propose({ parts: [failed[0]?.trial] }), await propose({ parts: ['t9999'] })];
    expect(new Set(answers.map(shape)).size, answers.join('\n')).toBe(1);
    answers.forEach((text) => expectNothing(text));
    expect(JSON.parse(answers[0] ?? '')).toMatchObject({ kind: 'rejected', rejection: { rule: 'parent' } });
  });

  test('a recipe that was tried is a duplicate of no trial by name, asked once, twice, and under another\'s id', async () => {
    const first = await propose({ patch: 'the same twice' }, 'first');
    const id = (JSON.parse(first) as { trial: string }).trial;
    expect(JSON.parse(first)).toEqual({ kind: 'admitted', trial: id });
    const twin = await propose({ specialist: 'data', patch: 'the same twice' });
    expect(JSON.parse(twin)).toMatchObject({ kind: 'rejected', rejection: { rule: 'duplicate' } });
    for (const text of [twin, await check(best?.trial ?? '', 'the same twice')]) { expect((JSON.parse(text) as { rejection: { message: string } }).rejection.message).not.toMatch(/t\d{4}/); expectNothing(text); }
    for (const { clientId, trial } of others) { // ids of others' proposals can be worked out by whoever knows what they proposed
      const again = await propose({}, clientId);
      expect(JSON.parse(again)).toMatchObject({ trial });
      expect(again).not.toMatch(/score|delta|status|failure|keep/i);
    }
  });

  test('nothing passes between specialists: no hint, no draft, no answer to one', async () => {
    const hint = await ask(`brigade.cmd.broker.hint.${run}`, { clientId: 'h1', from: 'optimizer', to: 'data', file: 'model.py', symbol: null, hint: 'what did you find out?' }).catch(String);
    const draft = await ask(`brigade.cmd.broker.offer-joint.${run}`, { clientId: 'd1', from: 'optimizer', to: 'data', parent: best?.trial, hypothesis: 'what did you find out?', expectedDelta: 0, patch: 'x' }).catch(String);
    for (const text of [hint, draft]) { expect(text).toMatch(/"kind":"refused"|no responders/); expectNothing(text); }
  });

  test('its state, its leases, its other commands and other actors do not answer this key', async () => {
    for (const subject of ['brigade.cmd.broker.state', `brigade.cmd.broker.state.${run}.main`, `brigade.cmd.broker.renew.${run}`, `brigade.cmd.run.note.${run}`, `brigade.cmd.run.stop.${run}`, 'brigade.cmd.evaluator.state', 'brigade.cmd.supervisor.state', 'brigade.cmd.specialist.state', 'brigade.cmd.lineage.state', `brigade.cmd.lineage.state.${run}.main`]) {
      expect(await denied(() => client.request(subject, '{}', { timeout: 1_000 })), subject).toBe(true);
    }
  });
});

describe('the server gives this key nothing to read', () => {
  test('facts, telemetry, others\' inboxes, buckets and streams cannot be listened to', async () => {
    const subjects = ['>', 'brigade.>', `brigade.evt.${run}.>`, `brigade.evt.${run}.trial.result.*`, Pulse.filter({ run }), Log.filter({ run }), Progress.filter({ run }), 'brigade.cmd.broker.>', 'brigade.cmd.lineage.>', '_INBOX.>', '_INBOX.broker.>', '_INBOX.lineage.>', '$JS.>', '$O.>', '$KV.>', '$SYS.>', '$JS.EVENT.>'];
    for (const subject of subjects) expect(await new Promise((resolve) => { client.subscribe(subject, { callback: (error) => { if (error) resolve('denied'); } }); client.flush().then(() => setTimeout(() => resolve('heard'), 2_000), () => resolve('denied')); }), subject).toBe('denied');
  });

  test('neither the journal, nor the object store, nor a key-value store answers', async () => {
    const stream = `BRIGADE_EVT_${run}`;
    const store = `OBJ_BRIGADE_BLOBS_${run}`;
    const subjects = ['INFO', 'STREAM.NAMES', 'STREAM.LIST', `STREAM.INFO.${stream}`, `STREAM.MSG.GET.${stream}`, `DIRECT.GET.${stream}`, `DIRECT.GET.${stream}.brigade.evt.${run}.trial.result.t0001`, `CONSUMER.CREATE.${stream}`, `CONSUMER.LIST.${stream}`, `STREAM.INFO.${store}`, `STREAM.MSG.GET.${store}`, `CONSUMER.CREATE.${store}`, 'STREAM.CREATE.MIRROR', 'STREAM.INFO.KV_anything'];
    for (const subject of subjects) expect(await denied(() => client.request(`$JS.API.${subject}`, JSON.stringify({ last_by_subj: `brigade.evt.${run}.trial.result.t0001` }), { timeout: 1_000 })), subject).toBe(true);
    for (const subject of [`$O.BRIGADE_BLOBS_${run}.M.x`, '$KV.anything.x', `brigade.evt.${run}.trial.result.t0041`]) expect(await denied(() => client.request(subject, '{}', { timeout: 1_000 })), subject).toBe(true);
  });

  test('no service names itself to this key', async () => {
    for (const verb of ['PING', 'INFO', 'STATS']) for (const who of ['', '.broker', '.lineage']) expect(await denied(() => client.request(`$SRV.${verb}${who}`, '', { timeout: 1_000 })), `${verb}${who}`).toBe(true);
  });

  test('replies to other specialists of this run, which share its inbox, hold no more than its own', async () => {
    const heard: string[] = [];
    const listening = client.subscribe('_INBOX.specialist.>', { callback: (_error, message) => { heard.push(message.string()); } });
    const other = await server.session('specialist');
    const { ReadFeedback, ReadRows } = await import('../../src/protocols/lineage.ts');
    await other.bus.ask(ReadRows, { run }, { after: 0, asOf: null, limit: 500 }, { timeoutMs: 20_000 });
    await other.bus.ask(ReadFeedback, { run }, { specialist: 'data', asOf: null }, { timeoutMs: 20_000 });
    await client.flush();
    listening.unsubscribe();
    expect(heard.length).toBeGreaterThanOrEqual(2);
    expectNothing(heard.join('\n'));
  });
});

test('that a run is over is told without its reason, which may be that nothing was kept', async () => {
  const supervisor = await server.session('supervisor');
  await supervisor.journal(run).record('run.stopping', ['0'], { reason: '600 s without a keep', mode: 'finish' });
  const again = { specialist: 'data', parent: best?.trial, asOf: 0, hypothesis: 'one more thought of somebody', expectedDelta: 0, patch: 'too late', parts: [], proposer: { kind: 'llm', strategy: 'probe', moves: [] }, tokens: 0, money: 0 };
  await vi.waitFor(async () => { expect(JSON.parse(await ask(`brigade.cmd.broker.propose.${run}`, { clientId: 'late', proposal: again, feedback: null }))).toEqual({ kind: 'closed', reason: 'the run takes no more proposals' }); }, { timeout: 60_000 });
  expect(JSON.parse(await ask(`brigade.cmd.broker.open-session.${run}`, { clientId: 'late', specialist: 'data', asOf: 0, model: 'm', prompt: 'p' }))).toEqual({ kind: 'closed', reason: 'the run takes no more proposals' });
});

/** Whether the server refused a request for its subject. */
async function denied(request: () => Promise<unknown>): Promise<boolean> {
  const seen = refusals.length;
  const how = await request().then(() => 'answered', (error: unknown) => { const causes: string[] = []; for (let cause = error; cause instanceof Error; cause = cause.cause) causes.push(`${cause.name} ${cause.message}`); return causes.join(' '); });
  return how !== 'answered' && (/permission/i.test(how) || refusals.slice(seen).some((each) => /permission/i.test(each)));
}
