import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openPool } from '../../src/actors/broker/index.ts';
import { grants } from '../../src/actors/broker/decide.ts';
import { virtualClock } from '../../src/adapters/memory/index.ts';
import { NO_LIMITS } from '../../src/domain/budget.ts';
import { BASELINE } from '../../src/domain/ids.ts';
import { PrepareRecipe } from '../../src/protocols/measurement.ts';
import { HASH, story } from '../support/story.ts';
import { byPatch, world, type World } from '../support/world.ts';

/** Longest lease, in seconds. */
const LONGEST = 10;
const NODES = [{ node: 'atlas', slots: ['g0', 'g1', 'g2', 'g3'] }, { node: 'bruno', slots: ['g0', 'g1', 'g2', 'g3'] }];
const SLOTS = 8;

interface Sharer { readonly width: number; readonly priority: number; readonly isExclusive?: boolean; readonly from?: number; readonly seconds: (n: number) => number }

const roomOf = ({ isExclusive, width }: Sharer): number => (isExclusive ? 4 / width : 1);

/** Slot seconds that each run kept from the others after a night in which all of them always have work waiting, and of each at the moment the last one came. */
function night(sharers: readonly Sharer[], untilSeconds: number): { readonly used: number[]; readonly atLast: number[]; readonly overlaps: number } {
  const pool = openPool();
  const due = new Set<number>();
  const lastFrom = Math.max(...sharers.map(({ from = 0 }) => from));
  const states = sharers.map(() => ({ seat: null as ReturnType<typeof pool.join> | null, used: 0, next: 0, held: [] as { key: string; node: string; slots: readonly string[]; isLast: boolean; seconds: number; endsAt: number }[] }));
  const atLast: number[] = [];
  let now = 0;
  let overlaps = 0;
  const ask = (i: number): void => {
    const state = states[i];
    const sharer = sharers[i];
    if (!state?.seat || !sharer) return;
    const granted = state.seat.ask({
      room: roomOf(sharer), nodes: NODES, width: sharer.width, isExclusive: sharer.isExclusive ?? false, priority: sharer.priority, cost: sharer.width * LONGEST / 2,
      slotSeconds: state.used + state.held.length * sharer.width * LONGEST / 2, held: state.held, waiting: Array.from({ length: SLOTS }, (_, n) => ({ key: `t${state.next + n}`, isLast: false })),
    });
    for (const { key, node, slots } of granted) {
      const taken = states.flatMap(({ held }) => held).filter((each) => each.node === node);
      if (taken.some((each) => each.slots.some((slot) => slots.includes(slot)))) overlaps += 1;
      const seconds = sharer.seconds(state.next++);
      state.held.push({ key, node, slots, isLast: false, seconds, endsAt: now + seconds });
    }
    if (granted.length > 0) due.add(i); // what it says has come back
  };
  while (now < untilSeconds) {
    for (const [i, { from = 0 }] of sharers.entries()) {
      const state = states[i];
      if (!state || state.seat || from > now) continue;
      if (from === lastFrom && atLast.length === 0) atLast.push(...states.map(({ used }) => used));
      state.seat = pool.join(() => due.add(i));
      due.add(i);
    }
    for (const i of due) { due.delete(i); ask(i); }
    const [next] = states.flatMap(({ held }, i) => held.map((lease) => ({ lease, i }))).sort((a, b) => a.lease.endsAt - b.lease.endsAt);
    if (!next) throw new Error('nothing runs while everybody waits');
    now = next.lease.endsAt;
    const state = states[next.i];
    if (!state) continue;
    state.held = state.held.filter((lease) => lease !== next.lease);
    state.used += next.lease.seconds * next.lease.slots.length;
    due.add(next.i);
  }
  return { used: states.map(({ used }, i) => used * roomOf(sharers[i] ?? { width: 1, priority: 1, seconds: () => 1 })), atLast, overlaps };
}

describe('runs that share two machines', () => {
  test('have slot seconds by their priorities, whatever their trials take, and a wide one among narrow ones has its share', () => {
    fc.assert(fc.property(
      fc.record({ wide: fc.integer({ min: 1, max: 4 }), priorities: fc.tuple(...[0, 1, 2].map(() => fc.constantFrom(1, 2, 3))), lengths: fc.array(fc.integer({ min: 1, max: LONGEST }), { minLength: 1, maxLength: 9 }), isExclusive: fc.boolean() }),
      ({ wide, priorities, lengths, isExclusive }) => {
        const seconds = (n: number): number => lengths[n % lengths.length] ?? 1;
        const widths = [wide, 1, 2];
        const { used, overlaps } = night(priorities.map((priority, i) => ({ priority, width: widths[i] ?? 1, seconds: (n) => seconds(n + i), isExclusive: isExclusive && i === 0 })), 3_000);
        expect(overlaps).toBe(0);
        const shares = used.map((each, i) => each / (priorities[i] ?? 1));
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(2 * SLOTS * LONGEST);
        expect(Math.min(...shares), 'the night was long enough to tell').toBeGreaterThan(4 * SLOTS * LONGEST);
      },
    ), { numRuns: 15, seed: 7 });
  });

  test('go on side by side when one comes late: it does not have for itself what the others used before', () => {
    const { used, atLast } = night([{ width: 1, priority: 1, seconds: () => 3 }, { width: 1, priority: 1, seconds: () => 5, from: 500 }], 1_000);
    expect(atLast[0]).toBeGreaterThan(500 * SLOTS * 0.9);
    const since = (used[0] ?? 0) - (atLast[0] ?? 0);
    expect(Math.abs(since - (used[1] ?? 0))).toBeLessThanOrEqual(2 * SLOTS * LONGEST);
  });
});

