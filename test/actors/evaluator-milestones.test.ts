import { expect, test } from 'vitest';
import { afterPhase, conclude, nothingFound } from '../../src/actors/evaluator/decide.ts';
import { readingsOfSeed } from '../../src/actors/evaluator/seeds.ts';
import type { PhaseEnd } from '../../src/domain/phase.ts';
import type { EvaluatorSpec, PhaseSpec } from '../../src/domain/surface.ts';

const milestone = (name: string, until: string | null, budgetSeconds: number, toleranceSeconds = 0) => ({ name, until, budgetSeconds, toleranceSeconds });
const phase = (role: PhaseSpec['role'], milestones: PhaseSpec['milestones']): PhaseSpec => ({
  name: role, role, command: ['python'], scorer: role === 'eval' ? ['python'] : null, auditor: null, clock: 'wall', budgetSeconds: 1100, toleranceSeconds: 0, wallSeconds: 1200, milestones, data: [],
});
const train = phase('train', [milestone('compile', 'warm', 300), milestone('train', 'trained', 600, 0.5), milestone('pack', null, 120)]);
const evaluation = phase('eval', [milestone('load', 'loaded', 300), milestone('eval', null, 600)]);
const spec: EvaluatorSpec = {
  name: 'mine', objective: { metric: 'loss', unit: 'x', direction: 'minimize', range: [0, 16] }, scoreSource: 'evaluator', seeds: 2, scoreSeconds: null, python: null, mounts: {}, folders: [], phases: [train, evaluation],
  artifact: { file: 'artifact.bin', capBytes: null }, gates: [], limits: { memoryBytes: 1, processes: 1, openFiles: 1, scratchBytes: 1, logBytes: 1 }, canaries: [], columns: [], hash: 'e'.repeat(64),
};
const end = (kind: Partial<PhaseEnd> & { kind: PhaseEnd['kind'] }, milestones: PhaseEnd['milestones']): PhaseEnd => ({ seconds: 700, wallSeconds: milestones?.reduce((sum, { seconds }) => sum + seconds, 0), scored: null, logTail: '', milestones, ...kind }) as PhaseEnd;
const after = (which: PhaseSpec, ended: PhaseEnd) => afterPhase(nothingFound, spec, which, { end: ended, scored: null, unreadable: null, changed: null, sealed: null, recipeBytes: 0 });
const failureOf = (found: ReturnType<typeof after>) => conclude(found, { seed: 1, scoreSource: 'evaluator', device: 'x', evaluatorHash: '', environmentHash: '', sandbox: 'none', log: null }).failure;

test('a phase with milestones is read one by one, not as a whole', () => {
  const found = after(train, end({ kind: 'exited', code: 0 } as never, [{ name: 'compile', seconds: 90, reached: true }, { name: 'train', seconds: 600.04, reached: true }, { name: 'pack', seconds: 9, reached: true }]));
  expect(found.readings).toEqual([{ name: 'compile', seconds: 90, wallSeconds: 90, censored: false }, { name: 'train', seconds: 600.04, wallSeconds: 600.04, censored: false }, { name: 'pack', seconds: 9, wallSeconds: 9, censored: false }]);
  expect(found.isOver).toBe(false);
});

test('a milestone that had its time is an overrun of that stretch, with its own budget, and its reading is censored', () => {
  const found = after(train, end({ kind: 'over-budget', by: 'milestone' } as never, [{ name: 'compile', seconds: 90, reached: true }, { name: 'train', seconds: 600.52, reached: false }]));
  expect(failureOf(found)).toEqual({ kind: 'train_budget_overrun', phase: 'train', seconds: 600.52, budget: 600, censored: true });
  expect(found.readings.map(({ name, censored }) => [name, censored])).toEqual([['compile', false], ['train', true]]);
  expect(failureOf(after(evaluation, end({ kind: 'over-budget', by: 'milestone' } as never, [{ name: 'load', seconds: 20, reached: true }, { name: 'eval', seconds: 600.02, reached: false }])))).toMatchObject({ kind: 'eval_budget_overrun', phase: 'eval', budget: 600 });
});

test('a phase that passed its budget as a whole is named by all its stretches, for the one that bears its name was in time', () => {
  const reached = [{ name: 'compile', seconds: 290, reached: true }, { name: 'train', seconds: 590, reached: true }, { name: 'pack', seconds: 20.01, reached: false }];
  expect(failureOf(after({ ...train, budgetSeconds: 900 }, end({ kind: 'over-budget', by: 'clock', seconds: 900.01 } as never, reached)))).toEqual({ kind: 'train_budget_overrun', phase: 'compile + train + pack', seconds: 900.01, budget: 900, censored: true });
});

test('what an audit took is on no stretch, and is in the time that the slot was held', () => {
  const ended = { ...end({ kind: 'exited', code: 0 } as never, [{ name: 'load', seconds: 20, reached: true }, { name: 'eval', seconds: 500, reached: true }]), wallSeconds: 580 };
  expect(after(evaluation, ended).readings.map(({ name, seconds, wallSeconds }) => [name, seconds, wallSeconds])).toEqual([['load', 20, 20], ['eval', 500, 560]]);
});

test('a run that ends well before the line of a milestone has crashed there', () => {
  const found = after(train, end({ kind: 'exited', code: 0 } as never, [{ name: 'compile', seconds: 90, reached: false }]));
  expect(failureOf(found)).toMatchObject({ kind: 'crash', phase: 'train', exception: expect.stringContaining('ended in compile') });
});

test('the next seed begins after whichever milestone its evaluation ended in', () => {
  const reading = (name: string) => ({ name, seconds: 1, wallSeconds: 1, censored: false });
  expect(readingsOfSeed(spec, ['compile', 'train', 'pack', 'load', 'eval', 'compile', 'train'].map(reading)).map(({ name }) => name)).toEqual(['compile', 'train']);
});
