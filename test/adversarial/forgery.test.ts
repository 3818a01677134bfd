import { headers } from 'nats';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startBroker } from '../../src/actors/broker/index.ts';
import { publisher } from '../../src/actors/evaluator/publisher.ts';
import { openTrial, weigh, weighClaim } from '../../src/actors/trial/index.ts';
import { openClock } from '../../src/adapters/clock/index.ts';
import { type NatsSession, readFact } from '../../src/adapters/nats/index.ts';
import { createSigner, verifySignature } from '../../src/adapters/signature/index.ts';
import type { Fact } from '../../src/domain/fact.ts';
import { emptyLineage, grow, type Lineage } from '../../src/domain/lineage.ts';
import type { Lease } from '../../src/domain/measurement.ts';
import type { Ports, Signer } from '../../src/ports.ts';
import { Pulse } from '../../src/protocols/actor.ts';
import { EndSession, OpenSession } from '../../src/protocols/session.ts';
import { ProposeTrial, RenewLease } from '../../src/protocols/trial.ts';
import { authority, type Authority } from '../support/authority.ts';
import { HASH, measurement, STARTED } from '../support/story.ts';

// Real servers under the generated configuration, the real broker, and two nodes: atlas measures, borg lies. A specialist and borg try every way to a fact that is not
// theirs to say. What the server does is named exactly; and whatever lies where a fact belongs, the real measurement counts, at its first attempt.

const run = 'forged';
const STREAM = `BRIGADE_EVT_${run}`;
const BLOBS = `OBJ_BRIGADE_BLOBS_${run}`;

let nats: Authority;
let supervisor: NatsSession;
let atlas: NatsSession;
let borg: NatsSession;
const keys = { atlas: createSigner(), borg: createSigner() };
const stop = new AbortController();
const closing: AsyncDisposable[] = [];
const lineage: Lineage = emptyLineage();
/** Leases as they come; those of trials that are tried on are answered by the test that has the trial. */
const leases = new Map<string, Lease>();
let boots = 0;
let trials = 0;

const portsOf = (session: NatsSession, actor: string): Ports => ({ journal: session.journal(run), bus: session.bus, blobs: session.blobs(run), clock: openClock(), presence: session.presence({ run, actor, write: () => undefined }) });
const enrol = (session: NatsSession, node: 'atlas' | 'borg', device: string): Promise<unknown> => session.journal(run).record('node.enrolled', [node, `b${++boots}`], {
  publicKey: keys[node].publicKey, slots: Array.from({ length: 8 }, (_, i) => ({ slot: `cpu${i}`, kind: 'cpu' as const, memoryBytes: 1 })), device, evaluatorHash: HASH, environmentHash: HASH, sandbox: 'bubblewrap', canaries: [],
});
/** What atlas says when it has measured, by the code that every node says it with. */
const measure = (lease: Lease, score: number, signer: Signer = keys.atlas): Promise<void> => publisher(portsOf(atlas, 'evaluator'), signer, 'atlas')(
  { ...lease, source: { kind: 'snapshot', snapshot: lease.snapshot }, smoke: false, trainSeconds: null, takenMs: 0 }, measurement(score), stop.signal);
const subjectOf = ({ trial, replicate, attempt }: Lease, node = 'atlas'): string => `brigade.evt.${run}.trial.measured.${trial}.${replicate}.${attempt}.${node}`;