describe('two runs of one broker process', () => {
  test('are not given a slot twice in the moment between a grant and its fact, and whoever is given back a slot is woken', () => {
    const pool = openPool();
    const woken: string[] = [];
    const [one, other] = ['one', 'other'].map((name) => pool.join(() => woken.push(name)));
    const wish = { nodes: [{ node: 'atlas', slots: ['cpu0'] }], width: 1, isExclusive: false, priority: 1, room: 1, cost: 5, slotSeconds: 0, held: [], waiting: [{ key: 't1', isLast: false }, { key: 't2', isLast: false }] };
    expect(one?.ask(wish).map(({ key }) => key)).toEqual(['t1']);
    expect(other?.ask(wish)).toEqual([]);
    expect(woken).toEqual([]);
    expect(one?.ask({ ...wish, held: [{ node: 'atlas', slots: ['cpu0'], isLast: false }], slotSeconds: 5, waiting: wish.waiting.slice(1) }), 'it has come back').toEqual([]);
    expect(one?.ask({ ...wish, slotSeconds: 7, waiting: wish.waiting.slice(1) }), 'it was measured, and the other has used less').toEqual([]);
    expect(woken).toEqual(['other']);
    expect(other?.ask(wish).map(({ key }) => key)).toEqual(['t1']);
    other?.[Symbol.dispose]();
    expect(woken, 'what it held is free').toEqual(['other', 'one']);
  });

  test('keep nothing from one another by what they cannot begin: whoever says nothing for a while, as when its journal is away, has its turn when it speaks again', () => {
    let now = 0;
    const pool = openPool({ now: () => now });
    const woken: string[] = [];
    const [stuck, other] = ['stuck', 'other'].map((name) => pool.join(() => woken.push(name)));
    const wish = { nodes: [{ node: 'atlas', slots: ['cpu0', 'cpu1'] }], width: 2, isExclusive: false, priority: 1, room: 1, cost: 5, slotSeconds: 0, held: [], waiting: [{ key: 't1', isLast: false }] };
    const narrow = (slotSeconds: number) => ({ ...wish, width: 1, slotSeconds });
    expect(other?.ask(wish).map(({ key }) => key)).toEqual(['t1']);
    expect(stuck?.ask(wish)).toEqual([]);
    now = 10_000;
    expect(other?.ask(narrow(100)), 'it is the turn of the one that used less').toEqual([]);
    expect(woken).toEqual(['stuck']);
    now = 20_000;
    expect(other?.ask(narrow(100)).map(({ slots }) => slots), 'which never came').toEqual([['cpu0']]);
    expect(stuck?.ask(wish), 'now it has: it keeps the machine free').toEqual([]);
    expect(other?.ask({ ...narrow(100), waiting: [{ key: 't2', isLast: false }], held: [{ node: 'atlas', slots: ['cpu0'], isLast: false }] })).toEqual([]);
    other?.ask({ ...narrow(200), waiting: [] });
    expect(stuck?.ask(wish).map(({ slots }) => slots)).toEqual([['cpu0', 'cpu1']]);
  });

  test('never hold one slot of a machine both, and the one whose trials take the whole machine comes to its turn while the other always has work waiting', async () => {
    const clock = virtualClock(1_700_000_000_000);
    const pool = openPool();
    const common = { measure: byPatch, durationMs: 2_000, clock };
    const started = { limits: { ...NO_LIMITS, trials: 12 }, calibrationReplicates: 2, leaseTtlMs: 12_000, keep: { kind: 'strict' as const, alpha: 0.01, replicates: 2 } };
    const narrow = await world({ ...common, started });
    const wide = await world({ ...common, started: { ...started, slotsPerReplicate: 2 } });
    const nodes = await Promise.all([narrow, wide].map((w) => w.startNode('atlas', { slots: 2 })));
    await using _narrow = await narrow.startBroker(undefined, pool);
    await using _wide = await wide.startBroker(undefined, pool);
    const clashes: string[] = [];
    let asked = 0;
    const ended = async (w: World): Promise<number> => (await w.facts()).filter(({ word }) => word === 'trial.result').length;
    for (let i = 0; i < 600 && await ended(wide) < 4; i++) {
      for (const w of [narrow, wide]) await w.propose(`loss=2.${asked++}`).catch(() => undefined);
      await clock.advance(100);
      for (const [slot, at] of nodes[0]?.running ?? []) if (nodes[1]?.running.has(slot)) clashes.push(`${slot}: ${at} and ${nodes[1].running.get(slot)}`);
    }
    expect(clashes).toEqual([]);
    expect(await ended(wide), 'of a machine that is never empty by itself').toBeGreaterThanOrEqual(4);
    expect(await ended(narrow)).toBeGreaterThanOrEqual(4);
  });

  test('share a machine as if one were alone there once the other has stopped', async () => {
    const clock = virtualClock(1_700_000_000_000);
    const pool = openPool();
    const started = { limits: { ...NO_LIMITS, trials: 2 }, calibrationReplicates: 2, leaseTtlMs: 12_000 };
    const [one, other] = [await world({ measure: byPatch, clock, started }), await world({ measure: byPatch, clock, started })];
    for (const w of [one, other]) await w.startNode('atlas', { slots: 1 });
    await using _one = await one.startBroker(undefined, pool);
    const gone = await other.startBroker(undefined, pool);
    await one.until((l) => l.leases.size + l.bests.length > 0);
    await gone[Symbol.asyncDispose]();
    await one.until((l) => l.bests.length === 1);
  });
});

