import { describe, expect, test } from 'vitest';
import { getShortestPaths } from 'xstate/graph';
import type { z } from 'zod';
import { memoryBus, memoryPresence, virtualClock } from '../../src/adapters/memory/index.ts';
import { patches } from '../../src/adapters/patches/index.ts';
import { build, searchProposer, startSpecialist, type Draft, type Proposer, type SpecialistView } from '../../src/actors/specialist/index.ts';
import { clientText, inFlight, isThere, retryMs, withoutFaults } from '../../src/actors/specialist/decide.ts';
import { specialistMachine, type Answer } from '../../src/actors/specialist/machine.ts';
import type { Bus } from '../../src/ports.ts';
import { NamedActorState } from '../../src/protocols/actor.ts';
import { ReadFeedback, ReadRecipe, ReadRows } from '../../src/protocols/lineage.ts';
import { StallSpecialist } from '../../src/protocols/session.ts';
import { ProposeTrial } from '../../src/protocols/trial.ts';
import { BASELINE, BLANK, LIBRARY, optionsFor, Simulation, syntax } from './laboratory/simulation.ts';

const RUN = 'golf-1';
const draft: Draft = { parent: 't0000', hypothesis: 'a thought of eight letters', expectedDelta: -0.01, patch: 'x', parts: [], proposer: { kind: 'search', strategy: 'screen', moves: [] }, tokens: 0, money: 0 };
const view = (rows: SpecialistView['rows']): SpecialistView => ({ asOf: 7, rows, best: null, noise: null, feedback: null, recipeOf: async () => null });
const mine = { ...BLANK, trial: 't0001', specialist: 'data', parent: 't0000', status: null, seq: 5 };

describe('the chart', () => {
  const done = (name: string, output: unknown) => ({ type: `xstate.done.actor.0.specialist.${name}`, output });
  const failed = (name: string) => ({ type: `xstate.error.actor.0.specialist.${name}`, error: new Error('silence') });
  const answers: readonly Answer[] = [{ kind: 'admitted', trial: 't0001' }, { kind: 'rejected', trial: 't0001', reason: 'no' }, { kind: 'busy' }, { kind: 'closed', reason: 'trial limit of 1 reached' }];
  const events = [
    done('reading', view([])), done('reading', view([mine])), failed('reading'),
    done('proposing', { kind: 'proposal', draft }), done('proposing', { kind: 'nothing', reason: 'spent' }), failed('proposing'),
    ...answers.map((answer) => done('submitting', answer)), failed('submitting'),
    done('submitted', 'there'), done('submitted', 'overdue'), done('waiting', 'there'), done('resting', undefined), done('resubmitting', undefined),
  ];
  const paths = getShortestPaths(specialistMachine, {
    input: { specialist: 'data', concurrent: 1 }, events: events as never,
    serializeState: (state) => {
      const { refusals, isOverdue, wanted } = (state as { context: { refusals: number; isOverdue: boolean; wanted: { kind: string } | null } }).context;
      return JSON.stringify([state.value, refusals, isOverdue, wanted?.kind]) as never;
    },
    stopWhen: (state) => state.status === 'done' || (state as { context: { failures: number } }).context.failures > 1,
  });
  const ends = paths.map((path) => ({ walk: path.steps.map((step) => step.event.type.replace('xstate.', '').replace('actor.0.specialist.', '')).join(' > '), state: String(path.state.value), context: path.state.context as { refusals: number; wanted: unknown; proposal: unknown; why: string } }));

  test('has as many walks as we meant', () => expect(paths).toHaveLength(171));
  test('closes on one answer only', () => expect(ends.filter(({ state }) => state === 'closed').every(({ walk }) => walk.endsWith('done.submitting'))).toBe(true));
  test('never counts more than four refusals before it waits for a result', () => expect(Math.max(...ends.map(({ context }) => context.refusals))).toBe(4));
  test('always knows what it waits for', () => {
    for (const { state, context, walk } of ends) if (state === 'submitted' || state === 'waiting') expect(context.wanted, walk).not.toBeNull();
    for (const { state, context, walk } of ends) if (state === 'submitting' || state === 'resubmitting') expect(context.proposal, walk).not.toBeNull();
    for (const { context, walk } of ends) expect(context.why, walk).not.toBe('');
  });
});

