import { describe, expect, test } from 'vitest';
import { startBroker, type Admit } from '../../src/actors/broker/index.ts';
import { openTrial, weigh, weighClaim } from '../../src/actors/trial/index.ts';
import { processClock } from '../../src/adapters/clock/index.ts';
import { canonicalRecipe } from '../../src/domain/recipe.ts';
import { spentOn } from '../../src/domain/session.ts';
import { CheckProposal, DeclineJoint, EndSession, OfferHandoff, OfferJoint, OpenSession, ReserveCall, SettleCall, StallSpecialist } from '../../src/protocols/session.ts';
import { LimitRun } from '../../src/protocols/run.ts';
import { RenewLease } from '../../src/protocols/trial.ts';
import { natsServer } from '../support/nats.ts';
import { STARTED } from '../support/story.ts';
import { NOW, ready, RUN, SETTLED } from './broker-rig.ts';

describe('a session', () => {
  test('is opened, called in, submitted from and ended, and each of these asked twice is one fact', async () => {
    const { w, broker, open, reserve, settle, end } = await ready();
    await using _broker = broker;
    const nothing = { tokens: 0, money: 0 };
    expect(await open('c-1')).toEqual({ kind: 'opened', session: 's0001', calls: 0, spent: nothing });
    expect(await open('c-1')).toEqual({ kind: 'opened', session: 's0001', calls: 0, spent: nothing });
    expect(await open('c-2', 'data')).toMatchObject({ session: 's0002' });
    for (let twice = 0; twice < 2; twice++) expect(await reserve('s0001', 1)).toEqual({ kind: 'reserved' });
    for (let twice = 0; twice < 2; twice++) expect(await settle('s0001', 1)).toEqual({ kind: 'done' });
    const proposed = await w.propose('loss=2.4', { tokens: 70, money: 0.2, session: 's0001', proposer: { kind: 'llm', strategy: 's0001/1', moves: [] } });
    expect(proposed).toEqual({ kind: 'admitted', trial: 't0001' });
    for (let twice = 0; twice < 2; twice++) expect(await end('s0001', ['t0001'])).toEqual({ kind: 'done' });
    const told = (await w.facts()).filter(({ word }) => /^(session|call)\./.test(word));
    expect(told.map(({ word, ids }) => `${word} ${ids.join('.')}`)).toEqual(['session.opened s0001', 'session.opened s0002', 'call.reserved s0001.1', 'call.settled s0001.1', 'session.ended s0001']);
    const lineage = await w.until((l) => l.sessions.rows.size === 2);
    const row = lineage.sessions.rows.get('s0001');
    const text = async (hash: string | null | undefined) => new TextDecoder().decode(await w.ports.blobs.get(hash ?? '') ?? new Uint8Array());
    expect([await text(row?.opened.prompt), await text(row?.ended?.transcript)]).toEqual(['you are optimizer', '[]']);
    expect(lineage.tokens, 'its trial\'s tokens are the session\'s, and are counted once').toEqual({ tokens: 70, money: 0.2 });
    expect(lineage.thinkingBySpecialist.get('optimizer')).toEqual({ tokens: 70, money: 0.2 });
  });

  test('that died with a call out has it counted in full, is found again with its last ordinal, and goes on with the next', async () => {
    const { w, broker, open, reserve, settle } = await ready();
    await open('c-1');
    await reserve('s0001', 1, 1000, 3);
    await broker[Symbol.asyncDispose]();
    await using _second = await w.startBroker();
    await w.clock.advance(1000);
    expect(await open('c-1')).toEqual({ kind: 'opened', session: 's0001', calls: 1, spent: { tokens: 1000, money: 3 } });
    expect(await reserve('s0001', 2)).toEqual({ kind: 'reserved' });
    expect(await settle('s0001', 2)).toEqual({ kind: 'done' });
    expect(await reserve('s0001', 2, 100, 0.5), 'a call that was made is not made again').toMatchObject({ kind: 'refused', by: 'order', reason: expect.stringContaining('the next is 3') });
    const lineage = await w.until((l) => l.sessions.rows.get('s0001')?.calls.get(2)?.settled != null);
    expect(lineage.tokens).toEqual({ tokens: 1070, money: 3.2 });
    expect(spentOn(lineage.sessions.rows.get('s0001') ?? never()), 'the sum kept by the way is the sum of the calls').toEqual(lineage.tokens);
  });

  test('that its specialist does not come back to has ended as lost when another is opened, its trials named; one of somebody else goes on', async () => {
    const { w, broker, open, reserve } = await ready();
    await using _broker = broker;
    await open('c-1');
    await open('c-2', 'data');
    await reserve('s0001', 1, 1000, 3);
    await w.propose('loss=2.4', { session: 's0001' });
    expect(await open('c-3')).toMatchObject({ kind: 'opened', session: 's0003', spent: { tokens: 1000, money: 3 } });
    const { rows } = (await w.until((l) => l.sessions.rows.size === 3)).sessions;
    expect([...rows.values()].map(({ ended }) => ended && [ended.ending, ended.trials])).toEqual([['lost', ['t0001']], null, null]);
    expect(await reserve('s0001', 2)).toMatchObject({ kind: 'refused', by: 'session' });
  });

  test('that does not exist or has ended gets no call, and one that names another\'s trial is not ended', async () => {
    const { w, broker, open, reserve, settle, end } = await ready();
    await using _broker = broker;
    expect(await reserve('s0009', 1)).toMatchObject({ kind: 'refused', by: 'session', reason: expect.stringContaining('s0009 is no session') });
    expect(await settle('s0009', 1)).toMatchObject({ kind: 'refused' });
    await open('c-1');
    expect(await settle('s0001', 1)).toMatchObject({ kind: 'refused', reason: expect.stringContaining('not reserved') });
    await w.propose('loss=2.4');
    expect(await end('s0001', ['t0001'])).toEqual({ kind: 'refused', reason: 't0001 did not come from s0001' });
    expect(await end('s0001')).toEqual({ kind: 'done' });
    expect(await reserve('s0001', 1)).toMatchObject({ kind: 'refused', by: 'session', reason: expect.stringContaining('has ended') });
    expect(await open('c-1'), 'asked again it is the same one').toMatchObject({ kind: 'opened', session: 's0001' });
  });
});

