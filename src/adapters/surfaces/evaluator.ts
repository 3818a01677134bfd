import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { EvaluatorSpec } from '../../domain/surface.ts';
import { finite, line, token } from '../../protocols/message.ts';
import { BadSurface, readDocument } from './document.ts';
import { filesBelow, hashOf } from './folder.ts';
import { bytes } from './size.ts';

const Command = z.array(z.string().min(1)).min(1);
const EvaluatorFile = z.strictObject({
  objective: z.strictObject({ metric: token, unit: line(32), direction: z.enum(['minimize', 'maximize']), range: z.tuple([finite, finite]) }),
  artifact: z.strictObject({ file: line(120), cap: bytes.nullable().default(null) }),
  limits: z.strictObject({ memory: bytes, processes: z.int().min(1), openFiles: z.int().min(16), scratch: bytes, log: bytes }),
  phases: z.array(z.strictObject({
    name: token, role: z.enum(['smoke', 'train', 'eval']), command: Command, auditor: Command.nullable().default(null), scorer: Command.nullable().default(null),
    clock: z.enum(['calibrated', 'wall']), budget: finite.gt(0), tolerance: finite.min(0).default(0), wall: finite.gt(0), data: z.array(token).default([]),
  })).min(1).max(16),
  gates: z.array(z.strictObject({ name: token, limit: finite, at: z.enum(['least', 'most']) })).default([]),
  canaries: z.array(z.strictObject({ name: token, expect: z.enum(['scores', 'tampered', 'disqualified', 'crash', 'preflight_crash', 'gains nothing']) })).min(1),
  columns: z.strictObject({ before: z.array(token), after: z.array(token) }).default({ before: [], after: [] }),
  checksums: z.record(token, z.string().regex(/^[0-9a-f]{64}$/)).default({}),
});

/** An evaluator folder, read and checked, with the checksums its prepared data must have. */
export type LoadedEvaluator = EvaluatorSpec & { readonly dir: string; readonly checksums: Readonly<Record<string, string>> };

/** Reads `evaluators/<name>/evaluator.yaml`. Throws `BadSurface` with file, line and field. */
export async function loadEvaluator(root: string, name: string, _options?: { readonly dataDir?: string }): Promise<LoadedEvaluator> {
  const dir = join(root, 'evaluators', name);
  const { value: file, where } = await readDocument(root, join(dir, 'evaluator.yaml'), EvaluatorFile);
  if (!file.phases.some(({ role }) => role === 'eval')) throw new BadSurface(`${where(['phases'])}  phases: one phase must have the role eval, or nothing is ever scored`);
  const overlays: readonly string[] = await readdir(join(dir, 'canaries')).catch(() => []);
  for (const [i, canary] of file.canaries.entries()) {
    if (!overlays.includes(canary.name)) throw new BadSurface(`${where(['canaries', i])}  canaries.${i}: there is no folder canaries/${canary.name}: add it, with the files it puts over the baseline (it may hold only a README)`);
  }
  const own = (await filesBelow(dir)).filter((path) => !path.endsWith('.md')).map((path) => ({ name: path, path: join(dir, path) }));
  // The sandbox's trusted programs decide times and endings, so they are part of what a score means.
  const wardenDir = join(root, 'src', 'adapters', 'sandbox', 'warden');
  const warden = (await filesBelow(wardenDir)).map((path) => ({ name: `warden/${path}`, path: join(wardenDir, path) }));
  return {
    name, dir, objective: file.objective, checksums: file.checksums,
    phases: file.phases.map(({ budget, tolerance, wall, ...rest }) => ({ ...rest, budgetSeconds: budget, toleranceSeconds: tolerance, wallSeconds: wall })),
    artifact: { file: file.artifact.file, capBytes: file.artifact.cap },
    gates: file.gates, canaries: file.canaries,
    limits: { memoryBytes: file.limits.memory, processes: file.limits.processes, openFiles: file.limits.openFiles, scratchBytes: file.limits.scratch, logBytes: file.limits.log },
    columns: [...new Set([file.objective.metric, ...file.columns.before, 'delta_vs_best', ...file.columns.after])],
    hash: await hashOf([...own, ...warden], Object.entries(file.checksums).sort().flat()),
  };
}