test('pauses grow and stop growing', () => expect([1, 2, 3, 20].map(retryMs)).toEqual([250, 500, 1000, 15_000]));

test('a refusal is no result to wake for, and a trial of mine has ended only with a status', () => {
  const rejected = { ...mine, status: 'rejected' as const, seq: 9 };
  expect(isThere({ kind: 'result', after: 7, isUrgent: true }, [rejected])).toBe(false);
  expect(isThere({ kind: 'result', after: 7, isUrgent: true }, [{ ...rejected, status: 'crash' }])).toBe(true);
  expect([isThere({ kind: 'ended', trials: ['t0001'] }, [mine]), isThere({ kind: 'seen', trial: 't0001' }, [mine]), isThere({ kind: 'ended', trials: ['t0001'] }, [rejected])]).toEqual([false, true, true]);
  expect(inFlight([mine, { ...mine, specialist: 'kernel', trial: 't0002' }], 'data')).toEqual(['t0001']);
});

test('our own faults look unfinished to a proposer', () => {
  const [row] = withoutFaults(view([{ ...mine, status: 'harness_abort', score: 1, failure: { kind: 'harness_abort', reason: 'a full disk' } }])).rows;
  expect(row).toEqual(mine);
});

test('one thought at one position has one client id, whatever it is asked through', () => {
  const proposal = { ...draft, specialist: 'data', asOf: 7 };
  expect(clientText(RUN, proposal)).toBe(clientText(RUN, { ...proposal, hypothesis: 'said otherwise' }));
  expect(new Set([proposal, { ...proposal, asOf: 8 }, { ...proposal, specialist: 'kernel' }, { ...proposal, patch: 'y' }].map((each) => clientText(RUN, each))).size).toBe(4);
});

// A lineage keeper and a broker over a simulated run, on a bus within this process.
async function laboratory(options: { lineage?: boolean; concurrent?: number; proposer?: Proposer; limit?: number; openTrials?: number } = {}) {
  const clock = virtualClock();
  const bus: Bus = memoryBus(clock);
  const presence = memoryPresence(bus, clock);
  const run = await new Simulation(3).begin();
  const asked: { clientId: string; asOf: number; trial: string }[] = [];
  const byClientId = new Map<string, string>();
  const lineage = options.lineage ?? true;
  const state = { mute: 0, refuse: 0 };
  bus.serve(ReadRows, { run: RUN }, ({ after, asOf, limit }) => {
    const { rows, best, noise } = run.view();
    const at = asOf ?? run.seq;
    const told = lineage ? rows.filter((row) => row.seq > after && row.seq <= at).sort((a, b) => a.seq - b.seq) : rows.filter((row) => row.trial === best?.trial);
    return { asOf: at, rows: told.slice(0, limit), more: told.length > limit, best, noise };
  });
  bus.serve(ReadFeedback, { run: RUN }, ({ asOf }) => ({ asOf: asOf ?? 0, text: `as of ${asOf}` }));
  bus.serve(ReadRecipe, { run: RUN }, ({ snapshot }) => ({ recipe: run.snapshots.get(snapshot) ?? null }));
  const serveBroker = () => bus.serve(ProposeTrial, { run: RUN }, async ({ clientId, proposal, feedback }): Promise<z.infer<typeof ProposeTrial.reply>> => {
    const before = byClientId.get(clientId);
    if (before !== undefined) { asked.push({ clientId, asOf: proposal.asOf, trial: before }); return { kind: 'admitted', trial: before }; }
    if (run.rows.length > (options.limit ?? 6)) return { kind: 'closed', reason: 'trial limit reached' };
    if (run.rows.filter((row) => row.status === null && row.specialist === proposal.specialist).length >= (options.openTrials ?? 1)) return { kind: 'busy' };
    expect(feedback).toBe(lineage ? `as of ${proposal.asOf}` : null);
    const built = build(BASELINE, proposal.proposer.moves, LIBRARY, syntax);
    if (built.kind === 'refused') throw new Error(built.reason);
    const row = await run.admit(proposal.specialist, proposal, built.recipe);
    byClientId.set(clientId, row.trial);
    asked.push({ clientId, asOf: proposal.asOf, trial: row.trial });
    if (state.refuse > 0) {
      state.refuse -= 1;
      Object.assign(row, { status: 'rejected', snapshot: null });
      return { kind: 'rejected', trial: row.trial, rejection: { rule: 'ownership', file: 'model.py', symbol: 'Block', owner: 'architecture', message: 'Block is architecture\'s' } };
    }
    if (state.mute > 0) { state.mute -= 1; return new Promise(() => {}); }
    return { kind: 'admitted', trial: row.trial };
  });
  const stop = new AbortController();
  const start = () => startSpecialist({ bus, clock, presence }, { proposer: options.proposer ?? searchProposer(optionsFor('data', 0, lineage), { syntax, patches }) }, { run: RUN, specialist: 'data', lineage, concurrent: options.concurrent ?? 1, signal: stop.signal });
  const ask = () => bus.ask(NamedActorState, { actor: 'specialist', run: RUN, name: 'data' }, {}, { timeoutMs: 1000 });
  /** Moves time until a fact holds. */
  const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
    for (let i = 0; i < 2000; i++) { if (await holds()) return; await clock.advance(100); }
    throw new Error(`it never came true: ${JSON.stringify(await ask().catch(String))} ${JSON.stringify(asked)} ${JSON.stringify(presence.logged)}`);
  };
  return { clock, bus, presence, run, asked, state, serveBroker, start, stop, ask, until };
}

