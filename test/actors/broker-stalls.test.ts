import { describe, expect, test } from 'vitest';
import { NO_LIMITS } from '../../src/domain/budget.ts';
import { Pulse } from '../../src/protocols/actor.ts';
import { LimitRun, StopRun } from '../../src/protocols/run.ts';
import { EndSession, OfferJoint, WindUp } from '../../src/protocols/session.ts';
import type { Admit } from '../../src/actors/broker/index.ts';
import { byPatch, world, type World } from '../support/world.ts';
import { ask, NOW, ready, RUN } from './broker-rig.ts';

const LIMIT = 'token limit of 250 reached: 200 used, and one more call may take 300';
const now = async (w: World) => w.until(() => true);
/** Time goes by with a specialist at work, as its pulses say: an idle run would end otherwise. */
const pass = async (w: World, seconds: number): Promise<void> => {
  for (let left = seconds; left > 0; left -= 50) {
    w.ports.bus.tell(Pulse, { run: 'toy-1', actor: 'specialist', name: 'optimizer' }, { actor: 'specialist', name: 'optimizer', run: 'toy-1', pid: 1, state: 'proposing', sinceMs: 0, why: '', context: {} });
    await w.clock.advance(Math.min(left, 50) * 1000);
  }
};

describe('a run that its limit of tokens ended', () => {
  test('goes on when it is resumed with a higher one, though the journal says that everybody was kept from thinking', async () => {
    const { w, broker, open, reserve, stall } = await ready({ tokens: 250 });
    await open('c-1');
    await open('c-2', 'data');
    await reserve('s0001', 1, 200);
    for (const [session, specialist] of [['s0001', 'optimizer'], ['s0002', 'data']] as const) {
      expect(await reserve(session, 2, 300)).toMatchObject({ kind: 'refused', by: 'limit' });
      await stall(specialist, LIMIT, 'limit');
    }
    expect((await w.until((l) => l.stopped !== null)).stopped).toBe(LIMIT);
    await broker[Symbol.asyncDispose]();
    await w.ports.journal.record('run.resumed', ['1'], { limits: { ...NO_LIMITS, tokens: 1000 } });
    await using _again = await w.startBroker();
    expect(await open('c-3')).toMatchObject({ kind: 'opened' });
    expect(await reserve('s0003', 1, 300)).toEqual({ kind: 'reserved' });
    await pass(w, 120);
    const lineage = await now(w);
    expect([lineage.stopping, [...lineage.sessions.stalled.keys()]]).toEqual([null, []]);
  });

  test('goes on as well where the journal is older and calls the run\'s limit a budget', async () => {
    const { w, broker, stall } = await ready({ tokens: 250 });
    for (const specialist of ['optimizer', 'data']) await stall(specialist, LIMIT, 'budget');
    await w.until((l) => l.stopped !== null);
    await broker[Symbol.asyncDispose]();
    await w.ports.journal.record('run.resumed', ['1'], { limits: { ...NO_LIMITS, tokens: 1000 } });
    await using _again = await w.startBroker();
    await w.clock.advance(5_000);
    expect((await now(w)).stopping).toBeNull();
  });

  test('is not ended while one of two has a call out and only the other is refused, whatever the journal said of it before', async () => {
    const { w, broker, open, reserve, stall } = await ready({ tokens: 450 });
    await using _broker = broker;
    await open('c-1');
    await open('c-2', 'data');
    await stall('data', LIMIT, 'limit');
    expect(await reserve('s0002', 1, 200)).toEqual({ kind: 'reserved' });
    expect(await reserve('s0001', 1, 300)).toMatchObject({ kind: 'refused', by: 'limit' });
    await w.clock.advance(5_000);
    expect((await now(w)).stopping).toBeNull();
  });

  test('has its limit raised while it runs, and nobody is said to be kept from thinking by it any more', async () => {
    const { w, broker, stall } = await ready({ tokens: 250 });
    await using _broker = broker;
    await stall('data', LIMIT, 'limit');
    await stall('optimizer', 'connection refused');
    await w.ports.bus.ask(LimitRun, RUN, { tokens: 900 }, NOW);
    expect([...(await now(w)).sessions.stalled.keys()]).toEqual(['optimizer']);
  });
});