describe('the limits of a run', () => {
  test('cover what is used, what is reserved and the worst case of the next call, or it is not made; a settled call gives back what it did not use', async () => {
    const { w, broker, open, reserve, settle } = await ready({ tokens: 250 });
    await using _broker = broker;
    await open('c-1');
    await open('c-2', 'data');
    expect(await reserve('s0001', 1)).toEqual({ kind: 'reserved' });
    expect(await reserve('s0002', 1)).toEqual({ kind: 'reserved' });
    expect(await reserve('s0001', 2)).toMatchObject({ kind: 'refused', by: 'limit', reason: 'token limit of 250 reached: 200 used, and one more call may take 100' });
    await settle('s0002', 1, 20, 10);
    expect(await reserve('s0001', 2)).toEqual({ kind: 'reserved' });
    const lineage = await w.until((l) => l.tokens.tokens === 230);
    expect(lineage.stopping).toBeNull();
  });

  test('are shared by calls asked for at once: of five that do not all fit, no more are reserved than fit', async () => {
    const { w, broker, open, reserve } = await ready({ money: 1.2 });
    await using _broker = broker;
    await open('c-1');
    const answers = await Promise.all([1, 2, 3, 4, 5].map((call) => reserve('s0001', call)));
    expect(answers.filter(({ kind }) => kind === 'reserved')).toHaveLength(2);
    await w.until((l) => l.tokens.money === 1);
  });

  test('end the run when the last who could think is refused a call, and not before', async () => {
    const { w, broker, open, reserve } = await ready({ tokens: 250 });
    await using _broker = broker;
    await open('c-1');
    await open('c-2', 'data');
    expect(await reserve('s0001', 1, 300)).toMatchObject({ kind: 'refused', by: 'limit' });
    await w.clock.advance(5_000);
    expect((await w.until(() => true)).stopping, 'the other\'s calls are smaller').toBeNull();
    expect(await reserve('s0002', 1, 200)).toEqual({ kind: 'reserved' });
    expect(await reserve('s0002', 2, 200)).toMatchObject({ kind: 'refused', by: 'limit' });
    const lineage = await w.until((l) => l.stopped !== null);
    expect(lineage.stopped).toBe('token limit of 250 reached: 200 used, and one more call may take 300');
    expect(await open('c-9')).toMatchObject({ kind: 'closed' });
    expect(await reserve('s0002', 3, 1)).toMatchObject({ kind: 'closed' });
  });

  test('open no session whose first call they do not cover: when that is so of everybody the run ends, as one does that is resumed with its limit used up', async () => {
    const { w, broker, open, reserve, words } = await ready({ tokens: 250 });
    await using _broker = broker;
    expect(await open('c-1', 'optimizer', { tokens: 200, money: 0 })).toMatchObject({ kind: 'opened' });
    expect(await reserve('s0001', 1, 200)).toEqual({ kind: 'reserved' });
    expect(await open('c-1', 'optimizer', { tokens: 200, money: 0 }), 'what was opened is found again').toMatchObject({ kind: 'opened', session: 's0001' });
    expect(await open('c-2', 'data', { tokens: 51, money: 0 })).toEqual({ kind: 'refused', by: 'limit', reason: 'token limit of 250 reached: 200 used, and one more call may take 51' });
    await w.clock.advance(5_000);
    expect((await w.until(() => true)).stopping, 'the other may still think').toBeNull();
    expect(await reserve('s0001', 2, 60)).toMatchObject({ kind: 'refused', by: 'limit' });
    expect((await w.until((l) => l.stopped !== null)).stopped).toBe('token limit of 250 reached: 200 used, and one more call may take 51');
    expect(await words('session.opened')).toHaveLength(1);
  });

  test('that are raised while all are refused let the run go on; somebody whose endpoint is down is not waited for', async () => {
    const { w, broker, open, reserve, stall } = await ready({ tokens: 250 });
    await using _broker = broker;
    await open('c-1');
    await stall('data', 'connection refused');
    const refused = reserve('s0001', 1, 300);
    const raised = w.ports.bus.ask(LimitRun, RUN, { tokens: 400 }, NOW);
    expect((await refused).kind).toBe('refused');
    await raised;
    await w.clock.advance(5_000);
    expect((await w.until(() => true)).stopping).toBeNull();
    expect(await reserve('s0001', 1, 300)).toEqual({ kind: 'reserved' });
    expect(await reserve('s0001', 2, 300)).toMatchObject({ kind: 'refused' });
    await w.until((l) => l.stopped !== null);
  });

  test('are not reached by a call that is out, though it takes all that is left: what it does not use comes back', async () => {
    const { w, broker, open, reserve, settle } = await ready({ tokens: 250 });
    await using _broker = broker;
    await open('c-1');
    expect(await reserve('s0001', 1, 250)).toEqual({ kind: 'reserved' });
    await w.clock.advance(3_000);
    expect((await w.until(() => true)).stopping).toBeNull();
    await settle('s0001', 1, 240, 10);
    expect((await w.until((l) => l.stopped !== null)).stopped).toBe('token limit of 250 reached');
  });

  test('of its specialists’ own end a run when the last of these is spent', async () => {
    const { w, broker, stall } = await ready();
    await using _broker = broker;
    await stall('optimizer', 'its budget of 9 tokens is spent', 'budget');
    await stall('data', 'connection refused');
    await w.clock.advance(5_000);
    expect((await w.until(() => true)).stopping).toBeNull();
    await stall('data', 'its budget of 8 tokens is spent', 'budget');
    expect((await w.until((l) => l.stopped !== null)).stopped).toBe("nobody's budget covers another call: optimizer: its budget of 9 tokens is spent: resume the run with a larger one");
  });

  test('of trials close sessions as they close proposals', async () => {
    const { w, broker, open, reserve } = await ready({ trials: 1 });
    await using _broker = broker;
    await open('c-1');
    await w.propose('loss=2.4');
    expect(await reserve('s0001', 1)).toEqual({ kind: 'closed', reason: 'trial limit of 1 reached' });
    expect(await open('c-2')).toEqual({ kind: 'closed', reason: 'trial limit of 1 reached' });
  });
});