test('it proposes, says which trial it waits for, and proposes again after the result, until the run is closed', async () => {
  const { run, asked, serveBroker, start, ask, until, stop } = await laboratory({ limit: 3 });
  serveBroker();
  const specialist = start();
  await until(async () => asked.length === 1 && (await ask()).state === 'submitted' && (await ask()).context['trial'] === 't0001');
  expect(await ask()).toMatchObject({ state: 'submitted', why: 'for t0001', context: { trial: 't0001', refusals: 0 } });
  for (const trial of ['t0001', 't0002', 't0003']) { await until(() => run.rows.some((row) => row.trial === trial)); run.end(trial); }
  let closed = false;
  void specialist.done.then(() => { closed = true; });
  await until(() => closed);
  expect(asked.map(({ trial }) => trial)).toEqual(['t0001', 't0002', 't0003']);
  stop.abort();
});

test('a reply that was lost is asked for again, and names the same trial', async () => {
  const { run, asked, state, serveBroker, start, until } = await laboratory();
  state.mute = 1;
  serveBroker();
  await using _ = start();
  await until(() => asked.length === 2);
  expect(asked[0]).toEqual(asked[1]);
  expect(run.rows).toHaveLength(2);
});

test('while nobody answers it says so, asks after growing pauses, and goes on when somebody does', async () => {
  const { asked, serveBroker, start, ask, until } = await laboratory();
  await using _ = start();
  await until(async () => (await ask()).state === 'resubmitting' && Number((await ask()).context['failures']) >= 4);
  expect((await ask()).why).toBe(`nobody serves brigade.cmd.broker.propose.${RUN}; asking again in 2 s`);
  serveBroker();
  await until(() => asked.length === 1);
});

test('a process started in its place finds the unfinished trial and waits for it', async () => {
  const { run, asked, serveBroker, start, ask, until } = await laboratory();
  serveBroker();
  const first = start();
  await until(() => asked.length === 1);
  await first[Symbol.asyncDispose]();
  await using _ = start();
  await until(async () => (await ask()).state === 'submitted');
  expect((await ask()).why).toBe('for t0001');
  expect(asked).toHaveLength(1);
  run.end('t0001');
  await until(() => asked.length === 2);
});

