import { expect, test } from 'vitest';
import { MAX_ATTEMPTS, type Lineage } from '../../src/domain/lineage.ts';
import { Pulse } from '../../src/protocols/actor.ts';
import { byPatch, world, type World } from '../support/world.ts';

// What the broker does when a node dies and comes back, once or for every attempt at one recipe.

const attemptsOf = (lineage: Lineage, trial: string) => [...lineage.trials.get(trial)?.replicates.values() ?? []].flatMap(({ attempts }) => attempts);

/** A node that dies, and starts anew, whenever one trial is leased to it. */
async function mortal(w: World, node: string, poison: string, slots: number): Promise<{ readonly deaths: number } & Disposable> {
  let living = await w.startNode(node, { slots });
  const stop = new AbortController();
  const told = { deaths: 0, [Symbol.dispose]: () => { stop.abort(); living.stop(); } };
  void (async () => {
    for await (const fact of w.ports.journal.follow({ after: await w.ports.journal.position(), signal: stop.signal })) {
      if (fact.word !== 'lease.granted' || fact.body.trial !== poison || fact.body.node !== node) continue;
      told.deaths += 1;
      living.stop();
      await w.clock.wait(50, stop.signal);
      living = await w.startNode(node, { slots });
    }
  })().catch(() => undefined);
  return told;
}

test('what was leased to a node that has started anew lapses at once and is leased again, long before its time is over', async () => {
  const w = await world({ measure: byPatch, started: { leaseTtlMs: 600_000 } });
  await using _broker = await w.startBroker();
  const first = await w.startNode('atlas', { deaf: true });
  await w.until((l) => l.leases.size === 2);
  first.stop();
  await w.startNode('atlas');
  const lineage = await w.until((l) => l.bests.length === 1);
  const [lost, ...others] = attemptsOf(lineage, 't0000').filter(({ lapsed }) => lapsed !== null);
  expect([lost?.lapsed, others.length]).toEqual(['node atlas has started anew and knows nothing of it', 1]);
  expect(lineage.trials.get('t0000')?.result?.status).toBe('baseline');
});

test('a recipe that kills its node every time is lost after three attempts, and takes nobody\'s last attempt with it', async () => {
  const w = await world({ measure: byPatch });
  await using _broker = await w.startBroker();
  using node = await mortal(w, 'atlas', 't0002', 4);
  await w.until((l) => l.bests.length === 1);
  for (const [i, specialist] of ['optimizer', 'data', 'kernel', 'architecture'].entries()) expect(await w.propose(`loss=2.6${i}`, { specialist })).toEqual({ kind: 'admitted', trial: `t000${i + 1}` });
  const lineage = await w.until((l) => l.open.size === 0);
  expect([...lineage.trials.values()].map(({ result }) => result?.status)).toEqual(['baseline', 'discard', 'lost', 'discard', 'discard']);
  expect(node.deaths).toBe(MAX_ATTEMPTS);
  expect(lineage.trials.get('t0002')?.result).toMatchObject({ status: 'lost', score: null, failure: null });
  expect(w.overlaps).toEqual([]);
});

test('a node that finishes what it holds and goes is leased nothing more: each lease would lapse, and be an attempt lost', async () => {
  const w = await world({ measure: byPatch });
  await using _broker = await w.startBroker();
  await w.startNode('atlas');
  await w.until((l) => l.bests.length === 1);
  const stop = new AbortController();
  void (async () => {
    for (;;) {
      w.ports.bus.tell(Pulse, { run: 'toy-1', actor: 'evaluator', name: 'leaver' }, { actor: 'evaluator', name: 'leaver', run: 'toy-1', pid: 1, state: 'draining', sinceMs: 0, why: '', context: {} });
      await w.clock.wait(500, stop.signal);
    }
  })().catch(() => undefined);
  await w.startNode('leaver', { deaf: true });
  await w.propose('loss=2.1');
  const lineage = await w.until((l) => l.open.size === 0);
  stop.abort(new Error('seen enough'));
  expect(new Set([...lineage.trials.keys()].flatMap((trial) => attemptsOf(lineage, trial).map(({ lease }) => lease.node)))).toEqual(new Set(['atlas']));
});

test('a baseline that kills its node with every attempt ends the run, which says so', async () => {
  const w = await world({ measure: byPatch });
  await using _broker = await w.startBroker();
  using _node = await mortal(w, 'atlas', 't0000', 2);
  const lineage = await w.until((l) => l.stopped !== null);
  expect(lineage.stopped).toBe('the baseline could not be measured: no score');
  expect(attemptsOf(lineage, 't0000')).toHaveLength(3 * MAX_ATTEMPTS);
});