describe('a specialist that cannot think', () => {
  test('is said to have stalled once for each reason, and to have recovered once', async () => {
    const { w, broker, stall, words } = await ready();
    await using _broker = broker;
    for (const reason of ['connection refused', 'connection refused', 'it answers nonsense', null, null, 'connection refused']) expect(await stall('data', reason)).toEqual({ kind: 'done' });
    expect((await words('specialist.stalled')).map(({ ids, body }) => [ids.join('.'), 'reason' in body && body.reason])).toEqual([['data.1', 'connection refused'], ['data.2', 'it answers nonsense'], ['data.3', 'connection refused']]);
    expect((await words('specialist.recovered')).map(({ ids }) => ids.join('.'))).toEqual(['data.1']);
    expect([...(await w.until(() => true)).sessions.stalled]).toEqual([['data', { cause: 'endpoint', reason: 'connection refused' }]]);
  });
});

describe('a check', () => {
  test('says what a proposal would be told, and leaves no fact', async () => {
    const { w, broker, check } = await ready();
    await using _broker = broker;
    await w.propose('loss=2.4');
    await w.until((l) => l.open.size === 0);
    const before = (await w.facts()).length;
    const answers = [await check('loss=2.3'), await check('loss=2.3', 't0001'), await check('refuse me'), await check('loss=2.4'), await check('loss=2.3', 't0099')];
    expect((await w.facts()).length).toBe(before);
    expect(answers).toMatchObject([{ kind: 'passes' }, { kind: 'passes' }, { kind: 'rejected', rejection: { rule: 'ownership', owner: 'data' } }, { kind: 'rejected', rejection: { rule: 'duplicate', message: 'the same recipe as t0001' } }, { kind: 'rejected', rejection: { rule: 'parent' } }]);
    for (const [i, patch] of (['refuse me', 'loss=2.4'] as const).entries()) expect(await w.propose(patch)).toMatchObject(answers[i + 2] ?? {});
  });

  test('without lineage says of earlier trials only that there was one, and takes no parent but what was a best', async () => {
    const { w, broker, check } = await ready({}, { lineage: false });
    await using _broker = broker;
    await w.propose('loss=2.9');
    await w.until((l) => l.open.size === 0);
    const twin = await check('loss=2.9');
    expect(twin).toMatchObject({ kind: 'rejected', rejection: { rule: 'duplicate' } });
    expect(JSON.stringify(twin)).not.toContain('t0001');
    const [discarded, absent] = [await check('loss=2.3', 't0001'), await check('loss=2.3', 't0044')];
    expect(discarded).toMatchObject({ kind: 'rejected', rejection: { rule: 'parent' } });
    expect(discarded, 'a trial that was and one that was not are answered alike').toEqual(absent);
    expect(await w.propose('loss=2.3', { parent: 't0001' })).toMatchObject({ kind: 'rejected', rejection: { rule: 'parent' } });
    expect(await check('loss=2.3')).toEqual({ kind: 'passes' });
  });
});

