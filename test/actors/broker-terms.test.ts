import { expect, test } from 'vitest';
import type { Fact } from '../../src/domain/fact.ts';
import { NamedActorState } from '../../src/protocols/actor.ts';
import { LimitRun, StopRun } from '../../src/protocols/run.ts';
import { ProposeTrial } from '../../src/protocols/trial.ts';
import { openPause } from '../support/pause.ts';
import { byPatch, world, type World } from '../support/world.ts';

const RUN = { run: 'toy-1' };
const TTL_MS = 12_000;

const told = async (w: World, word: Fact['word']): Promise<Fact[]> => (await w.facts()).filter((fact) => fact.word === word);
const terms = async (w: World): Promise<string[]> => (await told(w, 'broker.took')).map(({ ids }) => String(ids[0]));
/** What the broker of that name says of itself; null when nobody goes by it. */
const stateOf = async (w: World, name: string): Promise<string | null> => w.ports.bus.ask(NamedActorState, { ...RUN, actor: 'broker', name }, {}, { timeoutMs: 50_000 }).then(({ state }) => state, () => null);
const proposal = (patch: string) => ({ specialist: 'optimizer', parent: 't0000', asOf: 1, hypothesis: `try ${patch} because`, expectedDelta: -0.1, patch, parts: [], tokens: 0, money: 0, proposer: { kind: 'search' as const, strategy: 'screen', moves: [] } });
const propose = (w: World, clientId: string, patch: string, timeoutMs = 2_000) => w.ports.bus.ask(ProposeTrial, RUN, { clientId, feedback: null, proposal: proposal(patch) }, { timeoutMs });

/** A run with its baseline measured and a broker that can be stopped; replicates take half the life of their lease. */
async function running() {
  const w = await world({ measure: byPatch, durationMs: TTL_MS / 2, started: { leaseTtlMs: TTL_MS, calibrationReplicates: 2 } });
  const pause = openPause(w.ports);
  const first = await w.startBroker(pause.ports);
  await w.startNode('atlas', { slots: 2 });
  await w.until((l) => l.bests.length === 1);
  return { w, pause, first };
}

test('a broker that nobody is before takes its term and serves before any time has passed', async () => {
  const w = await world({ measure: byPatch });
  const before = w.clock.now();
  await using _broker = await w.startBroker();
  expect(w.clock.now()).toBe(before);
  expect(await terms(w)).toEqual(['1']);
  expect(await w.ports.bus.ask(LimitRun, RUN, { trials: 9 }, { timeoutMs: 10 })).toMatchObject({ ok: true });
  expect(await stateOf(w, 'main')).not.toBe('standby');
});

test('of two brokers that start in one moment one has the term and the other stands by under a name of its own, and says and answers nothing', async () => {
  const w = await world({ measure: byPatch });
  const [one, other] = await Promise.all([w.startBroker(), w.startBroker()]);
  await using _one = one;
  await using _other = other;
  await w.startNode('atlas');
  await w.until((l) => l.bests.length === 1);
  expect(await w.propose('loss=2.1')).toMatchObject({ kind: 'admitted' });
  await w.until((l) => l.open.size === 0);
  await w.clock.advance(30_000);
  expect(await terms(w), 'and it stays so').toEqual(['1']);
  expect((await told(w, 'trial.admitted')).length, 'the baseline, and what was proposed').toBe(2);
});

test('a broker that was ended is followed by the one that stands by, and the run goes on where it was', async () => {
  const { w, first } = await running();
  await using _second = await w.startBroker();
  await w.clock.advance(20_000);
  expect(await terms(w), 'while the first is there').toEqual(['1']);
  await w.propose('loss=2.1');
  await w.until((l) => l.leases.size > 0);
  await first[Symbol.asyncDispose]();
  const endedMs = w.clock.now();
  await w.until((l) => l.term === 2);
  expect(w.clock.now() - endedMs, 'it said that it was leaving').toBeLessThanOrEqual(1_000);
  await w.until((l) => l.trials.get('t0001')?.result?.status === 'keep');
  expect(await told(w, 'lease.lapsed'), 'its node had not given the lease up').toEqual([]);
});

