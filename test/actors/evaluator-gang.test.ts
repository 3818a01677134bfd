import { test } from 'vitest';
import { startEvaluator } from '../../src/actors/evaluator/index.ts';
import { openClock } from '../../src/adapters/clock/index.ts';
import { memoryPorts } from '../../src/adapters/memory/index.ts';
import { canonicalRecipe } from '../../src/domain/recipe.ts';
import { RenewLease } from '../../src/protocols/trial.ts';
import { pretendMachine, SPEC, surfaceOf } from './pretend-machine.ts';

// Leases of several slots.

test('when the first slot of a lease does not come back, the others of that lease are free for the next', async () => {
  const ports = memoryPorts('run', openClock());
  ports.bus.serve(RenewLease, {}, () => ({ kind: 'renewed' }));
  const { needs } = pretendMachine({ ends: 'in a crash', clear: async (slot) => { if (slot === 'cpu0') throw new Error('a process will not die'); } });
  await using _node = await startEvaluator(ports, needs, {
    node: 'atlas', surface: surfaceOf(2), spec: SPEC, signal: new AbortController().signal, slots: [0, 1, 2].map((n) => ({ slot: `cpu${n}`, kind: 'cpu', memoryBytes: 1, cores: [n] })),
  });
  const snapshot = await ports.blobs.put(new TextEncoder().encode(canonicalRecipe({})));
  const measured = async (trial: string, slots: readonly string[]): Promise<void> => {
    await ports.journal.record('lease.granted', [trial, 's1', '1'], { trial, replicate: 's1', attempt: 1, node: 'atlas', slots: [...slots], purpose: 'search', ttlMs: 30_000, snapshot });
    for await (const fact of ports.journal.follow({ after: 0 })) if (fact.word === 'trial.measured' && fact.ids[0] === trial) return;
  };
  await measured('t0001', ['cpu0', 'cpu1']);
  for await (const fact of ports.journal.follow({ after: 0 })) if (fact.word === 'node.enrolled' && fact.body.drained?.[0]?.slot === 'cpu0') break;
  await measured('t0002', ['cpu1', 'cpu2']);
});
