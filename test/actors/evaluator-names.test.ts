import { expect, test } from 'vitest';
import { startEvaluator, type Evaluator } from '../../src/actors/evaluator/index.ts';
import { openClock } from '../../src/adapters/clock/index.ts';
import { memoryPorts } from '../../src/adapters/memory/index.ts';
import { canonicalRecipe } from '../../src/domain/recipe.ts';
import { NoAnswer, type Bus } from '../../src/ports.ts';
import { NamedActorState } from '../../src/protocols/actor.ts';
import { RenewLease } from '../../src/protocols/trial.ts';
import { pretendMachine, SPEC, surfaceOf } from './pretend-machine.ts';

// Two evaluators under one name.

test('a node that was paused while another enrolled under its name ends as soon as it reads of it, with what it ran, and leaves the name to the other', async () => {
  const ports = memoryPorts('run', openClock());
  ports.bus.serve(RenewLease, {}, () => ({ kind: 'renewed' }));
  const start = (bus: Bus, one: ReturnType<typeof pretendMachine>): Promise<Evaluator> => startEvaluator({ ...ports, bus }, one.needs, {
    node: 'atlas', surface: surfaceOf(1), spec: SPEC, signal: new AbortController().signal, slots: [{ slot: 'cpu0', kind: 'cpu', memoryBytes: 1, cores: [0] }],
  });
  const [old, young] = [pretendMachine(), pretendMachine()];
  const first = await start(ports.bus, old);
  await ports.journal.record('lease.granted', ['t0001', 's1', '1'], { trial: 't0001', replicate: 's1', attempt: 1, node: 'atlas', slots: ['cpu0'], purpose: 'search', ttlMs: 30_000, snapshot: await ports.blobs.put(new TextEncoder().encode(canonicalRecipe({}))) });
  await expect.poll(() => old.seen).toEqual(['train began']);
  const deaf: Bus['ask'] = async (command, ids, ...rest) => { // the first says nothing while it is paused
    if (command.pattern === NamedActorState.pattern) throw new NoAnswer(command.subject(ids), 'timeout', 'nobody answered');
    return ports.bus.ask(command, ids, ...rest);
  };
  await using _second = await start({ ...ports.bus, ask: deaf }, young);
  await expect(first.done).rejects.toThrow('another evaluator has enrolled in run as atlas since: give each its own --node, or end one of them');
  expect(old.seen).toEqual(['train began', 'train was killed']);
  await first[Symbol.asyncDispose]();
  expect(await ports.bus.ask(NamedActorState, { actor: 'evaluator', run: 'run', name: 'atlas' }, {}, { timeoutMs: 1_000 }), 'the other goes on').toMatchObject({ state: 'serving' });
  expect(young.seen, 'what was leased to the start before is not for it').toEqual([]);
});
