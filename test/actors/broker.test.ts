import { describe, expect, test } from 'vitest';
import { getShortestPaths } from 'xstate/graph';
import { brokerMachine } from '../../src/actors/broker/machine.ts';
import type { Lease } from '../../src/domain/measurement.ts';
import { emptyLineage, grow } from '../../src/domain/lineage.ts';
import { weigh } from '../../src/actors/trial/index.ts';
import { ActorState } from '../../src/protocols/actor.ts';
import { PauseRun, ResumeRun } from '../../src/protocols/run.ts';
import { measurement } from '../support/story.ts';
import { byPatch, world } from '../support/world.ts';

const RUN = { run: 'toy-1' };
const status = (lineage: ReturnType<typeof emptyLineage>, trial: string) => lineage.trials.get(trial)?.result?.status;

describe('a run on a virtual clock', () => {
  test('goes from calibration through keeps and failures to its claim and its stop, each result said once', async () => {
    const w = await world({ measure: byPatch, started: { limits: { trials: 4, slotSeconds: null, wallSeconds: null, tokens: null, money: null, secondsWithoutKeep: null } } });
    await using _broker = await w.startBroker();
    await w.startNode('atlas');
    await w.until((l) => l.bests.length === 1);
    expect(await w.propose('loss=2.1')).toEqual({ kind: 'admitted', trial: 't0001' });
    await w.until((l) => status(l, 't0001') === 'keep');
    expect(await w.propose('crash')).toEqual({ kind: 'admitted', trial: 't0002' });
    expect(await w.propose('loss=2.3', { specialist: 'data' })).toEqual({ kind: 'admitted', trial: 't0003' });
    await w.until((l) => l.open.size === 0);
    expect(await w.propose('loss=2.0', { parent: 't0001' })).toEqual({ kind: 'admitted', trial: 't0004' });
    expect(await w.propose('loss=1.9')).toMatchObject({ kind: 'closed' });
    const end = await w.until((l) => l.stopped !== null);
    expect(['t0001', 't0002', 't0003', 't0004'].map((t) => status(end, t))).toEqual(['keep', 'crash', 'discard', 'keep']);
    expect(end.claim).toMatchObject({ best: 't0004', n: 5 });
    expect(end.stopped).toBe('trial limit of 4 reached');
    expect(w.overlaps).toEqual([]);
    const results = (await w.facts()).filter((fact) => fact.word === 'trial.result');
    expect(new Set(results.map((fact) => fact.ids[0])).size).toBe(results.length);
  });

  test('every stored status follows again from the lineage at the position it names', async () => {
    const w = await world({ measure: byPatch });
    await using _broker = await w.startBroker();
    await w.startNode('atlas');
    await w.until((l) => l.bests.length === 1);
    for (const patch of ['loss=2.4', 'loss=2.2', 'loss=2.6', 'crash']) {
      await w.propose(patch);
      await w.until((l) => l.open.size === 0);
    }
    const facts = await w.facts();
    for (const fact of facts) {
      if (fact.word !== 'trial.result') continue;
      const then = emptyLineage();
      for (const earlier of facts) if (earlier.seq <= fact.body.judgedAt) grow(then, earlier, 'toy-1', () => true);
      const row = then.trials.get(fact.ids[0]);
      const again = row && weigh(then, row);
      expect(again?.kind === 'end' && again.result).toEqual(fact.body);
    }
  });

  test('a proposal asked again with its client id names the same trial', async () => {
    const w = await world({ measure: byPatch });
    await using _broker = await w.startBroker();
    await w.startNode('atlas');
    await w.until((l) => l.bests.length === 1);
    const { ProposeTrial } = await import('../../src/protocols/trial.ts');
    const asked = { clientId: 'same', feedback: 'what it knew', proposal: { specialist: 'data', parent: 't0000', asOf: 3, hypothesis: 'again and again', expectedDelta: 0, patch: 'x', parts: [], proposer: { kind: 'search' as const, strategy: 's', moves: [] }, tokens: 0, money: 0 } };
    const first = await w.ports.bus.ask(ProposeTrial, RUN, asked, { timeoutMs: 1000 });
    expect(await w.ports.bus.ask(ProposeTrial, RUN, asked, { timeoutMs: 1000 })).toEqual(first);
    expect((await w.facts()).filter((fact) => fact.word === 'trial.admitted')).toHaveLength(2);
  });

  test('a foreign symbol is refused with a row and a handoff, and a duplicate names its twin; neither costs a slot', async () => {
    const w = await world({ measure: byPatch });
    await using _broker = await w.startBroker();
    await w.startNode('atlas');
    await w.until((l) => l.bests.length === 1);
    expect(await w.propose('refuse me')).toMatchObject({ kind: 'rejected', trial: 't0001', rejection: { rule: 'ownership', owner: 'data' } });
    expect(await w.propose('loss=2.4')).toMatchObject({ kind: 'admitted', trial: 't0002' });
    await w.until((l) => l.open.size === 0);
    expect(await w.propose('loss=2.4')).toMatchObject({ kind: 'rejected', rejection: { rule: 'duplicate', message: 'the same recipe as t0002' } });
    expect(await w.propose('loss=2.2', { parent: 't0099' })).toMatchObject({ kind: 'rejected', rejection: { rule: 'parent' } });
    const lineage = await w.until(() => true);
    expect(lineage.handoffs).toMatchObject([{ from: 'optimizer', to: 'data', trial: 't0001' }]);
    expect([...lineage.trials.values()].filter((row) => row.rejection && row.replicates.size > 0)).toEqual([]);
    expect(lineage.admittedCount).toBe(1);
  });

  test('two brokers at once end no trial twice and put nothing twice on a slot', async () => {
    const w = await world({ measure: byPatch });
    await using _one = await w.startBroker();
    await using _two = await w.startBroker();
    await w.startNode('atlas');
    await w.until((l) => l.bests.length === 1);
    for (const patch of ['loss=2.4', 'loss=2.3', 'loss=2.0', 'loss=2.7']) {
      await w.propose(patch);
      await w.until((l) => l.open.size === 0);
    }
    const lineage = await w.until(() => true);
    expect(w.overlaps).toEqual([]);
    expect([...lineage.trials.keys()]).toHaveLength(5);
    expect(lineage.bests.map((b) => b.trial)).toEqual(['t0000', 't0001', 't0002', 't0003']);
  });

  test('a broker that died between a best and its result has the result said by the next one', async () => {
    const w = await world({ measure: byPatch });
    const first = await w.startBroker();
    await w.startNode('atlas');
    await w.until((l) => l.bests.length === 1);
    await w.propose('loss=2.0');
    const record = w.ports.journal.record.bind(w.ports.journal);
    let cut = false;
    w.ports.journal.record = (async (...said: Parameters<typeof record>) => {
      if (said[0] === 'trial.result') { cut = true; return new Promise(() => undefined); }
      return record(...said);
    }) as typeof record;
    await w.until((l) => cut && l.bests.length === 2);
    await first[Symbol.asyncDispose]();
    w.ports.journal.record = record;
    await using _second = await w.startBroker();
    const lineage = await w.until((l) => status(l, 't0001') !== undefined);
    expect(status(lineage, 't0001')).toBe('keep');
  });

  test('a best that a dead broker said late, just before the next one was to say it, has its result', async () => {
    const w = await world({ measure: byPatch });
    const record = w.ports.journal.record.bind(w.ports.journal);
    let isLate = false;
    w.ports.journal.record = (async (...said: Parameters<typeof record>) => {
      if (said[0] === 'run.best' && said[1][0] === '1' && !isLate) { isLate = true; await record(...said); }
      return record(...said);
    }) as typeof record;
    await using _broker = await w.startBroker();
    await w.startNode('atlas');
    await w.until((l) => l.bests.length === 1);
    await w.propose('loss=2.0');
    expect(status(await w.until((l) => isLate && l.open.size === 0), 't0001')).toBe('keep');
  });

  test('a node that falls silent loses its lease, and another does the work', async () => {
    const w = await world({ measure: byPatch });
    await using _broker = await w.startBroker();
    await w.startNode('deaf', { deaf: true });
    await w.clock.advance(200);
    await w.startNode('atlas');
    const lineage = await w.until((l) => l.bests.length === 1);
    expect([...(lineage.trials.get('t0000')?.replicates.values() ?? [])].some((r) => r.attempts[0]?.lapsed === 'node deaf did not renew this lease for 3 s')).toBe(true);
  });

  test('a replicate of a trial that was decided meanwhile is let go and its slot is free; the incumbent\'s is measured to its end', async () => {
    const lucky = (lease: Lease, recipe: string) => (recipe.includes('lucky') ? measurement(lease.purpose === 'search' ? 2.0 : 2.9) : byPatch(lease, recipe));
    const isSlow = ({ purpose, replicate }: Lease): boolean => purpose === 'confirm' && Number(replicate.slice(1)) > 2;
    const w = await world({ measure: lucky, durationMs: (lease) => (isSlow(lease) ? 60_000 : 1000) });
    await using _broker = await w.startBroker();
    await w.startNode('atlas', { slots: 4 });
    await w.until((l) => l.bests.length === 1);
    await w.propose('lucky');
    await w.until((l) => l.open.size === 0);
    await w.propose('loss=2.6');
    const lineage = await w.until((l) => status(l, 't0002') === 'discard');
    const [lucks, roots] = ['t0001', 't0000'].map((trial) => [...lineage.trials.get(trial)?.replicates.values() ?? []]);
    expect(lineage.trials.get('t0001')?.result).toMatchObject({ status: 'discard', why: 'futile after 2 seeds' });
    expect(lucks?.filter(({ attempts }) => attempts.at(-1)?.lapsed === 'its trial has been decided').length).toBeGreaterThan(0);
    expect([...lineage.leases.keys()].filter((key) => key.startsWith('t0001')), 'it holds no slot').toEqual([]);
    expect(roots?.some(({ replicate, attempts, measured }) => replicate.startsWith('c') && measured === null && attempts[0]?.lapsed === null), 'its comparison goes on being measured').toBe(true);
    expect(w.overlaps).toEqual([]);
  });

  test('paused, nothing new is leased; resumed, it goes on', async () => {
    const w = await world({ measure: byPatch });
    await using _broker = await w.startBroker();
    await w.startNode('atlas');
    await w.until((l) => l.bests.length === 1);
    await w.ports.bus.ask(PauseRun, RUN, {}, { timeoutMs: 1000 });
    expect(await w.propose('loss=2.4')).toEqual({ kind: 'busy' });
    await w.clock.advance(20_000);
    await w.ports.bus.ask(ResumeRun, RUN, {}, { timeoutMs: 1000 });
    expect(await w.propose('loss=2.6')).toMatchObject({ kind: 'admitted' });
    const lineage = await w.until((l) => l.open.size === 0);
    expect(lineage.operatorActs.map((act) => act.act)).toEqual(['pause', 'resume']);
  });

  test('an equal calibration of an earlier run is taken over, and the baseline is not measured again', async () => {
    const found = { reusedFrom: 'toy-0', device: 'cpu/test', evaluatorHash: 'a'.repeat(64), environmentHash: 'a'.repeat(64), mean: 2.5, sd: 0.02, measurements: [measurement(2.48), measurement(2.52)] };
    const w = await world({ measure: byPatch, calibrations: { find: async () => found, keep: async () => undefined } });
    await using _broker = await w.startBroker();
    await w.startNode('atlas');
    const lineage = await w.until((l) => l.bests.length === 1);
    expect([lineage.slotSeconds, lineage.bests[0]?.score, lineage.calibration?.reusedFrom]).toEqual([0, 2.5, 'toy-0']);
  });

  test('a broker that waits for a node says so, before one has come and when nothing is heard of it any more', async () => {
    const w = await world({ measure: byPatch });
    await using _broker = await w.startBroker();
    const why = async (): Promise<string> => (await w.ports.bus.ask(ActorState, { actor: 'broker' }, {}, { timeoutMs: 1000 })).why;
    await w.clock.advance(1_000);
    expect(await why()).toBe('measuring the baseline; no node has enrolled yet');
    const atlas = await w.startNode('atlas');
    await w.clock.advance(600);
    expect(await why()).toBe('measuring the baseline');
    atlas.stop();
    await w.clock.advance(5_000);
    expect(await why()).toBe('measuring the baseline; nothing is heard of its node');
  });

  test('a node with another evaluator than the run\'s is leased nothing, before calibration too, and the broker says why', async () => {
    const w = await world({ measure: byPatch });
    await using _broker = await w.startBroker();
    await w.startNode('odd', { enrolled: { evaluatorHash: 'b'.repeat(64) } });
    await w.clock.advance(2_000);
    const { why } = await w.ports.bus.ask(ActorState, { actor: 'broker' }, {}, { timeoutMs: 1000 });
    expect(why).toBe('measuring the baseline; node odd measures differently (its evaluator bbbbbbbbbbbb is not the run\'s aaaaaaaaaaaa)');
    await w.startNode('atlas');
    const lineage = await w.until((l) => l.bests.length === 1);
    expect([...(lineage.trials.get('t0000')?.replicates.values() ?? [])].map((r) => r.measured?.node)).toEqual(['atlas', 'atlas', 'atlas']);
    expect(w.ports.presence.logged.filter(({ message, fields }) => message.includes('gets no lease') && fields['node'] === 'odd')).toHaveLength(1);
  });

  test('a measurement that its node\'s newest key did not sign is not counted, and the broker says so', async () => {
    const w = await world({ measure: byPatch, verify: (_, { trial }, signature) => trial === 't0000' || signature === 'newest' });
    await using _broker = await w.startBroker();
    await w.startNode('atlas');
    await w.until((l) => l.bests.length === 1);
    await w.propose('loss=2.4');
    await w.until((l) => l.trials.get('t0001')?.replicates.get('s1')?.measured !== undefined && l.leases.size === 0);
    expect(w.ports.presence.logged.filter(({ level, message }) => level === 'warn' && message.includes('--node')).map(({ fields }) => fields)).toMatchObject([{ trial: 't0001', node: 'atlas' }]);
  });

  test('a stranger\'s message in the stream is passed over and the run goes on', async () => {
    const w = await world({ measure: byPatch });
    await using _broker = await w.startBroker();
    w.ports.journal.inject('brigade.evt.toy-1.trial.result.t0000', '{"status":"keep","score":1e999}');
    w.ports.journal.inject('brigade.evt.toy-1.nonsense.x', 'not json');
    await w.startNode('atlas');
    await w.until((l) => l.bests.length === 1);
    expect(w.ports.presence.logged.some((line) => line.message.includes('passed over'))).toBe(true);
  });
});

