import { existsSync } from 'node:fs';
import { mkdtemp, mkdir, readdir, rm, writeFile, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { SandboxLevel } from '../../domain/measurement.ts';
import type { Occupied, Occupying, PhaseEnd, PhaseJob, Sandbox, SandboxSlot } from '../../ports.ts';
import { startWarden, type Groups, type Warden } from './warden-process.ts';

export type { Groups };

// Where recipes run. One warden a slot does the work (warden/warden.py); this side keeps it alive and in touch.
//
//   X1. Nothing runs at a weaker level than the one opened; `none` is only ever used when asked for by name.
//   X2. A phase whose warden died ends as not started, once, and the next phase gets a new warden.
//   X3. A warden that does not answer in time is killed, and everything it held dies with it: when it is to end a phase or to give a slot back, and when
//       a phase has had all its time. It may be stopped, or stuck in a disk or a driver, and nobody else would ever end what it holds.
//   X4. What was taken dies with its warden: nothing runs under a lock that a new one does not have.

export interface SandboxOptions {
  /** The pinned interpreter; scorers and the wardens themselves run on it. */
  readonly python: string;
  /** The interpreter that recipes run on; the pinned one when left out or null. */
  readonly interpreter?: string | null;
  /** The bubblewrap executable; null when there is none. */
  readonly bwrap: string | null;
  readonly level: SandboxLevel | 'best';
  /** A folder of this machine for what sandboxes need while they run. */
  readonly scratchRoot: string;
  /** How trees of processes are held; the best this machine has when left out. */
  readonly groups?: Groups;
  /** The folder of locks that every process of this machine takes its slots by; none are taken when left out or null. */
  readonly locks?: string | null;
  /** How long a phase may outlast its own wall limit before its warden is given up. */
  readonly overdueMs?: number;
}

/** No sandbox of the asked strength can be had on this machine. */
export class SandboxUnavailable extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SandboxUnavailable';
  }
}

const ABORT_MS = 5000; // a warden answers an abort in a second; one that does not is stuck
/** Laying out and copying out may wait for a slow disk; a warden itself ends every phase at its wall limit. */
const OVERDUE_MS = 120_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const HOLDS: Readonly<Record<SandboxLevel, string>> = {
  bubblewrap: 'bubblewrap: own namespaces, no network, read-only but for scratch',
  namespaces: 'namespaces without bubblewrap: own user, processes, mounts and network, read-only but for scratch',
  none: 'no sandbox: recipes run as ordinary processes and can read files, use the network and disturb each other',
};

/** Opens the sandbox of this machine; throws SandboxUnavailable when the level cannot be held. */
export async function openSandbox(options: SandboxOptions): Promise<OpenSandbox> {
  const found = await detectLevel(options);
  if (found.level === null) throw new SandboxUnavailable(found.describes);
  return sandbox({ ...options, level: found.level }, found.describes);
}

/** The level this machine can hold, proved by running something at it, with one line that describes it or says why there is none. */
export async function detectLevel(options: SandboxOptions): Promise<{ readonly level: SandboxLevel | null; readonly describes: string }> {
  const wanted: readonly SandboxLevel[] = options.level === 'best' ? ['bubblewrap', 'namespaces'] : [options.level]; // X1
  const reasons: string[] = [];
  for (const level of wanted) {
    if (level === 'bubblewrap' && options.bwrap === null) { reasons.push('bubblewrap: not installed'); continue; }
    const tried = await attempt({ ...options, level });
    if (tried.works) return { level, describes: tried.describes };
    reasons.push(`${level}: ${tried.reason}`);
  }
  return { level: null, describes: `no sandbox on this machine (${reasons.join('; ')}); install bubblewrap and allow user namespaces, or accept the risk with --sandbox=none` };
}

type Attempt = { readonly works: true; readonly describes: string } | { readonly works: false; readonly reason: string };

