import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect } from 'vitest';
import type { SandboxLevel } from '../../src/domain/measurement.ts';
import { detectLevel, openSandbox, type OpenSlot, type SandboxOptions } from '../../src/adapters/sandbox/index.ts';
import type { PhaseEnd, PhaseJob } from '../../src/ports.ts';

/** The interpreter that set-up installed for this checkout. */
export const python = join(import.meta.dirname, '../../.brigade/python/bin/python');

/** bubblewrap where this machine has it. */
export const bwrap = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'bwrap')).find((path) => existsSync(path)) ?? null;

/** Levels this machine can hold; those it cannot are said aloud. */
export async function levels(): Promise<SandboxLevel[]> {
  const held: SandboxLevel[] = [];
  for (const level of ['bubblewrap', 'namespaces'] as const) {
    const scratchRoot = mkdtempSync(join(tmpdir(), 'brigade-probe-'));
    const found = await detectLevel({ python, bwrap, level, scratchRoot });
    rmSync(scratchRoot, { recursive: true, force: true });
    if (found.level === null) console.warn(`sandbox tests at level ${level} are skipped: ${found.describes}`);
    else held.push(level);
  }
  return held;
}

/** The number of a test's slot, which decides its user: none that an evaluator of another test would use. */
export const INDEX = 100 + (process.pid % 400);

let opened = 0;

/** One open slot with a folder of its own, and what tests do with it. */
export interface Bench extends AsyncDisposable {
  readonly slot: OpenSlot;
  readonly folder: string;
  /** Value of BRIGADE_MARK in everything the slot runs. */
  readonly mark: string;
  job(source: string, changes?: Partial<PhaseJob>): PhaseJob;
  run(source: string, changes?: Partial<PhaseJob>, signal?: AbortSignal): Promise<PhaseEnd>;
  /** What the last phase left in scratch. */
  left(): string[];
}

/** Opens a slot nobody else uses, so that whatever lives under its user or its mark is ours. */
export async function bench(level: SandboxLevel, overrides: Partial<SandboxOptions> = {}): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'brigade-sandbox-'));
  const sandbox = await openSandbox({ python, bwrap, level, scratchRoot: join(folder, 'root'), ...overrides });
  const mark = `${process.pid}-${opened++}`;
  const slot = await sandbox.open({ slot: `t${INDEX}`, cores: [process.pid % availableParallelism()] });
  for (const name of ['recipe', 'evaluator', 'scratch']) mkdirSync(join(folder, name));
  const job = (source: string, changes: Partial<PhaseJob> = {}): PhaseJob => {
    writeFileSync(join(folder, 'evaluator', 'command.py'), source);
    return {
      name: 'trick', command: ['python', '/eval/command.py'], auditor: null, scorer: null, recipe: join(folder, 'recipe'), evaluator: join(folder, 'evaluator'),
      data: {}, mounts: {}, scratch: join(folder, 'scratch'), env: { BRIGADE_MARK: mark }, clock: 'wall', budgetSeconds: 20, toleranceSeconds: 0, wallSeconds: 30,
      silenceMs: 60_000, milestones: [], stamps: null, log: join(folder, 'log'),
      limits: { memoryBytes: 256 * 2 ** 20, processes: 48, openFiles: 64, scratchBytes: 8 * 2 ** 20, logBytes: 65_536 }, ...changes,
    };
  };
  return {
    slot, folder, mark, job,
    run: (source, changes, signal) => slot.run(job(source, changes), { signal: signal ?? new AbortController().signal, onProgress: () => undefined }),
    left: () => readdirSync(join(folder, 'scratch')).sort(),
    [Symbol.asyncDispose]: async () => { await slot[Symbol.asyncDispose](); rmSync(folder, { recursive: true, force: true }); },
  };
}

/** Processes whose environment carries the mark, zombies left out. */
export function alive(mark: string): number[] {
  const found: number[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`BRIGADE_MARK=${mark}`)) continue;
      if (!/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) found.push(Number(pid));
    } catch { /* gone, or not ours to read */ }
  }
  return found;
}

/** Processes of a user, zombies left out. */
export function ofUser(uid: number): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      return new RegExp(`^Uid:\\s+${uid}\\b`, 'm').test(status) && !/^State:\s+[ZX]/m.test(status);
    } catch { return false; }
  });
}

/** Whether nothing that a bench ran is left. */
export const nobody = (on: Bench): boolean => alive(on.mark).length === 0 && (process.getuid?.() !== 0 || ofUser(60_000 + INDEX).length === 0);

/** Asserts that nothing a bench ran is left at this moment, and a second later no process of its user either: a busy kernel takes a while to let a killed one go. */
export function expectNobody(on: Bench): void {
  expect(alive(on.mark)).toEqual([]);
  if (process.getuid?.() === 0) expect(lasting(() => ofUser(60_000 + INDEX))).toEqual([]);
}

/** What is still there after a second; at once empty when nothing is. */
function lasting(look: () => number[]): number[] {
  const until = performance.now() + 1_000;
  for (;;) {
    const found = look();
    if (found.length === 0 || performance.now() > until) return found;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
}

/** Resolves once `fact` holds; the test's own time limit is the only other way out. */
export async function until(fact: () => boolean): Promise<void> {
  while (!fact()) await new Promise((resolve) => { setTimeout(resolve, 10); });
}

/** Python that says it is ready, as a harness does. */
export const READY = "import os\nos.write(os.open(os.environ['BRIGADE_CONTROL'], os.O_WRONLY), b'R')\n";