test('the broker chart can stand in nine stages, nothing but a resume follows a stop, and whoever stands by sees no stage until it has a term', () => {
  const stages = ['waiting', 'calibrating', 'running', 'paused', 'finishing', 'claiming', 'stopped'] as const;
  const paths = getShortestPaths(brokerMachine, { events: [{ type: 'term.taken' }, { type: 'term.lost' }, ...stages.map((stage) => ({ type: 'lineage.advanced', stage }) as const)] });
  expect(paths.map((path) => path.state.value).sort()).toEqual(['calibrating', 'claiming', 'finishing', 'paused', 'recovering', 'running', 'standby', 'stopped', 'waiting']);
  const stopped = paths.find((path) => path.state.value === 'stopped')?.state;
  expect(stages.filter((stage) => stopped?.can({ type: 'lineage.advanced', stage }))).toEqual(['calibrating', 'running']);
  const standby = paths.find((path) => path.state.value === 'standby')?.state;
  expect(stages.filter((stage) => standby?.can({ type: 'lineage.advanced', stage }))).toEqual([]);
});

test('a node that reads its lease before the broker has folded it is not told that it lapsed', async () => {
  const w = await world({ measure: byPatch });
  const { RenewLease } = await import('../../src/protocols/trial.ts');
  await using _broker = await w.startBroker();
  await w.startNode('atlas', { deaf: true });
  const record = w.ports.journal.record.bind(w.ports.journal);
  const answers: unknown[] = [];
  w.ports.journal.record = (async (...said: Parameters<typeof record>) => {
    const stored = await record(...said);
    if (said[0] === 'lease.granted') answers.push(await w.ports.bus.ask(RenewLease, RUN, { trial: said[1][0] ?? '', replicate: said[1][1] ?? '', attempt: 1, node: 'atlas' }, { timeoutMs: 1000 }));
    return stored;
  }) as typeof record;
  await w.until((l) => l.leases.size > 0 && answers.length > 0);
  expect(answers[0]).toEqual({ kind: 'renewed' });
});
