import { createHash, randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { z } from 'zod';
import type { SandboxLevel } from '../../domain/measurement.ts';
import type { Recipe } from '../../domain/recipe.ts';
import type { EvaluatorSpec } from '../../domain/surface.ts';
import type { Bench, PassedCanary, Workbench } from '../../ports.ts';
import { birthOf } from './birth.ts';
import { deviceClass, hashEnvironment } from './environment.ts';
import { findChange, pin, pinNew, sha256Of, type Pins } from './pins.ts';
import { requireRoom } from './room.ts';
import { seal } from './seal.ts';

// A node's own disk.
//
//   K1. What a sandbox sees as /eval is a copy made at the start: nothing that a recipe could reach is anybody's source.
//   K2. Trusted programs and data are compared with their pins before and after every measurement.
//   K3. A recipe is laid out in a folder made for this one measurement and removed after it.
//   K4. Every start has a folder of its own, named after its process and its birth, and removes it when it ends: what starts that died have left is removed,
//       what a living one uses is not touched. A number alone names no process: a container gives the same to each of its starts.
//   K5. A node begins with room for what one phase may leave, so that one whose disk is full does not enrol again and again.

/** Where things lie on this machine. */
export interface WorkbenchOptions {
  readonly python: string;
  /** `evaluators/<name>`. */
  readonly evaluatorDir: string;
  readonly dataDir: string;
  /** The folder of this node; each start of it has one of its own within. */
  readonly workDir: string;
  /** Where passed canaries are remembered, for all runs. */
  readonly canaryDir: string;
  readonly spec: EvaluatorSpec;
  /** Data files whose digests set-up took: at the start they are believed by size and time, and read in full before canaries. */
  readonly pinned: readonly { readonly path: string; readonly sha256: string }[];
  readonly surfaceHash: string;
  readonly baseline: Recipe;
  readonly sandbox: SandboxLevel;
  /** What kind of device its slots are; its cores' kind when left out. */
  readonly device?: string;
}

const CanaryRecord = z.array(z.strictObject({ name: z.string(), expect: z.string(), ended: z.string(), score: z.number().nullable() }));
const NOT_SHOWN = new Set(['canaries', 'README.md', 'evaluator.yaml', 'prepare.mjs', 'standalone.py', '__pycache__']);

/** Opens the workbench of a node and pins everything it trusts; throws NoRoom on a disk that is full. */
export async function openWorkbench(options: WorkbenchOptions): Promise<Workbench & Disposable> {
  const { evaluatorDir, dataDir, spec } = options;
  await removeLeft(options.workDir); // K4
  await mkdir(options.workDir, { recursive: true });
  await requireRoom(options.workDir, spec.limits.scratchBytes);
  const workDir = join(options.workDir, `${process.pid}-${await birthOf(process.pid) ?? 0}-${randomUUID().slice(0, 8)}`); // K4
  const evaluator = join(workDir, 'evaluator');
  await mkdir(evaluator, { recursive: true });
  await copyTree(evaluatorDir, evaluator, NOT_SHOWN); // K1
  const hasData = (await readdir(dataDir).catch(() => [])).length > 0;
  const trusted = [evaluator, ...(hasData ? [dataDir] : [])];
  const pins = await pin(trusted, new Map(options.pinned.map(({ path, sha256 }) => [path, sha256])));
  const environmentHash = await hashEnvironment({ python: options.python, interpreter: spec.python, mounts: spec.mounts });
  const device = options.device ?? deviceClass();
  const record = join(options.canaryDir, `${createHash('sha256').update(JSON.stringify([spec.hash, environmentHash, device, options.sandbox, options.surfaceHash])).digest('hex')}.json`);
  let staged = 0;
  return {
    device, environmentHash, evaluator, data: dataDir,
    dataSet: (name) => join(dataDir, spec.folders.includes(name) ? name : `${name}.bin`),
    changed: () => findChange(pins, trusted), // K2
    differs: async () => {
      for (const { path, sha256 } of options.pinned) if (await sha256Of(path) !== sha256) return path;
      return null;
    },
    canary: async (name) => ({ ...options.baseline, ...await readOverlay(join(evaluatorDir, 'canaries', name)) }),
    recallCanaries: async () => {
      const text = await readFile(record, 'utf8').catch(() => null);
      if (text === null) return null;
      try { return CanaryRecord.parse(JSON.parse(text)); } catch { return null; }
    },
    rememberCanaries: async (passed: readonly PassedCanary[]) => {
      await mkdir(options.canaryDir, { recursive: true });
      await writeFile(`${record}.${process.pid}`, JSON.stringify(passed));
      await rename(`${record}.${process.pid}`, record);
    },
    stage: (slot, recipe) => stage(join(workDir, `${slot}-${++staged}`), recipe),
    [Symbol.dispose]: () => { rmSync(workDir, { recursive: true, force: true }); }, // K4: at once, because a process that has to go cannot wait
  };
}

async function removeLeft(dir: string): Promise<void> {
  for (const name of await readdir(dir).catch(() => [])) {
    const [, pid, born] = /^(\d+)-(\d+)-/.exec(name) ?? [];
    if (pid === undefined || await birthOf(Number(pid)) !== Number(born)) await rm(join(dir, name), { recursive: true, force: true });
  }
}

async function stage(folder: string, recipe: Recipe): Promise<Bench> {
  const root = join(folder, 'recipe');
  await rm(folder, { recursive: true, force: true }); // K3
  await mkdir(root, { recursive: true });
  const laid = Object.entries(recipe).map(([path, text]) => {
    if (path.startsWith(sep) || path.split('/').some((part) => part === '' || part === '.' || part === '..')) throw new Error(`${path} is no path within a recipe`);
    return { file: join(root, path), text };
  });
  for (const dir of new Set(laid.map(({ file }) => dirname(file)))) await mkdir(dir, { recursive: true });
  const pins: Pins = { files: new Map(await Promise.all(laid.map(async ({ file, text }) => [file, await pinNew(file, text)] as const))) };
  return {
    recipe: root, recipeBytes: laid.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0),
    changed: () => findChange(pins, [root]),
    scratch: async (phase) => {
      const scratch = join(folder, phase, 'work');
      await mkdir(scratch, { recursive: true });
      return { folder: scratch, log: join(folder, phase, 'log') };
    },
    seal: (scratch, file, mostBytes) => seal(scratch, file, mostBytes, join(folder, 'sealed', file)),
    place: async (artifact, scratch) => {
      await copyFile(artifact.path, join(scratch, artifact.file));
      await chmod(join(scratch, artifact.file), 0o600);
    },
    [Symbol.asyncDispose]: async () => { await rm(folder, { recursive: true, force: true }); },
  };
}

async function copyTree(from: string, to: string, leaveOut: ReadonlySet<string>): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (leaveOut.has(entry.name)) continue;
    if (entry.isDirectory()) {
      await mkdir(join(to, entry.name));
      await copyTree(join(from, entry.name), join(to, entry.name), leaveOut);
    } else await copyFile(join(from, entry.name), join(to, entry.name));
  }
}

/** A canary's files by path; its README.md says what it tries and is no part of it. */
async function readOverlay(folder: string, prefix = ''): Promise<Recipe> {
  const overlay: Record<string, string> = {};
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory() && entry.name !== '__pycache__') Object.assign(overlay, await readOverlay(join(folder, entry.name), `${prefix}${entry.name}/`));
    else if (entry.isFile() && entry.name !== 'README.md') overlay[prefix + entry.name] = await readFile(join(folder, entry.name), 'utf8');
  }
  return overlay;
}