/** A trial that was admitted, and the lease atlas has for it. */
async function leased(): Promise<Lease> {
  const n = ++trials;
  const admitted = await (await nats.session('specialist-optimizer')).bus.ask(ProposeTrial, { run }, { clientId: `c${n}`, feedback: null, proposal: {
    specialist: 'optimizer', parent: 't0000', asOf: 1, hypothesis: `the idea number ${n}`, expectedDelta: -0.1, patch: `patch ${n}`, parts: [], proposer: { kind: 'search', strategy: 'screen', moves: [] }, tokens: 0, money: 0,
  } }, { timeoutMs: 30_000 });
  if (admitted.kind !== 'admitted') throw new Error(`not admitted: ${JSON.stringify(admitted)}`);
  return vi.waitFor(() => { const lease = leases.get(admitted.trial); if (!lease) throw new Error(`no lease for ${admitted.trial}`); return lease; }, { timeout: 120_000, interval: 20 });
}
const resultOf = (trial: string) => vi.waitFor(() => { const result = lineage.trials.get(trial)?.result; if (!result) throw new Error(`${trial} has no result`); return result; }, { timeout: 120_000, interval: 20 });
/** What lies in the journal on a subject: a fact, why it is none, or nothing. */
async function lies(subject: string): Promise<string> {
  const client = await nats.client('operator');
  const answer = (await client.request(`$JS.API.STREAM.MSG.GET.${STREAM}`, JSON.stringify({ last_by_subj: subject }), { timeout: 20_000 })).json() as { message?: { subject: string; data?: string; seq: number } };
  await client.close();
  if (!answer.message) return 'nothing';
  const fact = readFact(run, { subject: answer.message.subject, data: Buffer.from(answer.message.data ?? '', 'base64'), seq: answer.message.seq, at: 0 });
  return typeof fact === 'string' ? 'no fact' : 'a fact';
}

beforeAll(async () => {
  nats = await authority(['--node', 'atlas', '--node', 'borg', '--specialist', 'optimizer', '--specialist', 'kernel']);
  supervisor = await nats.session('supervisor');
  await supervisor.ensureRun(run);
  const journal = supervisor.journal(run);
  const snapshot = await supervisor.blobs(run).put(new TextEncoder().encode(JSON.stringify({ 'model.py': '' })));
  await journal.record('run.started', [], { ...STARTED, snapshot, roster: ['optimizer'], keep: { kind: 'strict', alpha: 0.01, replicates: 2 }, arm: { ...STARTED.arm, agents: 1 }, limits: { ...STARTED.limits, trials: null }, leaseTtlMs: 60_000, calibrationReplicates: 2 });
  atlas = await nats.session('evaluator-atlas');
  borg = await nats.session('evaluator-borg');
  const recipe = (patch: string) => ({ 'model.py': patch });
  closing.push(await startBroker(portsOf(await nats.session('broker'), 'broker'), {
    admit: async ({ patch }) => ({ kind: 'admitted', recipe: recipe(patch) }),
    trials: { weigh, weighClaim, open: openTrial }, calibrations: { find: async () => null, keep: async () => undefined }, verify: verifySignature,
  }, { run, signal: stop.signal }));
  const pulse = (): void => { for (const [name, session] of [['atlas', atlas], ['borg', borg]] as const) session.bus.tell(Pulse, { run, actor: 'evaluator', name }, { actor: 'evaluator', name, run, pid: process.pid, state: 'serving', sinceMs: 0, why: '', context: {} }); };
  const pulsing = setInterval(pulse, 500);
  closing.push({ async [Symbol.asyncDispose]() { clearInterval(pulsing); } });
  void (async () => {
    for await (const fact of journal.follow({ after: 0, signal: stop.signal })) {
      grow(lineage, fact, run, verifySignature);
      if (fact.word !== 'lease.granted') continue;
      leases.set(fact.ids[0], fact.body);
      if (fact.ids[0] === 't0000') void measure(fact.body, 1); // the baseline is measured at once
    }
  })();
  await enrol(atlas, 'atlas', 'cpu/test');
  await vi.waitFor(() => { expect(lineage.bests).toHaveLength(1); }, { timeout: 120_000, interval: 50 });
  await enrol(borg, 'borg', 'cpu/other'); // it measures differently: it has no lease of its own, and a key that is known
  await vi.waitFor(() => { expect(lineage.nodes.has('borg')).toBe(true); }, { timeout: 60_000, interval: 20 });
}, 400_000);

afterAll(async () => {
  stop.abort(new Error('the test is over'));
  for (const each of closing.reverse()) await each[Symbol.asyncDispose]();
  await nats?.[Symbol.asyncDispose]();
}, 120_000);

const REFUSED = (subject: string): string => `Permissions Violation for Publish to "${subject}"`;

