import type { EvaluatorSpec, Surface } from '../../src/domain/surface.ts';
import { createSigner } from '../../src/adapters/signature/index.ts';
import type { Bench, PhaseEnd, Sandbox, Workbench } from '../../src/ports.ts';
import { HASH, STARTED } from '../support/story.ts';

// A machine of which nothing runs: for tests of what a node makes of its leases, where what a recipe does is of no matter.

const PHASE = { auditor: null, clock: 'wall', budgetSeconds: 60, toleranceSeconds: 1, wallSeconds: 120, milestones: [], data: [] } as const;
export const SPEC: EvaluatorSpec = {
  name: 'toy', objective: STARTED.objective, scoreSource: 'evaluator', seeds: 1, scoreSeconds: null, python: null, mounts: {}, folders: [], gates: [], canaries: [], columns: [], hash: HASH,
  phases: [{ ...PHASE, name: 'train', role: 'train', command: ['python', 'train.py'], scorer: null }],
  artifact: { file: 'artifact', capBytes: null }, limits: { memoryBytes: 1, processes: 1, openFiles: 1, scratchBytes: 1000, logBytes: 1000 },
};
export const surfaceOf = (count: number): Surface => ({ name: 'toy', title: 'toy', evaluator: 'toy', roster: [], claims: [], addable: [], slots: { kind: 'cpu', count, minimumMemoryBytes: 0 }, calibrationReplicates: 2, limits: { trials: 5, wallSeconds: 100 }, hash: HASH });

const NOTHING = { seconds: 0, wallSeconds: 0, scored: null, logTail: '' };

/** Slots whose phases end when they are killed, or at once in a crash; `clear` may throw for a slot that does not come back. What became of the phases is in `seen`. */
export function pretendMachine({ ends = 'when killed', clear = async () => undefined }: { readonly ends?: 'when killed' | 'in a crash'; readonly clear?: (slot: string) => Promise<void> } = {}) {
  const seen: string[] = [];
  const sandbox: Sandbox = {
    level: 'bubblewrap', describes: 'a slot that runs nothing',
    open: async () => ({
      run: (job, { signal }) => new Promise<PhaseEnd>((resolve) => {
        seen.push(`${job.name} began`);
        if (ends === 'in a crash') resolve({ ...NOTHING, kind: 'exited', code: 1 });
        signal.addEventListener('abort', () => { seen.push(`${job.name} was killed`); resolve({ ...NOTHING, kind: 'killed', why: 'aborted' }); }, { once: true });
      }),
      beat: () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    }),
  };
  const bench = (slot: string): Bench => ({
    recipe: '/r', recipeBytes: 1, changed: async () => null, scratch: async () => ({ folder: '/s', log: '/l' }), seal: async () => ({ kind: 'sealed', path: '/a', file: 'artifact', bytes: 1, sha256: HASH }), place: async () => undefined,
    [Symbol.asyncDispose]: () => clear(slot),
  });
  const workbench: Workbench = {
    device: 'cpu/test', environmentHash: HASH, evaluator: '/e', data: '/d', dataSet: (name) => `/d/${name}`, changed: async () => null, differs: async () => null, canary: async () => ({}),
    recallCanaries: async () => [], rememberCanaries: async () => undefined, stage: async (slot) => bench(slot),
  };
  return { seen, needs: { sandbox, workbench, signer: createSigner() } };
}