async function attempt(options: SandboxOptions & { readonly level: SandboxLevel }): Promise<Attempt> {
  await mkdir(options.scratchRoot, { recursive: true });
  await clearProbes(options.scratchRoot);
  const folder = await mkdtemp(join(resolve(options.scratchRoot), `probe-${process.pid}-`));
  try {
    await using slot = await openSlot(options, { slot: `probe${process.pid}`, cores: [] });
    for (const name of ['recipe', 'evaluator', 'scratch']) await mkdir(join(folder, name));
    await writeFile(join(folder, 'evaluator', 'probe.py'), 'import os\nopen(os.path.join(os.environ["BRIGADE_WORK"], "seen"), "w").write("yes")\n');
    const end = await slot.run(probe(folder), { signal: new AbortController().signal, onProgress: () => undefined });
    if (end.kind !== 'exited' || end.code !== 0) return { works: false, reason: end.kind === 'not-started' ? end.reason : end.logTail.trim() || end.kind };
    if (await readFile(join(folder, 'scratch', 'seen'), 'utf8') !== 'yes') return { works: false, reason: 'what a phase left in scratch did not come back' };
    const { opened } = slot.warden;
    const held = opened.held.length > 0 ? `${opened.held.join(' and ')} held for the whole tree` : 'memory and processes held only per process';
    return { works: true, describes: `${HOLDS[options.level]}; ${opened.groups}, ${held}${options.level !== 'none' && !opened.seccomp ? '; no system-call filter for this machine' : ''}` };
  } catch (error) {
    return { works: false, reason: error instanceof Error ? error.message : String(error) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Takes away what probes of processes left that were killed in the midst of one. */
async function clearProbes(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    const [, pid] = /^(?:probe-|\.warden-probe)(\d+)\b/.exec(name) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await rm(join(root, name), { recursive: true, force: true });
  }
}

const probe = (folder: string): PhaseJob => ({
  name: 'probe', command: ['python', '/eval/probe.py'], auditor: null, scorer: null,
  recipe: join(folder, 'recipe'), evaluator: join(folder, 'evaluator'), data: {}, mounts: {}, scratch: join(folder, 'scratch'), env: {},
  clock: 'wall', budgetSeconds: 30, toleranceSeconds: 0, wallSeconds: 30, silenceMs: 60_000, milestones: [], stamps: null, log: join(folder, 'log'),
  limits: { memoryBytes: 512 * 2 ** 20, processes: 16, openFiles: 64, scratchBytes: 4 * 2 ** 20, logBytes: 65_536 },
});

function sandbox(options: SandboxOptions & { readonly level: SandboxLevel }, describes: string): OpenSandbox {
  return { level: options.level, describes, open: (slot) => openSlot(options, slot) };
}

/** An open slot and the warden that holds it at the moment. */
export interface OpenSlot extends SandboxSlot { readonly warden: Warden; occupy(asked: Occupying): Promise<Occupied> }

/** A sandbox of one proven level. */
export interface OpenSandbox extends Sandbox { open(slot: { readonly slot: string; readonly cores: readonly number[] }): Promise<OpenSlot> }

async function openSlot(options: SandboxOptions & { readonly level: SandboxLevel }, slot: { readonly slot: string; readonly cores: readonly number[] }): Promise<OpenSlot> {
  const settings = {
    slot: slot.slot, index: ordinalOf(slot.slot), cores: slot.cores, level: options.level, bwrap: options.bwrap,
    groups: options.groups ?? 'best', interpreter: options.interpreter ?? null, locks: options.locks ?? null,
    staging: join(resolve(options.scratchRoot), `.warden-${slot.slot}`),
  };
  let warden = await startWarden(options.python, settings);
  let occupant: Warden | null = null;
  return {
    get warden() { return warden; },
    beat: (agoMs = 0) => warden.tell({ op: 'beat', agoMs }),
    occupy: async ({ signal, onWait, ...asked }) => {
      if (!warden.alive()) warden = await startWarden(options.python, settings);
      const held = occupant = warden;
      const leave = async (): Promise<string | null> => {
        const stuck = setTimeout(() => held.kill(), ABORT_MS); // X3
        const unclean = await held.leave().finally(() => clearTimeout(stuck));
        if (unclean === null && occupant === held) occupant = null;
        return unclean;
      };
      let giveUp = (): void => undefined;
      const aborted = new Promise<never>((_, reject) => { giveUp = () => { void leave().then(() => reject(signal.reason as Error)); }; });
      signal.addEventListener('abort', giveUp, { once: true });
      if (signal.aborted) giveUp();
      await Promise.race([held.occupy(asked, onWait), aborted]).finally(() => signal.removeEventListener('abort', giveUp));
      return { leave };
    },
    run: async (job, { signal, onProgress }): Promise<PhaseEnd> => {
      if (!warden.alive() && occupant === null) warden = await startWarden(options.python, settings); // X2, X4
      const running = warden;
      let stuck: NodeJS.Timeout | undefined;
      const overdue = setTimeout(() => running.kill(`said nothing of a phase that may take ${job.wallSeconds} s: a disk or a driver of this machine may be stuck`), Math.min(LONGEST_TIMER_MS, job.wallSeconds * 1000 + (options.overdueMs ?? OVERDUE_MS))); // X3
      const abort = (): void => {
        running.tell({ op: 'abort' });
        stuck = setTimeout(() => running.kill(), ABORT_MS); // X3
      };
      const done = running.run(job, (seconds) => onProgress({ seconds }));
      if (signal.aborted) abort();
      signal.addEventListener('abort', abort, { once: true });
      try {
        return await done;
      } finally {
        clearTimeout(stuck);
        clearTimeout(overdue);
        signal.removeEventListener('abort', abort);
      }
    },
    [Symbol.asyncDispose]: async () => { await warden.close(); },
  };
}

/** Says which user a slot's recipes run as: a core and a GPU of one number are two slots. */
function ordinalOf(slot: string): number {
  return Number(/\d+$/.exec(slot)?.[0] ?? 0) % 500 + (slot.startsWith('gpu') ? 500 : 0);
}