describe('over a real server', () => {
  test('a specialist may say all of this with its own key and nothing else; its broker may answer', async () => {
    await using server = await natsServer();
    const boss = await server.run('r1');
    const snapshot = await boss.blobs('r1').put(new TextEncoder().encode(canonicalRecipe({ 'recipe.py': 'baseline' })));
    await boss.journal('r1').record('run.started', [], { ...STARTED, snapshot });
    const own = await server.session('broker');
    const ports = { journal: own.journal('r1'), bus: own.bus, blobs: own.blobs('r1'), clock: processClock, presence: own.presence({ run: 'r1', write: () => undefined }) };
    const admit: Admit = async ({ patch, authors }) => {
      const isOurs = !patch.startsWith('both') || authors.length === 2;
      return isOurs ? { kind: 'admitted', recipe: { 'recipe.py': patch } } : { kind: 'rejected', rejection: { rule: 'ownership', file: 'model.py', symbol: null, owner: 'data', message: 'data owns it' } };
    };
    await using broker = await startBroker(ports, { admit, trials: { weigh, weighClaim, open: openTrial }, calibrations: { find: async () => null, keep: async () => undefined }, verify: () => true }, { run: 'r1', signal: new AbortController().signal });
    broker.done.catch(() => undefined);
    const specialist = await server.session('specialist');
    const to = { run: 'r1' };
    const { bus } = specialist;
    for await (const fact of boss.journal('r1').follow({ after: 0 })) if (fact.word === 'trial.admitted') break;
    const draft = { from: 'optimizer', to: 'data', parent: 't0000', hypothesis: 'both of us at once', expectedDelta: -0.1, patch: 'both' };
    expect([
      await bus.ask(OpenSession, to, { clientId: 'c', specialist: 'optimizer', asOf: 1, model: 'toy', prompt: 'go' }, NOW),
      await bus.ask(ReserveCall, to, { session: 's0001', call: 1, tokens: 10, money: 0 }, NOW),
      await bus.ask(SettleCall, to, { session: 's0001', call: 1, input: 5, output: 5, money: 0, ...SETTLED }, NOW),
      await bus.ask(CheckProposal, to, { specialist: 'optimizer', with: null, parent: 't0000', patch: 'new' }, NOW),
      await bus.ask(OfferHandoff, to, { clientId: 'h', from: 'optimizer', to: 'data', file: 'data.py', symbol: null, hint: 'more points' }, NOW),
      await bus.ask(OfferJoint, to, { ...draft, clientId: 'j1' }, NOW),
      await bus.ask(DeclineJoint, to, { joint: 'j0001', by: 'data', reason: 'rather not' }, NOW),
      await bus.ask(StallSpecialist, to, { specialist: 'data', stalled: { cause: 'model', reason: 'it refuses' } }, NOW),
      await bus.ask(EndSession, to, { session: 's0001', ending: 'gave_up', reason: '', trials: [], repairs: 0, transcript: '[]' }, NOW),
    ].map((answer) => answer.kind)).toEqual(['opened', 'reserved', 'done', 'passes', 'offered', 'offered', 'done', 'done', 'done']);
    await expect(specialist.journal('r1').record('call.settled', ['s0001', '2'], { input: 0, output: 0, money: 0, ...SETTLED })).rejects.toThrow(/another role/);
    const refused = new Promise<string>((resolve) => { specialist.events((event) => { if ('reason' in event && /permission/i.test(event.reason)) resolve(event.reason); }); });
    await bus.ask(RenewLease, to, { trial: 't0000', replicate: 's1', attempt: 1, node: 'atlas' }, { timeoutMs: 500 }).catch(() => undefined);
    expect(await refused).toMatch(/brigade\.cmd\.broker\.renew/);
  });
});

const never = (): never => { throw new Error('it is not there'); };
