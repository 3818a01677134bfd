import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { EvaluatorSpec } from '../../domain/surface.ts';
import { readData, type PinnedFile } from './data.ts';
import { readDescribed, type Described, type Path } from './document.ts';
import { inside, name, number, size, whole, words } from './field.ts';
import { demand, hashFiles, listFiles, listFolders } from './folder.ts';
import { findOnMachine, place } from './machine.ts';
import { BadSurface } from './bad-surface.ts';
import { unfit } from './pattern.ts';

// Evaluators as they lie in their folders.
//
//   E1. An evaluator's hash covers all that decides a score: its programs, the digests of its data, and the sandbox's own programs.
//   E2. Data that differ from their digest are refused; data that are not there yet are listed as missing.

const command = z.array(words, 'list the command and its arguments').min(1, 'list the command and its arguments').max(64, 'list at most 64 arguments');
const seconds = number(0, 1_000_000);
const pattern = words.superRefine((text, context) => {
  const reason = unfit(text);
  if (reason !== null) context.addIssue({ code: 'custom', message: `${text} ${reason}: give a regular expression of plain characters, classes, groups and repeats` });
});

const EvaluatorSchema = z.strictObject({
  objective: z.strictObject({
    metric: name, unit: words, direction: z.enum(['minimize', 'maximize'], 'give minimize or maximize'),
    range: z.tuple([z.number(), z.number()], 'give [lowest, highest]').refine(([low, high]) => low < high, 'give the lowest possible score first'),
    confirm: z.literal('fresh', 'give fresh, or leave it out to reuse the incumbent\'s replicates').optional(),
  }),
  python: place.optional(),
  mounts: z.record(name, place).default({}),
  scoreSource: z.enum(['evaluator', 'recipe'], 'give evaluator, or recipe where the score can only be what the recipe says of itself').default('evaluator'),
  seeds: z.union([whole(1, 100), z.strictObject({ search: whole(1, 100), confirm: whole(1, 100), final: whole(1, 100) })], 'give a number from 1 to 100, or one each for search, confirm and final').default(1),
  score: z.strictObject({ seconds: z.array(name).min(1, 'name the phases whose seconds are the score') }).nullable().default(null),
  artifact: z.strictObject({ file: inside, cap: size.nullable() }),
  limits: z.strictObject({ memory: size, processes: whole(1, 65_536), openFiles: whole(8, 1_048_576), scratch: size, log: size }),
  phases: z.array(z.strictObject({
    name, role: z.enum(['smoke', 'train', 'eval'], 'give smoke, train or eval'), command, scorer: command.nullable().default(null), auditor: command.nullable().default(null),
    clock: z.enum(['calibrated', 'wall'], 'give calibrated or wall'), budget: seconds, tolerance: seconds.default(0), wall: seconds, data: z.array(name).default([]),
    milestones: z.array(z.strictObject({ name, until: pattern.nullable().default(null), budget: seconds, tolerance: seconds.default(0) })).max(8, 'list at most 8').default([]),
  }), 'list the phases').min(1, 'list at least one phase').max(16, 'list at most 16'),
  gates: z.array(z.strictObject({ name, limit: z.number('give a number'), at: z.enum(['least', 'most'], 'give least or most') })).default([]),
  canaries: z.array(z.strictObject({ name, expect: z.enum(['scores', 'measures', 'tampered', 'disqualified', 'crash', 'preflight_crash', 'gains nothing'], 'give scores, measures, tampered, disqualified, crash, preflight_crash or gains nothing'), train: seconds.default(1) })).default([]),
  columns: z.strictObject({ before: z.array(name), after: z.array(name) }).nullable().default(null),
  folders: z.array(name, 'list data sets that are folders').default([]),
  checksums: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/, 'give a SHA-256 in 64 lower-case hexadecimal digits')).default({}),
});
export type EvaluatorFile = Described<z.infer<typeof EvaluatorSchema>>;

