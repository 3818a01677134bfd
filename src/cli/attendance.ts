import type { Daemon, Ward } from '../actors/supervisor/index.ts';
import type { RunId } from '../domain/ids.ts';
import type { Clock, Presence } from '../ports.ts';

// Keeping alive the daemons that the runs of a server want of one process.
//
//   A1. What is wanted is looked up again and again; a server that does not answer changes nothing of what runs.
//   A2. A daemon that is not wanted any more is let go; its run has stopped, so it holds nothing.
//   A3. One that was given up, or ended by itself while it is still wanted, is left alone for a while and then tried again: what was missing may be there by then.
//   A4. Asked to end, it starts nothing more and every daemon finishes what it holds; asked again, all go at once.

/** A daemon with the run it is for, and for a specialist who it is. */
export interface WantedDaemon extends Daemon { readonly run: RunId; readonly surface: string; readonly roster: string | null; readonly specialist: string | null }
/** What is wanted now; `isOver` when nothing ever will be. `lacks` says of each run that wants something which cannot be given why. */
export interface Wanted { readonly daemons: readonly WantedDaemon[]; readonly isOver: boolean; readonly lacks: readonly string[] }

export interface AttendanceOptions {
  readonly look: () => Promise<Wanted>;
  /** Starts one and keeps it alive; `onChange` is called whenever it fares otherwise. */
  readonly keep: (daemon: WantedDaemon, onChange: () => void) => Ward;
  readonly clock: Clock;
  readonly log: Presence['log'];
  /** Called at every change of what is kept. */
  readonly onChange: () => void;
  /** Called after the first look. */
  readonly onReady: () => void;
  readonly draining: AbortSignal;
  readonly hurrying: AbortSignal;
}

export interface Attendance {
  readonly state: () => 'looking' | 'serving' | 'waiting' | 'mending' | 'draining';
  /** Every daemon by name, with where its ward stands. */
  readonly daemons: () => Readonly<Record<string, string>>;
  /** What was wanted at the last look and cannot be given. */
  readonly lacks: () => readonly string[];
  /** Resolves when it has ended and no daemon is left. */
  readonly ended: Promise<void>;
}

const LOOK_MS = 2_000;
/** Long enough that a machine without its data set does not fill its log. */
const TRY_AGAIN_MS = 300_000;

/** Attends to daemons until asked to end, or until nothing will ever be wanted. */
export function attend({ look, keep, clock, log, onChange, onReady, draining, hurrying }: AttendanceOptions): Attendance {
  const wards = new Map<string, { readonly ward: Ward; doneMs: number | null }>();
  let looked = false;
  let lacks: readonly string[] = [];
  let trouble: string | null = null;

  async function reconcile({ daemons, lacks: now }: Wanted): Promise<void> {
    lacks = now;
    const names = new Set(daemons.map(({ name }) => name));
    const unwanted = [...wards].filter(([name]) => !names.has(name));
    for (const [name] of unwanted) wards.delete(name);
    for (const daemon of daemons) {
      const kept = wards.get(daemon.name);
      if (kept !== undefined && (kept.doneMs === null || clock.now() - kept.doneMs < TRY_AGAIN_MS)) continue; // A3
      log('info', `${daemon.name} is started`, { daemon: daemon.name });
      const made = { ward: keep(daemon, () => { note(daemon.name); onChange(); }), doneMs: null };
      wards.set(daemon.name, made);
    }
    if (unwanted.length > 0) log('info', 'what no run wants any more is let go', { daemons: unwanted.map(([name]) => name).join(', ') });
    await Promise.all(unwanted.map(([, { ward }]) => ward.release('now'))); // A2
    onChange();
  }

  function note(name: string): void {
    const kept = wards.get(name);
    const state = kept?.ward.state();
    if (kept === undefined || kept.doneMs !== null || (state !== 'lost' && state !== 'released')) return;
    kept.doneMs = clock.now();
    if (state === 'lost') log('error', `${name} was given up: its last line says why. It is tried again in ${TRY_AGAIN_MS / 60_000} minutes`, { daemon: name });
  }

  async function attendAll(): Promise<void> {
    while (!draining.aborted) {
      try {
        const wanted = await look();
        if (draining.aborted) break;
        await reconcile(wanted);
        if (!looked) { looked = true; onReady(); }
        trouble = null;
        if (wanted.isOver) break;
      } catch (error) { // A1
        const why = error instanceof Error ? error.message : String(error);
        if (why !== trouble) log('warn', `what the runs want cannot be looked up now: ${why}`);
        trouble = why;
      }
      await clock.wait(LOOK_MS, draining).catch(() => undefined);
    }
    onChange();
    const release = (how: 'drain' | 'now'): Promise<unknown> => Promise.all([...wards.values()].map(({ ward }) => ward.release(how)));
    const hurry = (): void => { void release('now'); };
    hurrying.addEventListener('abort', hurry, { once: true });
    await release(hurrying.aborted ? 'now' : 'drain'); // A4
    hurrying.removeEventListener('abort', hurry);
  }

  return {
    state: () => {
      if (draining.aborted) return 'draining';
      if (!looked) return 'looking';
      const states = [...wards.values()].map(({ ward }) => ward.state());
      if (states.some((state) => state === 'lost' || state === 'pausing')) return 'mending';
      return states.some((state) => state === 'alive') ? 'serving' : 'waiting';
    },
    daemons: () => Object.fromEntries([...wards].map(([name, { ward }]) => [name, ward.state()])),
    lacks: () => lacks,
    ended: attendAll(),
  };
}
