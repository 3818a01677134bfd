import { expect, test } from 'vitest';
import { startEvaluator, type Evaluator } from '../../src/actors/evaluator/index.ts';
import { openClock } from '../../src/adapters/clock/index.ts';
import { memoryPorts } from '../../src/adapters/memory/index.ts';
import type { Fact } from '../../src/domain/fact.ts';
import { canonicalRecipe } from '../../src/domain/recipe.ts';
import type { PhaseEnd, Workbench } from '../../src/ports.ts';
import { RenewLease } from '../../src/protocols/trial.ts';
import { pretendMachine, SPEC, surfaceOf } from './pretend-machine.ts';

// A node that can measure nothing: each lease that it went on to take would be an attempt of some trial lost.

const BROKEN: PhaseEnd = { kind: 'not-started', reason: 'OSError: [Errno 11] Resource temporarily unavailable', seconds: 0, wallSeconds: 0, scored: null, logTail: '' };

async function rig(ends: (trial: string) => PhaseEnd, bench: Partial<Workbench> = {}) {
  const ports = memoryPorts('run', openClock());
  ports.bus.serve(RenewLease, {}, () => ({ kind: 'renewed' }));
  const { needs } = pretendMachine();
  let now = '';
  const sandbox = { ...needs.sandbox, open: async () => ({ run: async () => ends(now), beat: () => undefined, [Symbol.asyncDispose]: async () => undefined }) };
  const node: Evaluator = await startEvaluator(ports, { ...needs, sandbox, workbench: { ...needs.workbench, ...bench } }, {
    node: 'atlas', surface: surfaceOf(1), spec: SPEC, signal: new AbortController().signal, slots: [0, 1].map((n) => ({ slot: `cpu${n}`, kind: 'cpu', memoryBytes: 1, cores: [n] })),
  });
  const snapshot = await ports.blobs.put(new TextEncoder().encode(canonicalRecipe({})));
  const facts = async (): Promise<Fact[]> => { const found: Fact[] = []; for await (const fact of ports.journal.follow({ after: 0, until: await ports.journal.position() })) found.push(fact); return found; };
  return {
    node, facts,
    async measure(trial: string, attempt = 1): Promise<void> {
      now = trial;
      await ports.journal.record('lease.granted', [trial, 's1', String(attempt)], { trial, replicate: 's1', attempt, node: 'atlas', slots: ['cpu0'], purpose: 'search', ttlMs: 30_000, snapshot });
      for await (const fact of ports.journal.follow({ after: 0 })) if (fact.word === 'trial.measured' && fact.ids[0] === trial && fact.ids[2] === String(attempt)) return;
    },
    drained: async () => (await facts()).flatMap((fact) => (fact.word === 'node.enrolled' ? fact.body.drained ?? [] : [])),
  };
}

test('a slot in which none of three trials could be measured is drained; one trial that cannot be, however often it is tried, takes no slot with it', async () => {
  const r = await rig((trial) => (trial.startsWith('bad') ? BROKEN : { ...BROKEN, kind: 'exited', code: 1 }));
  for (const [trial, attempt] of [['bad1', 1], ['bad1', 2], ['bad1', 3], ['bad2', 1], ['good', 1], ['bad3', 1], ['bad4', 1]] as const) await r.measure(trial, attempt);
  expect(await r.drained()).toEqual([]);
  await r.measure('bad5');
  await expect.poll(r.drained).toEqual([{ slot: 'cpu0', why: '3 trials in a row could not be measured in it, the last: OSError: [Errno 11] Resource temporarily unavailable' }]);
  await r.node[Symbol.asyncDispose]();
});

test('a node of which a trusted file was changed measures nothing more and ends, for a new start to take the file as it is', async () => {
  let changed: string | null = null;
  const r = await rig(() => ({ ...BROKEN, kind: 'exited', code: 1 }), { changed: async () => changed });
  await r.measure('t0001');
  changed = '/data/train.bin';
  await r.measure('t0002');
  await expect(r.node.done).rejects.toThrow('a trusted file is not what it was (/data/train.bin) after its last measurement: a new start takes it as it is, where that is still what the run was started with');
  expect((await r.facts()).flatMap((fact) => (fact.word === 'trial.measured' ? [fact.body.measurement.failure?.kind] : []))).toEqual(['crash', 'harness_abort']);
  await r.node[Symbol.asyncDispose]();
});
