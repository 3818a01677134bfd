import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Occupying, PhaseEnd, PhaseJob } from '../../ports.ts';

// One warden as this process sees it: lines of JSON in, lines of JSON out.

const ending = {
  seconds: z.number().finite().nonnegative(), wallSeconds: z.number().finite().nonnegative(), scored: z.unknown(), logTail: z.string(),
  milestones: z.array(z.strictObject({ name: z.string(), seconds: z.number().nonnegative(), reached: z.boolean() })).optional(),
};
const said = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('open'), groups: z.string(), held: z.array(z.string()), seccomp: z.boolean(), user: z.number() }),
  z.strictObject({ event: z.literal('refused'), reason: z.string() }),
  z.strictObject({ event: z.literal('progress'), seconds: z.number() }),
  z.strictObject({ event: z.literal('waits'), why: z.string() }),
  z.strictObject({ event: z.literal('occupied') }),
  z.strictObject({ event: z.literal('left'), unclean: z.string().nullable() }),
  z.strictObject({
    event: z.literal('end'),
    end: z.discriminatedUnion('kind', [
      z.strictObject({ ...ending, kind: z.literal('exited'), code: z.number() }),
      z.strictObject({ ...ending, kind: z.literal('signalled'), signal: z.string(), outOfMemory: z.boolean() }),
      z.strictObject({ ...ending, kind: z.literal('over-budget'), by: z.enum(['clock', 'wall', 'milestone']) }),
      z.strictObject({ ...ending, kind: z.literal('killed'), why: z.enum(['silence', 'aborted']) }),
      z.strictObject({ ...ending, kind: z.literal('scorer-failed'), message: z.string() }),
      z.strictObject({ ...ending, kind: z.literal('not-started'), reason: z.string() }),
    ]),
  }),
]);

/** What a warden says of itself once it is open. */
export type Opened = Extract<z.infer<typeof said>, { event: 'open' }>;

/** Control groups of either version, or a walk over the process tree. */
export type Groups = 'best' | 'v1' | 'v2' | 'tree';

/** What a warden must be told before its first phase. */
export interface WardenSettings {
  readonly slot: string;
  /** Ordinal of the slot on this machine: as root it decides the user that recipes run as. */
  readonly index: number;
  /** The folder of this machine's locks; null where nobody else is. */
  readonly locks: string | null;
  readonly cores: readonly number[];
  readonly level: 'bubblewrap' | 'namespaces' | 'none';
  readonly bwrap: string | null;
  readonly groups: Groups;
  /** The interpreter that `python` in a phase's command is; null for the one the warden runs on. */
  readonly interpreter: string | null;
  /** A folder the warden may cover with a file system of its own. */
  readonly staging: string;
}

/** A running warden: open once, then one phase at a time. */
export interface Warden {
  readonly opened: Opened;
  readonly pid: number;
  /** False once its process has ended, whatever ended it. */
  alive(): boolean;
  run(job: PhaseJob, onProgress: (seconds: number) => void): Promise<PhaseEnd>;
  tell(order: { readonly op: 'beat'; readonly agoMs: number } | { readonly op: 'abort' }): void;
  /** Takes locks of this machine; resolves when they are ours. `leave` ends the wait. */
  occupy(asked: Pick<Occupying, 'locks' | 'shared' | 'by' | 'silenceMs'>, onWait: (why: string) => void): Promise<void>;
  /** Gives them back; resolves with why not when something is left of what ran under them. */
  leave(): Promise<string | null>;
  /** Kills it outright; what it held dies with it. `why` takes the place of the signal in what is said of its end. */
  kill(why?: string): void;
  /** Closes its input and waits until it is gone; one that does not go is killed. */
  close(): Promise<void>;
}

/** Longer than any start takes on a machine that is busy with others; one that says nothing for so long will never. */
const OPEN_MS = 120_000;
/** What it holds is killed in less. */
const CLOSE_MS = 10_000;

const silent = { seconds: 0, wallSeconds: 0, scored: null, logTail: '' };