/** An evaluator with its folder. */
export interface LoadedEvaluator extends EvaluatorSpec {
  readonly dir: string;
  /** Data sets, and an interpreter, that set-up has not made yet; nothing can be measured until it has. */
  readonly missing: readonly string[];
  /** Whether `brigade surfaces setup` makes what is missing, because it comes from upstream; else set-up does, or in a project of somebody's own the evaluator's prepare.mjs by hand. */
  readonly isMadeFromUpstream: boolean;
  /** Every file of the data sets that are folders, with its digest. */
  readonly pinned: readonly PinnedFile[];
}

/** Names of the evaluators of a project. */
export const listEvaluators = (root: string): Promise<readonly string[]> => listFolders(join(root, 'evaluators'), 'evaluator.yaml');

/** Reads one evaluator. `dataDir` holds the prepared data of all evaluators, a folder each; `verify` reads every byte of them. Throws `BadSurface` with every problem found. */
export async function loadEvaluator(root: string, evaluator: string, { dataDir, verify = false }: { readonly dataDir: string; readonly verify?: boolean }): Promise<LoadedEvaluator> {
  demand('evaluator', evaluator, await listEvaluators(root));
  const dir = join(root, 'evaluators', evaluator);
  const shown = `evaluators/${evaluator}`;
  const described = await readDescribed(join(dir, 'evaluator.yaml'), `${shown}/evaluator.yaml`, EvaluatorSchema);
  const { value } = described;
  const files = await listFiles(dir, shown);
  const data = await readData(described, join(dataDir, evaluator), verify);
  const machine = await findOnMachine(described, root);
  const problems = [...problemsOf(described, files), ...data.problems, ...machine.problems];
  if (problems.length > 0) throw new BadSurface(problems);
  const warden = wardenDir();
  const programs = await listFiles(warden, 'src/adapters/sandbox/warden').catch(() => []);
  return {
    name: evaluator, dir, missing: [...data.missing, ...machine.missing], pinned: data.pinned, isMadeFromUpstream: value.folders.length > 0 || machine.missing.length > 0,
    python: machine.python, mounts: machine.mounts, folders: value.folders, objective: value.objective, scoreSource: value.scoreSource, gates: value.gates, 
    ...(typeof value.seeds === 'number' ? { seeds: value.seeds } : { seeds: value.seeds.search, seedsFor: value.seeds }), scoreSeconds: value.score?.seconds ?? null,
    canaries: value.canaries.map(({ train, ...canary }) => ({ ...canary, trainSeconds: train })),
    artifact: { file: value.artifact.file, capBytes: value.artifact.cap },
    phases: value.phases.map(({ budget, tolerance, wall, milestones, ...phase }) => ({
      ...phase, budgetSeconds: budget, toleranceSeconds: tolerance, wallSeconds: wall,
      milestones: milestones.map((one) => ({ name: one.name, until: one.until, budgetSeconds: one.budget, toleranceSeconds: one.tolerance })),
    })),
    limits: { memoryBytes: value.limits.memory, processes: value.limits.processes, openFiles: value.limits.openFiles, scratchBytes: value.limits.scratch, logBytes: value.limits.log },
    columns: columnsOf(value),
    hash: await hashFiles([ // E1: the digests of single files stand in evaluator.yaml, those of folders in their manifests
      ...files.filter((path) => !path.endsWith('.md') && path !== 'standalone.py').map((path) => ({ path, at: join(dir, path) })),
      ...programs.filter((path) => path.endsWith('.py')).map((path) => ({ path: `sandbox/${path}`, at: join(warden, path) })),
    ], data.digests),
  };
}

/** The sandbox's own programs, where the sandbox finds them: beside this file's folder, or in the sources beside a build. */
function wardenDir(): string {
  const beside = join(import.meta.dirname, '..', 'sandbox', 'warden');
  return existsSync(beside) ? beside : join(import.meta.dirname, '..', '..', '..', 'src', 'adapters', 'sandbox', 'warden');
}

function columnsOf({ columns, objective, phases }: EvaluatorFile['value']): readonly string[] {
  const measured = phases.filter(({ role }) => role !== 'smoke').map((phase) => `${phase.name}_s`);
  const { before, after } = columns ?? { before: [objective.metric], after: ['artifact_bytes', ...measured, 'total_s'] };
  return [...before, 'delta_vs_best', ...after];
}

