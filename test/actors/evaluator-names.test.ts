import { expect, test } from 'vitest';
import { startEvaluator, type Evaluator } from '../../src/actors/evaluator/index.ts';
import { openClock } from '../../src/adapters/clock/index.ts';
import { memoryPorts } from '../../src/adapters/memory/index.ts';
import { createSigner } from '../../src/adapters/signature/index.ts';
import { canonicalRecipe } from '../../src/domain/recipe.ts';
import type { EvaluatorSpec, Surface } from '../../src/domain/surface.ts';
import { NoAnswer, type Bench, type Bus, type PhaseEnd, type Sandbox, type Workbench } from '../../src/ports.ts';
import { NamedActorState } from '../../src/protocols/actor.ts';
import { RenewLease } from '../../src/protocols/trial.ts';
import { HASH, STARTED } from '../support/story.ts';

// Two evaluators under one name: what a machine runs is left out, for nothing of it matters here.

const PHASE = { auditor: null, clock: 'wall', budgetSeconds: 60, toleranceSeconds: 1, wallSeconds: 120, milestones: [], data: [] } as const;
const SPEC: EvaluatorSpec = {
  name: 'toy', objective: STARTED.objective, scoreSource: 'evaluator', seeds: 1, scoreSeconds: null, python: null, mounts: {}, folders: [], gates: [], canaries: [], columns: [], hash: HASH,
  phases: [{ ...PHASE, name: 'train', role: 'train', command: ['python', 'train.py'], scorer: null }],
  artifact: { file: 'artifact', capBytes: null }, limits: { memoryBytes: 1, processes: 1, openFiles: 1, scratchBytes: 1000, logBytes: 1000 },
};
const SURFACE: Surface = { name: 'toy', title: 'toy', evaluator: 'toy', roster: [], claims: [], addable: [], slots: { kind: 'cpu', count: 1, minimumMemoryBytes: 0 }, calibrationReplicates: 2, limits: { trials: 5, wallSeconds: 100 }, hash: HASH };

/** A slot whose phases end only when they are killed, and what becomes of them. */
function machine() {
  const seen: string[] = [];
  const sandbox: Sandbox = {
    level: 'bubblewrap', describes: 'a slot that runs nothing',
    open: async () => ({
      run: (job, { signal }) => new Promise<PhaseEnd>((resolve) => {
        seen.push(`${job.name} began`);
        signal.addEventListener('abort', () => { seen.push(`${job.name} was killed`); resolve({ kind: 'killed', why: 'aborted', seconds: 0, wallSeconds: 0, scored: null, logTail: '' }); }, { once: true });
      }),
      beat: () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    }),
  };
  const bench: Bench = { recipe: '/r', recipeBytes: 1, changed: async () => null, scratch: async () => ({ folder: '/s', log: '/l' }), seal: async () => ({ kind: 'missing' }) as never, place: async () => undefined, [Symbol.asyncDispose]: async () => undefined };
  const workbench: Workbench = {
    device: 'cpu/test', environmentHash: HASH, evaluator: '/e', data: '/d', dataSet: (name) => `/d/${name}`, changed: async () => null, differs: async () => null, canary: async () => ({}),
    recallCanaries: async () => [], rememberCanaries: async () => undefined, stage: async () => bench,
  };
  return { seen, needs: { sandbox, workbench, signer: createSigner() } };
}

test('a node that was paused while another enrolled under its name ends as soon as it reads of it, with what it ran, and leaves the name to the other', async () => {
  const ports = memoryPorts('run', openClock());
  ports.bus.serve(RenewLease, {}, () => ({ kind: 'renewed' }));
  const start = (bus: Bus, one: ReturnType<typeof machine>): Promise<Evaluator> => startEvaluator({ ...ports, bus }, one.needs, {
    node: 'atlas', surface: SURFACE, spec: SPEC, signal: new AbortController().signal, slots: [{ slot: 'cpu0', kind: 'cpu', memoryBytes: 1, cores: [0] }],
  });
  const [old, young] = [machine(), machine()];
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