describe('a specialist that was stalled', () => {
  test.each(['endpoint', 'key', 'limit'] as const)('by its %s is said to have recovered at the first call that is answered, and not by one that fails', async (cause) => {
    const { w, broker, open, reserve, settle, stall } = await ready();
    await using _broker = broker;
    await open('c-1');
    await stall('optimizer', 'nobody is there', cause);
    await reserve('s0001', 1);
    await settle('s0001', 1, 0, 0, 0, 'failed');
    expect((await now(w)).sessions.stalled.has('optimizer')).toBe(true);
    await reserve('s0001', 2);
    await settle('s0001', 2);
    const lineage = await now(w);
    expect([lineage.sessions.stalled.size, lineage.sessions.open.size, lineage.sessions.recoveries.get('optimizer')], 'and its session goes on').toEqual([0, 1, 1]);
    await stall('optimizer', 'nobody is there', cause);
    expect((await now(w)).sessions.stalls.get('optimizer'), 'a second time is said again').toBe(2);
  });

  test('by the limit of its run is said so once, though what is left is another figure at every attempt; why else it cannot think is said as it changes', async () => {
    const { w, broker, stall } = await ready({ tokens: 250 });
    await using _broker = broker;
    for (const used of [200, 190, 180]) await stall('optimizer', `token limit of 250 reached: ${used} used, and one more call may take 100`, 'limit');
    expect((await now(w)).sessions.stalls.get('optimizer')).toBe(1);
    for (const reason of ['connection refused', 'connection refused', 'it answered 500']) await stall('optimizer', reason);
    expect((await now(w)).sessions.stalls.get('optimizer')).toBe(3);
  });

  test('because its model says nothing usable is not helped by one more answer', async () => {
    const { w, broker, open, reserve, settle, stall } = await ready();
    await using _broker = broker;
    await open('c-1');
    await stall('optimizer', '3 sessions led to no trial', 'model');
    await reserve('s0001', 1);
    await settle('s0001', 1);
    expect((await now(w)).sessions.stalled.has('optimizer')).toBe(true);
  });

  test('and thinks again is not counted among those who cannot when the limit refuses the other', async () => {
    const { w, broker, open, reserve, settle, stall } = await ready({ tokens: 400 });
    await using _broker = broker;
    await open('c-1');
    await open('c-2', 'data');
    await stall('data', 'connection refused');
    await reserve('s0002', 1);
    await settle('s0002', 1);
    expect(await reserve('s0001', 1, 390)).toMatchObject({ kind: 'refused' });
    await w.clock.advance(5_000);
    expect((await now(w)).stopping).toBeNull();
  });
});

describe('a run in which nobody can think', () => {
  test('ends at once and with the remedy when nothing is left that time would heal', async () => {
    const { w, broker, stall } = await ready();
    await using _broker = broker;
    await stall('optimizer', 'its budget of 9 tokens is spent', 'budget');
    await stall('data', 'toy at nowhere answered 401: no such key', 'key');
    expect((await w.until((l) => l.stopped !== null)).stopped).toBe('nobody can think any more: data: toy at nowhere answered 401: no such key: put that right, then resume the run');
  });

  test('waits for an endpoint that is down, and ends aloud when it stays so for two hours; who came back between is waited for anew', async () => {
    const { w, broker, open, reserve, settle, stall } = await ready();
    await using _broker = broker;
    await open('c-1');
    await stall('optimizer', 'connection refused');
    await stall('data', 'its key was taken away', 'key');
    await pass(w, 1_800);
    await reserve('s0001', 1);
    await settle('s0001', 1);
    await stall('optimizer', 'connection refused');
    await pass(w, 7_100);
    expect((await now(w)).stopping).toBeNull();
    await pass(w, 150);
    expect((await w.until((l) => l.stopped !== null)).stopped).toBe('nobody could think for 2h 00m: optimizer: connection refused: put that right, then resume the run');
  });
});

describe('a broker that was just started', () => {
  test('answers calls and endings by the whole journal, however early they come', async () => {
    const { w, broker, open, reserve } = await ready();
    await open('c-1');
    await reserve('s0001', 1);
    await w.propose('loss=2.4', { session: 's0001' });
    for (const last of ['settle', 'reserve', 'end', 'stall'] as const) {
      if (last === 'settle') await broker[Symbol.asyncDispose]();
      await using second = await w.startBroker();
      second.done.catch(() => undefined);
      const said = ask(w); // before the new broker has folded a single fact
      const answer = last === 'settle' ? await said.settle('s0001', 1) : last === 'reserve' ? await said.reserve('s0001', 2) : last === 'end' ? await said.end('s0001', ['t0001']) : await said.stall('data', 'down');
      expect([last, answer.kind]).toEqual([last, last === 'reserve' ? 'reserved' : 'done']);
    }
    const lineage = await now(w);
    expect([lineage.sessions.rows.get('s0001')?.ended?.trials, lineage.sessions.rows.get('s0001')?.calls.size, lineage.sessions.stalled.has('data')]).toEqual([['t0001'], 2, true]);
  });
});

describe('a broker that was just started and is told of a limit', () => {
  test('leaves those that were set before as they were', async () => {
    const { w, broker } = await ready({ trials: 9 });
    await w.ports.bus.ask(LimitRun, RUN, { trials: 50 }, NOW);
    await broker[Symbol.asyncDispose]();
    await using second = await w.startBroker();
    second.done.catch(() => undefined);
    expect(await w.ports.bus.ask(LimitRun, RUN, { money: 5 }, NOW)).toEqual({ ok: true, message: 'money 5' });
    expect((await now(w)).limits).toEqual({ ...NO_LIMITS, trials: 50, money: 5 });
  });
});