function problemsOf({ value, problem }: EvaluatorFile, files: readonly string[]): string[] {
  const problems: string[] = [];
  const first = new Set<string>();
  for (const [i, phase] of value.phases.entries()) {
    for (const called of [phase.name, ...phase.milestones.map((milestone) => milestone.name).filter((milestone) => milestone !== phase.name)]) {
      if (first.has(called)) problems.push(problem(['phases', i, 'name'], `two phases are called ${called}: give each its own name.`));
      first.add(called);
    }
    if (phase.wall < phase.budget) problems.push(problem(['phases', i, 'wall'], `${phase.wall} s is less than the budget of ${phase.budget} s: the wall limit is the last resort, give more.`));
    problems.push(...problemsOfMilestones(phase, (path, message) => problem(['phases', i, ...path], message)));
    for (const [key, command] of [['command', phase.command], ['auditor', phase.auditor ?? []], ['scorer', phase.scorer ?? []]] as const) {
      const missing = command.map((word) => (key === 'scorer' ? word : word.startsWith('/eval/') ? word.slice('/eval/'.length) : '')).find((word) => word.endsWith('.py') && !word.startsWith('/') && !files.includes(word));
      if (missing !== undefined) problems.push(problem(['phases', i, key], `${missing} is not in the evaluator's folder: add it, or name the program that is.`));
    }
    if (phase.auditor && !phase.scorer) problems.push(problem(['phases', i, 'auditor'], 'an auditor is asked by a scorer: name a scorer too.'));
    for (const [j, set] of phase.data.entries()) {
      if (value.checksums[set] === undefined && !value.folders.includes(set)) problems.push(problem(['phases', i, 'data', j], `${set} has no digest under checksums and is not among folders: add the SHA-256 of its file, or name the folder.`));
    }
  }
  if (!value.phases.some(({ role, scorer }) => role === 'eval' && scorer !== null)) problems.push(problem(['phases'], 'no phase has the role eval and a scorer: the score must come from a program of the evaluator.'));
  for (const [i, timed] of value.score?.seconds.entries() ?? []) {
    const phase = value.phases.find(({ name: called, role }) => called === timed && role !== 'smoke');
    if (phase === undefined) problems.push(problem(['score', 'seconds', i], `${timed} is no phase that trains or evaluates: name those whose seconds are the score.`));
    else if (phase.milestones.some(({ until }) => until !== null)) problems.push(problem(['score', 'seconds', i], `the stretches of ${timed} end where the recipe prints a line, so it could choose its own score: time the whole phase, with one milestone and no until, or without milestones.`));
  }
  if (value.score !== null && value.scoreSource === 'recipe') problems.push(problem(['scoreSource'], 'a score in seconds is the evaluator\'s own: leave scoreSource out, or leave out score.'));
  for (const [i, canary] of value.canaries.entries()) {
    if (!files.some((path) => path.startsWith(`canaries/${canary.name}/`))) problems.push(problem(['canaries', i, 'name'], `canaries/${canary.name}/ holds no file: lay those there that differ from the baseline; for one that differs in nothing a README.md will do.`));
  }
  return problems;
}

type PhaseFile = EvaluatorFile['value']['phases'][number];

function problemsOfMilestones({ name: phase, milestones, wall }: PhaseFile, problem: (path: Path, message: string) => string): string[] {
  if (milestones.length === 0) return [];
  const problems: string[] = [];
  if (milestones.filter((milestone) => milestone.name === phase).length !== 1) problems.push(problem(['milestones'], `one milestone must be called ${phase}, as its phase is: that is the stretch whose budget the recipe is told.`));
  for (const [i, { until }] of milestones.entries()) if (until === null && i < milestones.length - 1) problems.push(problem(['milestones', i], 'only the last milestone ends with the phase: give until, the line that ends this one.'));
  const longest = milestones.reduce((sum, { budget, tolerance }) => sum + budget + tolerance, 0);
  if (longest > wall) problems.push(problem(['wall'], `${wall} s is less than the milestones' ${longest} s together: the wall limit is the last resort, give more.`));
  return problems;
}