/** What the server said of one thing a user tried; nothing where it let it pass. */
async function tried(user: string, subject: string, body: string, reply?: string, traced?: string): Promise<string> {
  const client = await nats.client(user);
  const head = headers();
  if (traced !== undefined) head.set('Nats-Trace-Dest', traced);
  client.publish(subject, body, { ...(reply === undefined ? {} : { reply }), ...(traced === undefined ? {} : { headers: head }) });
  await client.flush();
  await client.flush(); // what the first one made the server say is here
  const said = client.refusals.map((refusal) => refusal.replace(/^\w+: /, '')).join('; ') || 'let pass';
  await client.close();
  return said;
}

describe('a specialist', () => {
  const aim = `brigade.evt.${run}.trial.result.t0700`; // of a trial that there will not be
  test.each([
    ['says a result', aim, '{}', undefined],
    ['asks the journal’s server for a stored message, to be answered as a result', `$JS.API.STREAM.MSG.GET.${STREAM}`, '{"seq":1}', aim],
    ['asks it what the journal is, likewise', `$JS.API.STREAM.INFO.${STREAM}`, '', aim],
    ['asks it by direct get, whose payload the asker chooses', `$JS.API.DIRECT.GET.${BLOBS}`, '{"seq":1}', aim],
    ['asks it for the next message of a consumer', `$JS.API.CONSUMER.MSG.NEXT.${STREAM}.c1`, '1', aim],
    ['asks it what it is', '$JS.API.INFO', '', aim],
    ['asks every service to answer as a result', '$SRV.PING', '', aim],
    ['proposes under another’s name', `brigade.cmd.broker.propose.${run}.kernel`, '{}', '_INBOX.specialist-optimizer.1'],
    ['proposes under nobody’s name', `brigade.cmd.broker.propose.${run}`, '{}', '_INBOX.specialist-optimizer.1'],
    ['asks for what is known under another’s name', `brigade.cmd.lineage.feedback.${run}.kernel`, '{}', '_INBOX.specialist-optimizer.1'],
    ['stops the run', `brigade.cmd.run.stop.${run}`, '', aim],
    ['asks another specialist’s state', `brigade.cmd.specialist.state.${run}.kernel`, '', aim],
  ])('that %s is refused by the server', async (_, subject, body, reply) => {
    expect(await tried('specialist-optimizer', subject, body, reply)).toBe(REFUSED(subject));
    expect(await lies(aim)).toBe('nothing');
  });

  test('that asks the broker with a fact’s subject as its reply-to is answered behind its own border, where nobody keeps it', async () => {
    const position = await supervisor.journal(run).position();
    const heard: string[] = [];
    const operator = await nats.client('operator');
    operator.subscribe(`brigade.cmd.broker.propose.${run}.*`, { callback: (_error, message) => { heard.push(message.reply ?? ''); } });
    const dashboard = await nats.client('dashboard');
    const told: string[] = [];
    dashboard.subscribe('brigade.evt.>', { callback: (_error, message) => { told.push(message.subject); } });
    await Promise.all([operator.flush(), dashboard.flush()]);
    expect(await tried('specialist-optimizer', `brigade.cmd.broker.propose.${run}.optimizer`, '{}', aim)).toBe('let pass');
    await vi.waitFor(() => { expect(heard).toEqual([expect.stringMatching(/^_R_\./)]); }, { timeout: 20_000, interval: 20 });
    await operator.close();
    await leased().then((lease) => measure(lease, 2)); // a later fact, which the dashboard hears: the answer would have come before it
    await vi.waitFor(() => { expect(told.some((subject) => subject.includes('trial.admitted'))).toBe(true); }, { timeout: 60_000, interval: 20 });
    expect(told).not.toContain(aim);
    for await (const fact of supervisor.journal(run).follow({ after: position, until: position + 1 })) expect(fact.word).toBe('trial.admitted');
    await dashboard.close();
  });

  test('that speaks for another under its own name is refused by whoever it asks, and nothing of it is recorded', async () => {
    const [optimizer, kernel] = [await nats.client('specialist-optimizer'), await nats.session('specialist-kernel')];
    await kernel.bus.ask(OpenSession, { run }, { clientId: 'k1', specialist: 'kernel', asOf: 1, model: 'toy', prompt: 'go' }, { timeoutMs: 30_000 });
    const position = await supervisor.journal(run).position();
    const says = async (verb: string, body: object): Promise<unknown> => (await optimizer.request(`brigade.cmd.broker.${verb}.${run}.optimizer`, JSON.stringify(body), { timeout: 30_000 })).json();
    const draft = { parent: 't0000', hypothesis: 'not my own idea', expectedDelta: -0.1, patch: 'patch x' };
    const forbidden = { error: { code: 403, message: 'optimizer may not speak for kernel' } };
    expect(await says('propose', { clientId: 'x1', feedback: null, proposal: { ...draft, specialist: 'kernel', asOf: 1, parts: [], proposer: { kind: 'search', strategy: 'screen', moves: [] }, tokens: 0, money: 0 } })).toEqual(forbidden);
    expect(await says('open-session', { clientId: 'x2', specialist: 'kernel', asOf: 1, model: 'toy', prompt: 'go' })).toEqual(forbidden);
    expect(await says('stall', { specialist: 'kernel', stalled: { cause: 'model', reason: 'it refuses' } })).toEqual(forbidden);
    expect(await says('hint', { clientId: 'x3', from: 'kernel', to: 'optimizer', file: 'model.py', symbol: null, hint: 'do as I say' })).toEqual(forbidden);
    expect(await says('offer-joint', { ...draft, clientId: 'x4', from: 'kernel', to: 'optimizer' })).toEqual(forbidden);
    expect(await says('decline-joint', { joint: 'j0001', by: 'kernel', reason: 'rather not' })).toEqual(forbidden);
    expect(await says('check', { specialist: 'kernel', with: null, parent: 't0000', patch: 'patch x' })).toEqual(forbidden);
    const notMine = { kind: 'refused', reason: 's0001 is no session of yours in this run: open one first' };
    expect(await says('reserve-call', { session: 's0001', call: 1, tokens: 1, money: 0 })).toEqual({ ...notMine, by: 'session' });
    expect(await says('settle-call', { session: 's0001', call: 1, input: 1, cached: 0, output: 1, money: 0, isMeasured: true, ended: 'answered', why: '' })).toEqual(notMine);
    expect(await says('end-session', { session: 's0001', ending: 'gave_up', reason: '', trials: [], repairs: 0, transcript: null })).toEqual(notMine);
    expect(await supervisor.journal(run).position()).toBe(position);
    expect(await kernel.bus.ask(EndSession, { run }, { session: 's0001', ending: 'gave_up', reason: '', trials: [], repairs: 0, transcript: null }, { timeoutMs: 30_000 })).toEqual({ kind: 'done' });
  });

  test('that has its messages traced to a fact’s subject leaves nothing there', async () => {
    const subject = `brigade.evt.${run}.trial.result.t0900`;
    expect(await tried('specialist-optimizer', `brigade.cmd.broker.propose.${run}.optimizer`, '{}', '_INBOX.specialist-optimizer.x', subject)).toBe(REFUSED(subject));
    expect(await lies(subject)).toBe('nothing');
  });

  test.each([`brigade.evt.${run}.>`, '_INBOX.>', '_INBOX.evaluator-atlas.>', '_R_.>', '$JS.>', 'brigade.tel.>', 'brigade.cmd.broker.>', 'brigade.cmd.specialist.wind-up.*.kernel'])('hears nothing on %s, queued or not', async (subject) => {
    const client = await nats.client('specialist-optimizer');
    client.subscribe(subject);
    client.subscribe(subject, { queue: 'q' });
    await client.flush();
    await client.flush();
    expect(client.refusals).toEqual([expect.stringContaining('Permissions Violation for Subscription'), expect.stringContaining('Permissions Violation for Subscription')]);
    await client.close();
  });
});