describe('a run that stops with sessions open', () => {
  test('has whoever holds one end it, its conversation stored, and ends those of the dead itself before it says that it stopped', async () => {
    const { w, broker, open } = await ready();
    await using _broker = broker;
    await open('c-1');
    await open('c-2', 'data');
    const told: string[] = [];
    await using _alive = w.ports.bus.serve(WindUp, { run: 'toy-1', specialist: 'optimizer' }, async ({ reason }) => {
      told.push(reason);
      await w.ports.bus.ask(EndSession, RUN, { session: 's0001', ending: 'gave_up', reason: 'the run stopped', trials: [], repairs: 0, transcript: '{"role":"user"}' }, NOW);
      return { kind: 'done' as const };
    });
    await w.propose('loss=2.4', { specialist: 'data', session: 's0002' });
    await w.ports.bus.ask(StopRun, RUN, { now: true }, NOW);
    const lineage = await w.until((l) => l.stopped !== null);
    expect(told).toEqual(['stopped by its operator']);
    const [first, second] = [...lineage.sessions.rows.values()].map(({ ended }) => ended);
    expect(new TextDecoder().decode(await w.ports.blobs.get(first?.transcript ?? '') ?? new Uint8Array())).toBe('{"role":"user"}');
    expect(second).toEqual({ ending: 'submitted', reason: 'the run stopped: stopped by its operator', trials: ['t0001'], repairs: 0, transcript: null });
    expect((await w.facts()).at(-1)?.word).toBe('run.stopped');
  });

  test('does not wait for ever for one who does not answer', async () => {
    const { w, broker, open } = await ready();
    await using _broker = broker;
    await open('c-1');
    await using _hung = w.ports.bus.serve(WindUp, { run: 'toy-1', specialist: 'optimizer' }, () => new Promise<{ kind: 'done' }>(() => undefined));
    await w.ports.bus.ask(StopRun, RUN, { now: true }, NOW);
    const lineage = await w.until((l) => l.stopped !== null);
    expect(lineage.sessions.rows.get('s0001')?.ended).toMatchObject({ ending: 'gave_up', reason: 'the run stopped: stopped by its operator' });
  });
});

describe('a draft for two owners', () => {
  const needsTwo: Admit = async ({ patch, authors }) => (patch.startsWith('both') && authors.length < 2
    ? { kind: 'rejected', rejection: { rule: 'ownership', file: 'model.py', symbol: null, owner: 'data', message: 'data owns it' } } : { kind: 'admitted', recipe: { 'recipe.py': patch } });
  async function offered() {
    const w = await world({ measure: byPatch, surface: { admit: needsTwo, recipe: { 'recipe.py': 'baseline' } }, started: { proposer: 'llm', limits: NO_LIMITS } });
    const broker = await w.startBroker();
    await w.startNode('atlas');
    await w.until((l) => l.bests.length === 1);
    const offer = (n: number) => w.ports.bus.ask(OfferJoint, RUN, { from: 'optimizer', to: 'data', parent: 't0000', hypothesis: 'both of us at once', expectedDelta: -0.1, patch: `both ${n}`, clientId: `j-${n}` }, NOW);
    expect(await offer(1)).toEqual({ kind: 'offered', joint: 'j0001' });
    return { w, broker, offer, ...ask(w), answer: async () => (await now(w)).sessions.joints.get('j0001')?.answered };
  }

  test('is declined for an owner who cannot think any more, and no other is offered to it; one whose endpoint is down is waited for', async () => {
    const { w, broker, offer, stall, answer } = await offered();
    await using _broker = broker;
    await stall('data', 'connection refused');
    await w.clock.advance(3_000);
    expect(await answer()).toBeNull();
    await stall('data', 'its budget of 9 tokens is spent', 'budget');
    await w.clock.advance(3_000);
    expect(await answer()).toEqual({ by: 'data', answer: 'declined', reason: 'data cannot think any more: its budget of 9 tokens is spent', trial: null });
    expect(await offer(2)).toMatchObject({ kind: 'refused', reason: expect.stringContaining('cannot think any more') });
  });

  test('is declined when its owner has ended three sessions in which it was told of it without a word, and not by one that was lost', async () => {
    const { w, broker, end, answer } = await offered();
    await using _broker = broker;
    const asOf = (await now(w)).applied;
    for (let n = 1; n <= 4; n++) {
      await w.ports.journal.record('session.opened', [`s000${n}`], { specialist: 'data', asOf: n === 1 ? 1 : asOf, model: 'toy', prompt: 'a'.repeat(64), clientId: `c-${n}` });
      await end(`s000${n}`);
      await w.clock.advance(2_000);
      expect((await answer())?.reason ?? null, `after ${n}, the first of them from before it`).toBe(n < 4 ? null : 'data ended 3 sessions without a word about it');
    }
  });
});