test('five refusals in a row make it wait for a result', async () => {
  const { run, asked, state, serveBroker, start, ask, until } = await laboratory({ limit: 20 });
  state.refuse = 5;
  serveBroker();
  await using _ = start();
  await until(async () => (await ask()).state === 'waiting');
  expect(asked).toHaveLength(5);
  expect(new Set(run.rows.map((row) => row.moves.join())).size).toBe(6);
  expect((await ask()).why).toBe('for a result: refused 5 times, last Block is architecture\'s');
});

test('it keeps as many trials unfinished as it may', async () => {
  const { run, asked, serveBroker, start, ask, until } = await laboratory({ concurrent: 3, openTrials: 3, limit: 20 });
  serveBroker();
  await using _ = start();
  await until(async () => asked.length === 3 && (await ask()).why === 'for t0001, t0002, t0003');
  run.end('t0002');
  await until(() => asked.length === 4);
});

test('without lineage it learns nothing from the bus, and the broker tells it when it may go on', async () => {
  const seen: SpecialistView[] = [];
  const search = searchProposer(optionsFor('data', 0, false), { syntax, patches });
  const { run, asked, serveBroker, start, until } = await laboratory({ lineage: false, limit: 20, proposer: { propose: (given, signal) => { seen.push(given); return search.propose(given, signal); } } });
  serveBroker();
  await using _ = start();
  await until(() => asked.length === 1);
  run.end('t0001');
  await until(() => asked.length === 2);
  for (const { rows, feedback, noise } of seen) expect([rows.length, rows[0]?.hypothesis, rows[0]?.deltaVsBest, feedback, noise]).toEqual([1, '', null, null, null]);
});

test('a proposer that fails every time is tried later and later, then gives up for all to see', async () => {
  const at: number[] = [];
  const { bus, clock, presence, start, until, ask } = await laboratory({ proposer: { propose: async () => { at.push(clock.now()); throw new Error('the sampler is broken'); } } });
  const told: unknown[] = [];
  bus.serve(StallSpecialist, { run: RUN }, (said) => { told.push(said); return { kind: 'done' }; });
  const specialist = start();
  await until(() => told.length === 2);
  await specialist.done; // its process ends well, so that nobody starts it again
  expect(told).toEqual([{ specialist: 'data', stalled: null }, { specialist: 'data', stalled: { cause: 'proposer', reason: 'gave up after 8 failures in a row, the last: the sampler is broken' } }]);
  expect(presence.logged.at(-1)).toMatchObject({ level: 'error', message: 'data gave up after 8 failures in a row, the last: the sampler is broken' });
  const pauses = at.slice(1).map((now, i) => now - (at[i] ?? 0));
  expect(pauses).toHaveLength(7);
  for (const [i, pause] of pauses.entries()) expect(pause).toBeGreaterThanOrEqual(retryMs(i + 1));
  await expect(ask()).rejects.toThrow();
});

test('a proposer that fails less often in a row than that is never given up', async () => {
  let thoughts = 0;
  const { bus, serveBroker, start, asked, until } = await laboratory({ limit: 4, proposer: { propose: (given, signal) => (++thoughts % 4 === 0 ? searchProposer(optionsFor('data', 0, true), { syntax, patches }).propose(given, signal) : Promise.reject(new Error('a cold start'))) } });
  const told: unknown[] = [];
  bus.serve(StallSpecialist, { run: RUN }, (said) => { told.push(said); return { kind: 'done' }; });
  serveBroker();
  await using _ = start();
  await until(() => asked.length === 1);
  expect(thoughts).toBe(4);
  expect(told).toEqual([{ specialist: 'data', stalled: null }]);
});

test('a proposer that throws is logged and asked again', async () => {
  let thoughts = 0;
  const { presence, start, until } = await laboratory({ proposer: { propose: async () => { thoughts += 1; throw new Error('no such edit'); } } });
  await using _ = start();
  await until(() => thoughts === 3);
  expect(presence.logged[0]).toMatchObject({ level: 'error', message: 'data could not think: no such edit' });
});