describe('an evaluator', () => {
  test.each([
    ['says what another measured', () => `brigade.evt.${run}.trial.measured.t0800.s1.1.atlas`],
    ['says it beside', () => `brigade.evt.${run}.trial.measured.t0800.s1.1.atlas.7`],
    ['enrols as another', () => `brigade.evt.${run}.node.enrolled.atlas.b99`],
    ['says a result', () => `brigade.evt.${run}.trial.result.t0800`],
    ['leases to itself', () => `brigade.evt.${run}.lease.granted.t0800.s1.1`],
    ['asks by direct get', () => `$JS.API.DIRECT.GET.${BLOBS}`],
    ['deletes the journal', () => `$JS.API.STREAM.DELETE.${STREAM}`],
    ['asks for a stream of its own', () => '$JS.API.STREAM.CREATE.MINE'],
    ['pretends to pulse as another', () => `brigade.tel.${run}.pulse.evaluator.atlas`],
  ])('that %s is refused by the server', async (_, subject) => {
    expect(await tried('evaluator-borg', subject(), '{}')).toBe(REFUSED(subject()));
    expect(await lies(subject())).toBe('nothing');
  });

  /** Has a server of CORE write onto a subject where borg may not. */
  const DEPUTIES: readonly (readonly [string, (aim: string) => Promise<unknown>])[] = [
    ['the journal’s acknowledgement of its own words', (aim) => tried('evaluator-borg', `brigade.evt.${run}.trial.measured.t0801.s1.${++trials}.borg`, '{}', aim)],
    ['what the journal is', (aim) => tried('evaluator-borg', `$JS.API.STREAM.INFO.${STREAM}`, '', aim)],
    ['a stored message', (aim) => tried('evaluator-borg', `$JS.API.STREAM.MSG.GET.${STREAM}`, '{"seq":1}', aim)],
    ['the next message of a consumer', async (aim) => {
      const name = `c${++trials}`;
      await tried('evaluator-borg', `$JS.API.CONSUMER.CREATE.${STREAM}.${name}`, JSON.stringify({ stream_name: STREAM, config: { name, ack_policy: 'none', mem_storage: true } }), '_INBOX.evaluator-borg.1');
      return tried('evaluator-borg', `$JS.API.CONSUMER.MSG.NEXT.${STREAM}.${name}`, '{"batch":1,"no_wait":true}', aim);
    }],
    ['whatever a consumer is given, pushed', async (aim) => {
      const [name, chunk] = [`c${++trials}`, `$O.BRIGADE_BLOBS_${run}.C.mine${trials}`];
      await tried('evaluator-borg', chunk, JSON.stringify({ measurement: measurement(0), signature: '', heldMs: 1 }));
      return tried('evaluator-borg', `$JS.API.CONSUMER.CREATE.${BLOBS}.${name}`, JSON.stringify({ stream_name: BLOBS, config: { name, ack_policy: 'none', mem_storage: true, filter_subject: chunk, deliver_subject: aim } }), '_INBOX.evaluator-borg.1');
    }],
  ];
  test.each(DEPUTIES)('that has a server write %s where another’s measurement belongs costs nothing: the real one counts, at its first attempt', async (_, forge) => {
    const lease = await leased();
    expect(await forge(subjectOf(lease))).toBe('let pass');
    await measure(lease, 3);
    expect(await resultOf(lease.trial)).toMatchObject({ score: 3, node: 'atlas', attempt: 1 });
    expect(await lies(subjectOf(lease))).not.toBe('nothing');
  });
  test.each(DEPUTIES.slice(0, 3))('that has a server write %s where a result belongs does not keep the broker from saying it', async (_, forge) => {
    const lease = await leased();
    const aim = `brigade.evt.${run}.trial.result.${lease.trial}`;
    await forge(aim);
    expect(await lies(aim)).toBe('no fact');
    await measure(lease, 4);
    expect(await resultOf(lease.trial)).toMatchObject({ score: 4, attempt: 1 });
    expect(await lies(aim), 'it lies there for good').toBe('no fact');
  });
  test('that asks the broker with a fact’s subject as its reply-to is not answered', async () => {
    const lease = await leased();
    const aim = `brigade.evt.${run}.trial.result.${lease.trial}`;
    expect(await tried('evaluator-borg', `brigade.cmd.broker.renew.${run}`, JSON.stringify({ trial: lease.trial, replicate: lease.replicate, attempt: lease.attempt, node: 'atlas' }), aim)).toBe('let pass');
    expect(await atlas.bus.ask(RenewLease, { run }, { trial: lease.trial, replicate: lease.replicate, attempt: lease.attempt, node: 'atlas' }, { timeoutMs: 20_000 }), 'asked properly, and later, it is').toEqual({ kind: 'renewed' });
    expect(await lies(aim)).toBe('nothing');
    await measure(lease, 5);
    expect(await resultOf(lease.trial)).toMatchObject({ score: 5, attempt: 1 });
  });
});