test('a broker that was stopped for three lives of a lease is followed after seconds; when it goes on it says nothing by what it knew, stands by, and follows in its turn', async () => {
  const { w, pause, first } = await running();
  await using _first = first;
  const second = openPause(w.ports);
  await using _second = await w.startBroker(second.ports);
  expect(await propose(w, 'c-1', 'loss=2.1')).toEqual({ kind: 'admitted', trial: 't0001' });
  await w.until((l) => l.leases.size > 0);
  pause.stop();
  const stoppedMs = w.clock.now();
  const unheard = propose(w, 'c-2', 'loss=2.0').catch((error: unknown) => String(error)); // waits for it in its socket
  await w.until((l) => l.term === 2);
  expect(w.clock.now() - stoppedMs).toBeLessThanOrEqual(9_000);
  expect(await unheard).toMatch(/not answered/);
  expect(await propose(w, 'c-2', 'loss=2.0')).toEqual({ kind: 'admitted', trial: 't0002' });
  for (const [i, patch] of ['loss=1.9', 'loss=2.6', 'crash'].entries()) {
    await w.until((l) => l.open.size === 0);
    expect(await propose(w, `c-${i + 3}`, patch)).toEqual({ kind: 'admitted', trial: `t000${i + 3}` });
  }
  await w.until((l) => l.leases.size > 0);
  while (w.clock.now() - stoppedMs < 3 * TTL_MS) await w.clock.advance(500);
  await pause.goOn();
  await w.until((l) => l.open.size === 0);
  expect(await told(w, 'lease.lapsed'), 'it saw no renewal for three lives').toEqual([]);
  const admitted = (await told(w, 'trial.admitted')).map((fact) => (fact.word === 'trial.admitted' ? fact.body.clientId : ''));
  expect(admitted, 'what it was asked meanwhile is not done again').toEqual(['baseline', 'c-1', 'c-2', 'c-3', 'c-4', 'c-5']);
  const results = (await told(w, 'trial.result')).map(({ ids }) => ids[0]);
  expect(new Set(results).size).toBe(results.length);
  expect(w.overlaps).toEqual([]);

  second.stop();
  await w.until((l) => l.term === 3);
  expect(await propose(w, 'c-6', 'loss=1.8')).toMatchObject({ kind: 'admitted' });
  await w.until((l) => l.open.size === 0);
  await second.goOn();
  await w.clock.advance(30_000);
  expect(await terms(w)).toEqual(['1', '2', '3']);
});

test('a broker whose pulse is lost on its way is not replaced while it answers', async () => {
  const { w, first } = await running();
  await using _first = first;
  await using _second = await w.startBroker({ ...w.ports, bus: { ...w.ports.bus, listen: (message, ids, handler) => ('actor' in ids && ids.actor === 'broker' ? { async [Symbol.asyncDispose]() { /* it heard nothing */ } } : w.ports.bus.listen(message, ids, handler)) } });
  await w.clock.advance(20_000);
  expect(await terms(w)).toEqual(['1']);
});

test('no term of a run is taken before it has started or after it has stopped, and its resume is enough', async () => {
  const w = await world({ measure: byPatch });
  const first = await w.startBroker();
  await w.ports.bus.ask(StopRun, RUN, { now: true }, { timeoutMs: 10 });
  const { length } = await w.until((l) => l.stopped !== null).then(() => w.facts());
  await first[Symbol.asyncDispose]();
  await using _second = await w.startBroker();
  await w.clock.advance(20_000);
  expect((await w.facts()).length, 'nothing is said of a run that is over').toBe(length);
  await w.ports.journal.record('run.resumed', ['1'], { limits: { trials: 9, slotSeconds: null, wallSeconds: null, tokens: null, money: null, secondsWithoutKeep: null } });
  await w.until((l) => l.term === 2);
});
