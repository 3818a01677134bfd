import { expect, test } from 'vitest';
import { startEvaluator } from '../../src/actors/evaluator/index.ts';
import { memoryPorts, virtualClock } from '../../src/adapters/memory/index.ts';
import type { Fact } from '../../src/domain/fact.ts';
import { canonicalRecipe } from '../../src/domain/recipe.ts';
import { NamedActorState } from '../../src/protocols/actor.ts';
import { RenewLease } from '../../src/protocols/trial.ts';
import { pretendMachine, SPEC, surfaceOf } from './pretend-machine.ts';

// A machine on which something waits for ever, as for a disk that is gone.

test('a measurement that waits for its machine for ever is let go when its phases have had their time, and its slot is drained, so that another node does the one and a start of this one clears the other', async () => {
  const clock = virtualClock();
  const ports = memoryPorts('run', clock);
  let renewals = 0;
  ports.bus.serve(RenewLease, {}, () => { renewals += 1; return { kind: 'renewed' }; });
  const { needs } = pretendMachine();
  const sandbox = { ...needs.sandbox, open: async () => ({ run: () => new Promise<never>(() => undefined), beat: () => undefined, [Symbol.asyncDispose]: async () => undefined }) };
  const node = await startEvaluator(ports, { ...needs, sandbox }, {
    node: 'atlas', surface: surfaceOf(1), spec: SPEC, signal: new AbortController().signal, slots: [0, 1].map((n) => ({ slot: `cpu${n}`, kind: 'cpu', memoryBytes: 1, cores: [n] })),
  });
  const snapshot = await ports.blobs.put(new TextEncoder().encode(canonicalRecipe({})));
  await ports.journal.record('lease.granted', ['t0001', 's1', '1'], { trial: 't0001', replicate: 's1', attempt: 1, node: 'atlas', slots: ['cpu0'], purpose: 'search', ttlMs: 30_000, snapshot });
  const drained = async (): Promise<Fact[]> => {
    const found: Fact[] = [];
    for await (const fact of ports.journal.follow({ after: 0, until: await ports.journal.position() })) if (fact.word === 'node.enrolled' && fact.body.drained !== undefined) found.push(fact);
    return found;
  };
  const wallMs = 1000 * SPEC.phases.reduce((sum, { wallSeconds }) => sum + wallSeconds, 0);
  await clock.advance(wallMs);
  expect([renewals > 10, await drained()]).toEqual([true, []]);
  await clock.advance(3_600_000);
  const after = renewals;
  await clock.advance(60_000);
  expect(renewals, 'its lease lapses').toBe(after);
  expect(await drained()).toMatchObject([{ body: { slots: [{ slot: 'cpu1' }], drained: [{ slot: 'cpu0', why: expect.stringContaining('does not end, though it was told to') as string }] } }]);
  expect(await ports.bus.ask(NamedActorState, { actor: 'evaluator', run: 'run', name: 'atlas' }, {}, { timeoutMs: 1_000 })).toMatchObject({ state: 'serving', why: '1 of 1 slots wait for a lease; drained: cpu0' });
  const gone = node[Symbol.asyncDispose]();
  await clock.advance(600_000);
  await gone;
});