describe('a measurement', () => {
  const signed = (lease: Lease, score: number, signer: Signer, node = 'atlas') => ({
    measurement: measurement(score), heldMs: 1,
    signature: signer.sign({ run, trial: lease.trial, replicate: lease.replicate, attempt: lease.attempt, node, measurement: measurement(score) }),
  });
  const FORGED = -100;
  const say = (session: NatsSession, lease: Lease, node: string, body: Extract<Fact, { word: 'trial.measured' }>['body']) => session.journal(run).record('trial.measured', [lease.trial, lease.replicate, String(lease.attempt), node], body);
  let earlier: Lease;
  beforeAll(async () => { earlier = await leased(); await measure(earlier, 6); await resultOf(earlier.trial); }, 240_000);

  test.each([
    ['by another node, signed with its own key', (lease: Lease) => say(borg, lease, 'borg', signed(lease, FORGED, keys.borg, 'borg'))],
    ['by another node, signed as if it were the one', (lease: Lease) => say(borg, lease, 'borg', signed(lease, FORGED, keys.borg, 'atlas'))],
    ['that bears no signature, said first by whoever stole the node’s way in', (lease: Lease) => say(atlas, lease, 'atlas', { ...signed(lease, FORGED, keys.atlas), signature: '' })],
    ['that another signed, likewise', (lease: Lease) => say(atlas, lease, 'atlas', signed(lease, FORGED, keys.borg))],
    ['whose score was changed after it was signed, likewise', (lease: Lease) => say(atlas, lease, 'atlas', { ...signed(lease, 7, keys.atlas), measurement: measurement(FORGED) })],
    ['that was signed for another trial, likewise', (lease: Lease) => say(atlas, lease, 'atlas', { measurement: measurement(6), heldMs: 1, signature: signed(earlier, 6, keys.atlas).signature })],
  ])('%s is kept and never counted; the real one counts, at its first attempt', async (_, forge) => {
    const lease = await leased();
    const before = lineage.superseded;
    expect(await forge(lease)).toMatchObject({ kind: 'recorded' });
    await measure(lease, 8);
    expect(await resultOf(lease.trial)).toMatchObject({ score: 8, node: 'atlas', attempt: 1 });
    expect(lineage.superseded).toBe(before + 1);
  });

  test('said before anybody was leased it is nothing, and in nobody’s way', async () => {
    const next: Lease = { ...earlier, trial: `t${String(Number(earlier.trial.slice(1)) + 100).padStart(4, '0')}` };
    const odd = lineage.odd;
    expect(await say(atlas, next, 'atlas', signed(next, FORGED, keys.atlas))).toMatchObject({ kind: 'recorded' });
    await vi.waitFor(() => { expect(lineage.odd).toBe(odd + 1); }, { timeout: 20_000, interval: 20 });
  });

  test('of an attempt that is over is superseded, however well it is signed; that of the newest counts', async () => {
    const first = await leased();
    await enrol(atlas, 'atlas', 'cpu/test'); // a new start of the node: whatever ran under the lease is dead
    const second = await vi.waitFor(() => { const lease = leases.get(first.trial); if (lease?.attempt !== 2) throw new Error('no second attempt'); return lease; }, { timeout: 120_000, interval: 20 });
    const before = lineage.superseded;
    await measure(first, FORGED);
    await vi.waitFor(() => { expect(lineage.superseded).toBe(before + 1); }, { timeout: 20_000, interval: 20 });
    await measure(second, 9);
    expect(await resultOf(first.trial)).toMatchObject({ score: 9, attempt: 2 });
  });
});