/** The warden's program, beside this file in the sources or in the sources beside a build. */
function program(): string {
  const beside = fileURLToPath(new URL('./warden/warden.py', import.meta.url));
  return existsSync(beside) ? beside : fileURLToPath(new URL('../../../src/adapters/sandbox/warden/warden.py', import.meta.url));
}

/** Starts a warden; rejects with its own words when it cannot hold a sandbox of the asked level. */
export function startWarden(python: string, settings: WardenSettings): Promise<Warden> {
  // A session of its own: Ctrl-C reaches the daemon, which finishes gracefully, and not the warden.
  const child = spawn(python, ['-I', program()], { stdio: ['pipe', 'pipe', 'pipe'], env: {}, detached: true });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (piece: string) => { complaints = (complaints + piece).slice(-4000); });
  child.stdin.on('error', () => undefined); // its end is seen below
  const gone = new Promise<void>((resolve) => { child.once('error', () => resolve()); child.once('exit', () => resolve()); });
  let ended = false;
  let killedFor: string | null = null;
  const kill = (why?: string): void => { killedFor ??= why ?? null; child.kill('SIGKILL'); };
  let phase: { readonly settle: (end: PhaseEnd) => void; readonly onProgress: (seconds: number) => void } | null = null;
  let entering: { readonly settle: () => void; readonly onWait: (why: string) => void } | null = null;
  let leaving: { readonly left: Promise<string | null>; readonly settle: (unclean: string | null) => void } | null = null;
  const write = (message: unknown): void => { if (!ended) child.stdin.write(`${JSON.stringify(message)}\n`); };

  return new Promise((resolve, reject) => {
    const opening = setTimeout(() => kill(`did not open within ${OPEN_MS / 1000} s: a disk of this machine may be stuck`), OPEN_MS);
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      const message = said.parse(JSON.parse(line));
      clearTimeout(opening);
      if (message.event === 'open') resolve(warden(message));
      else if (message.event === 'refused') { reject(new Error(message.reason)); child.stdin.end(); }
      else if (message.event === 'progress') phase?.onProgress(message.seconds);
      else if (message.event === 'waits') entering?.onWait(message.why);
      else if (message.event === 'occupied') { entering?.settle(); entering = null; }
      else if (message.event === 'left') { leaving?.settle(message.unclean); leaving = null; }
      else { const { settle } = phase ?? { settle: () => undefined }; phase = null; settle(message.end); }
    });
    void gone.then(() => {
      ended = true;
      clearTimeout(opening);
      const reason = killedFor !== null ? `the warden ${killedFor}` : `the warden ended (${child.signalCode ?? child.exitCode ?? 'not started'})${complaints ? `: ${complaints.trim().split('\n').at(-1)}` : ''}`;
      reject(new Error(reason));
      phase?.settle({ ...silent, kind: 'not-started', reason });
      phase = null;
      leaving?.settle(null); // its undertaker has the locks until what ran is dead
    });
    write({ op: 'open', ...settings });
  });

  function warden(opened: Opened): Warden {
    return {
      opened, pid: child.pid ?? 0,
      alive: () => !ended,
      run: (job, onProgress) => new Promise((settle) => {
        if (ended) { settle({ ...silent, kind: 'not-started', reason: 'the warden has ended' }); return; }
        phase = { settle, onProgress };
        write({ op: 'run', job });
      }),
      tell: write,
      occupy: (asked, onWait) => new Promise((settle, fail) => {
        entering = { settle, onWait };
        void gone.then(() => fail(new Error('the warden ended')));
        write({ op: 'occupy', ...asked });
      }),
      leave: () => {
        if (ended) return Promise.resolve(null);
        if (leaving !== null) return leaving.left; // asked twice, it answers once
        let settle = (_unclean: string | null): void => undefined;
        const left = new Promise<string | null>((resolve) => { settle = resolve; });
        leaving = { left, settle };
        write({ op: 'leave' });
        return left;
      },
      kill,
      async close() {
        child.stdin.end();
        const stuck = setTimeout(() => kill(), CLOSE_MS);
        await gone;
        clearTimeout(stuck);
        release(child);
      },
    };
  }
}

function release(child: ChildProcess): void {
  child.stdout?.destroy();
  child.stderr?.destroy();
}