describe('a run that says what its slots must be', () => {
  const gpu = { publicKey: 'k', device: 'gpu/test', evaluatorHash: HASH, environmentHash: HASH, sandbox: 'bubblewrap' as const, canaries: [] };
  const slots = (...each: readonly (readonly [slot: string, kind: 'cpu' | 'gpu', memoryBytes: number])[]) => each.map(([slot, kind, memoryBytes]) => ({ slot, kind, memoryBytes }));
  const leased = (told: ReturnType<typeof story>, replicates: number) => grants(told.lineage, Array.from({ length: replicates }, (_, i) => ({ trial: BASELINE, replicate: `s${i + 1}`, purpose: 'search' as const })), () => true).map(({ node, slots: on }) => [node, ...on]);

  test('is leased only slots of that kind with that memory, all of a replicate on one node', () => {
    const told = story({ slotsPerReplicate: 2, slotKind: 'gpu', slotMemoryBytes: 80e9 }).admit(BASELINE)
      .tell('node.enrolled', ['bruno', 'b1'], { ...gpu, slots: slots(['gpu0', 'gpu', 80e9], ['gpu1', 'gpu', 16e9], ['gpu2', 'gpu', 81e9], ['cpu0', 'cpu', 90e9], ['gpu3', 'gpu', 80e9]) });
    expect(leased(told, 3)).toEqual([['bruno', 'gpu0', 'gpu2']]);
  });

  test('is never leased a slot that its node has drained', () => {
    const told = story({ slotKind: 'cpu' }).admit(BASELINE);
    expect(leased(told, 3)).toEqual([['atlas', 'cpu0'], ['atlas', 'cpu1']]);
    told.tell('node.enrolled', ['atlas', 'b1-2'], { ...gpu, slots: slots(['cpu1', 'cpu', 1]), drained: [{ slot: 'cpu0', why: 'a process is left' }] });
    expect(leased(told, 3)).toEqual([['atlas', 'cpu1']]);
  });

  test('has a node to itself where it asked for that', () => {
    const told = story({ wholeNode: true }).admit(BASELINE);
    expect(leased(told, 3)).toEqual([['atlas', 'cpu0']]);
    told.lease(BASELINE, 's1');
    expect(leased(told, 3)).toEqual([]);
  });

  test('ends and says what its nodes lack when none that is there can hold a replicate', async () => {
    const w = await world({ measure: byPatch, started: { slotKind: 'gpu', slotsPerReplicate: 2, slotMemoryBytes: 16e9, leaseTtlMs: 3000 } });
    await using _broker = await w.startBroker();
    await w.startNode('atlas');
    const { stopped } = await w.until((l) => l.stopped !== null).catch(() => w.until((l) => l.stopped !== null));
    expect(stopped).toBe('node atlas is too small (a replicate takes 2 gpu slots of 16000 MB or more, and it has 0): put it back, or start a new run');
  });
});

test('a busy node is told which recipe comes next, each replicate once, and an idle one nothing', async () => {
  const w = await world({ measure: byPatch, durationMs: 2_000, started: { calibrationReplicates: 5, leaseTtlMs: 12_000 } });
  const told: string[] = [];
  await using _node = w.ports.bus.serve(PrepareRecipe, { run: 'toy-1', node: 'atlas' }, ({ snapshot, purpose }) => { told.push(`${purpose} ${snapshot}`); return { kind: 'noted' }; });
  await w.startNode('atlas', { slots: 2 });
  await using _broker = await w.startBroker();
  const { started } = await w.until((l) => l.bests.length === 1);
  expect(told, 'five replicates of the baseline on two slots').toEqual(Array.from({ length: 3 }, () => `search ${started?.snapshot}`));
  await w.propose('loss=2.1');
  await w.until((l) => l.trials.get('t0001')?.result !== null);
  expect(told.slice(3).every((each) => each.startsWith('confirm '))).toBe(true);
  expect(told.length).toBeGreaterThan(3);
});
