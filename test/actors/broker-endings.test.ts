import { describe, expect, test } from 'vitest';
import { openTrial } from '../../src/actors/trial/index.ts';
import type { Lineage } from '../../src/domain/lineage.ts';
import type { Journal } from '../../src/ports.ts';
import { Pulse } from '../../src/protocols/actor.ts';
import { LimitRun, StopRun } from '../../src/protocols/run.ts';
import { OpenSession, WindUp } from '../../src/protocols/session.ts';
import { openPause } from '../support/pause.ts';
import { measurement } from '../support/story.ts';
import { byPatch, world } from '../support/world.ts';

// What ends a run, and what it still does before it has ended.

const RUN = { run: 'toy-1' };
const status = (lineage: Lineage, trial: string) => lineage.trials.get(trial)?.result?.status;

describe('the end of a run', () => {
  test('asked to stop, it finishes what is leased, leaves the rest undecided and makes no claim', async () => {
    const w = await world({ measure: byPatch, durationMs: 5000 });
    await using _broker = await w.startBroker();
    await w.startNode('atlas');
    await w.until((l) => l.bests.length === 1);
    await w.propose('loss=2.0');
    await w.until((l) => l.leases.size > 0);
    expect(await w.ports.bus.ask(StopRun, RUN, { now: false }, { timeoutMs: 1000 })).toEqual({ ok: true, message: 'finishing 1 replicate' });
    const lineage = await w.until((l) => l.stopped !== null);
    expect([lineage.trials.get('t0001')?.replicates.get('s1')?.measured?.measurement.score, lineage.trials.get('t0001')?.result, lineage.claim]).toEqual([expect.any(Number), null, null]);
  });

  test('a fact that cannot be said while it waits for those who think ends its broker, and nothing else of the process that it is in', async () => {
    const w = await world({ measure: byPatch, durationMs: ({ trial }) => (trial === 't0000' ? 500 : 600_000), started: { proposer: 'llm' } });
    const pause = openPause(w.ports);
    const { journal } = pause.ports;
    const full: Journal = { ...journal, record: (word, ...said) => (word === 'lease.lapsed' ? Promise.reject(new Error('the journal is full')) : journal.record(word, ...said)) };
    const broker = await w.startBroker({ ...pause.ports, journal: full });
    await w.startNode('atlas');
    await w.until((l) => l.bests.length === 1);
    await w.ports.bus.ask(OpenSession, RUN, { clientId: 's-1', specialist: 'data', asOf: 1, model: 'toy at nowhere', prompt: 'you are data' }, { timeoutMs: 1000 });
    await using _hung = w.ports.bus.serve(WindUp, { ...RUN, specialist: 'data' }, () => new Promise<{ kind: 'done' }>(() => undefined));
    await w.propose('loss=2.0');
    await w.until((l) => l.leases.size > 0);
    const unheard: unknown[] = [];
    const hear = (why: unknown): void => { unheard.push(why); };
    process.on('unhandledRejection', hear);
    pause.stop(); // what it finds when it goes on, it says in one breath: a lease that has lapsed, and the end
    await w.ports.journal.record('run.stopping', ['1'], { reason: 'stopped by its operator', mode: 'now' });
    await w.clock.advance(10_000);
    await pause.goOn();
    const ended = broker.done.then(() => 'well', (error: unknown) => String(error));
    await w.clock.advance(10_000);
    expect(await ended).toBe('Error: the journal is full');
    expect(unheard).toEqual([]);
    process.off('unhandledRejection', hear);
    await broker[Symbol.asyncDispose]();
  });

  test('asked to stop, it says what was measured before it says that it has stopped, however slow the journal', async () => {
    const w = await world({
      measure: byPatch, durationMs: 5000, started: { keep: { kind: 'strict', alpha: 0.01, replicates: 5 } },
      open: (journal, ...rest) => openTrial({ ...journal, record: async (...said) => { await w.clock.wait(700, new AbortController().signal); return journal.record(...said); } }, ...rest),
    });
    await using _broker = await w.startBroker();
    await w.startNode('atlas');
    await w.until((l) => l.bests.length === 1);
    await w.propose('loss=2.0');
    await w.until((l) => l.leases.size > 0);
    await w.ports.bus.ask(StopRun, RUN, { now: false }, { timeoutMs: 1000 });
    const lineage = await w.until((l) => l.stopped !== null);
    expect([status(lineage, 't0001'), lineage.bests.at(-1)?.trial]).toEqual(['keep', 't0001']);
  });

  test('slot-seconds are spoken for before they are spent: what the limit cannot pay for is not begun, and the claim is paid from it', async () => {
    const w = await world({ measure: byPatch, started: { limits: { trials: null, slotSeconds: 35, wallSeconds: null, tokens: null, money: null, secondsWithoutKeep: null } } });
    await using _broker = await w.startBroker();
    await w.startNode('atlas');
    await w.until((l) => l.bests.length === 1); // three slot-seconds
    await w.propose('loss=2.0');
    await w.until((l) => status(l, 't0001') === 'keep'); // and eleven more: ten are then kept for the claim
    let answer = { kind: '' };
    for (let i = 1; answer.kind !== 'closed' && i < 400; i++) {
      answer = await w.propose(`loss=2.6${i}`) as { kind: string };
      await w.clock.advance(100);
    }
    expect(answer).toMatchObject({ kind: 'closed', reason: expect.stringMatching(/^slot limit of 35 s reached/) });
    const end = await w.until((l) => l.stopped !== null);
    expect(end.stopped).toMatch(/^slot limit of 35 s reached: \d\d s used, and what is begun and one more trial would take \d\d s$/);
    expect(end.claim?.n).toBe(5);
    expect(end.admittedCount).toBeGreaterThan(8);
    expect(end.slotSeconds).toBeLessThanOrEqual(35);
    expect(end.slotSeconds).toBeGreaterThan(33);
  });

  test('a limit that is lowered below what was used stops the run', async () => {
    const w = await world({ measure: byPatch });
    await using _broker = await w.startBroker();
    await w.startNode('atlas');
    await w.until((l) => l.bests.length === 1);
    await w.propose('loss=2.6');
    await w.ports.bus.ask(LimitRun, RUN, { trials: 1 }, { timeoutMs: 1000 });
    expect((await w.until((l) => l.stopped !== null)).stopped).toBe('trial limit of 1 reached');
  });

  test('a time limit that is over before the baseline is known ends the run there', async () => {
    const w = await world({ measure: byPatch, durationMs: 60_000, started: { limits: { trials: 4, slotSeconds: null, wallSeconds: 20, tokens: null, money: null, secondsWithoutKeep: null } } });
    await using _broker = await w.startBroker();
    await w.startNode('atlas');
    const lineage = await w.until((l) => l.stopped !== null);
    expect([lineage.stopped, lineage.stopMode, lineage.bests]).toEqual(['time limit of 20 s reached before the baseline was known', 'now', []]);
  });

  test('a run that may try nothing calibrates first', async () => {
    const w = await world({ measure: byPatch, started: { limits: { trials: 0, slotSeconds: null, wallSeconds: 200, tokens: null, money: null, secondsWithoutKeep: null } } });
    await using _broker = await w.startBroker();
    await w.startNode('atlas');
    expect((await w.until((l) => l.stopped !== null)).bests).toHaveLength(1);
  });

  test('a baseline that scores on one seed only stops the run: nothing could be told from noise', async () => {
    const w = await world({ measure: (lease, recipe) => (lease.replicate === 's1' ? byPatch(lease, recipe) : measurement(null, { kind: 'crash', phase: 'train', exception: 'ValueError', frame: '' })) });
    await using _broker = await w.startBroker();
    await w.startNode('atlas');
    const lineage = await w.until((l) => l.stopped !== null);
    expect(lineage.stopped).toBe('the baseline scored on 1 of 3 seeds: without their spread no gain can be told from noise');
    expect(lineage.admittedCount).toBe(0);
  });

  test('a specialist that thinks for minutes keeps the run open, and one that is out of thoughts does not', async () => {
    const w = await world({ measure: byPatch });
    await using _broker = await w.startBroker();
    await w.startNode('atlas');
    await w.until((l) => l.bests.length === 1);
    const pulse = (state: string): void => w.ports.bus.tell(Pulse, { run: 'toy-1', actor: 'specialist', name: 'data' }, { actor: 'specialist', name: 'data', run: 'toy-1', pid: 1, state, sinceMs: 0, why: '', context: {} });
    for (let i = 0; i < 20; i++) { pulse('proposing'); await w.clock.advance(20_000); }
    expect((await w.until(() => true)).stopping).toBeNull();
    for (let i = 0; i < 4; i++) { pulse('waiting'); await w.clock.advance(20_000); }
    expect((await w.until((l) => l.stopped !== null)).stopped).toBe('no proposal for 60 s and nothing left to measure');
  });

  test('a run of whose nodes none measures as its calibration did any more ends and says which and how', async () => {
    const w = await world({ measure: byPatch });
    await using _broker = await w.startBroker();
    const atlas = await w.startNode('atlas');
    await w.until((l) => l.bests.length === 1);
    atlas.stop();
    await w.clock.advance(10_000);
    await w.propose('loss=2.4');
    await w.startNode('atlas', { enrolled: { environmentHash: 'c'.repeat(64) } });
    await w.clock.advance(200_000);
    expect((await w.until(() => true)).stopping, 'a node may yet come back').toBeNull();
    await w.clock.advance(120_000);
    expect((await w.until((l) => l.stopped !== null)).stopped).toBe('node atlas measures differently (its environment cccccccccccc is not the run\'s aaaaaaaaaaaa): put it back, or start a new run');
  });

  test('a run whose nodes are all gone waits for them until its limit, and not beyond', async () => {
    const w = await world({ measure: byPatch, started: { limits: { trials: 4, slotSeconds: null, wallSeconds: 900, tokens: null, money: null, secondsWithoutKeep: null } } });
    await using _broker = await w.startBroker();
    const atlas = await w.startNode('atlas');
    await w.until((l) => l.bests.length === 1);
    atlas.stop();
    await w.clock.advance(10_000);
    await w.propose('loss=2.4');
    await w.clock.advance(800_000);
    expect((await w.until(() => true)).stopping).toBeNull();
    expect((await w.until((l) => l.stopped !== null)).stopped).toBe('time limit of 900 s reached, and no node is there to finish what was begun');
  });
});
