import { setTimeout as sleep } from 'node:timers/promises';
import type { History } from './history.ts';
import type { Host, Running } from './hosts.ts';

// What a service manager does on each host: a daemon that ended is started again.
//
//   D1. One that is held down is not started again until it is let go.
//   D2. Whatever was stopped goes on before it is asked to end: a stopped process hears nothing.
//   D3. Of every death is written down whether it was asked for: one that nobody asked for tells what a fault did.

const PAUSE_MS = 500;
/** A busy machine starts twelve daemons at once. */
const PATIENCE_MS = 60_000;

export interface Daemon {
  readonly name: string;
  readonly host: Host;
  /** Its process now; null while there is none. */
  pid(): number | null;
  /** Its process as soon as there is one; throws when patience ends. */
  up(patienceMs?: number): Promise<number>;
  /** Resolves when that process is dead; throws when patience ends. */
  gone(pid: number, patienceMs?: number): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Keeps it from being started again (D1). */
  hold(): void;
  letGo(): void;
  /** Says a line to its standard input. */
  tell(line: string): void;
  /** Ends it for good: asked first, made to after a while. */
  end(patienceMs?: number): Promise<void>;
}

export interface Service { readonly name: string; readonly host: Host; readonly command: readonly string[]; readonly log: string; readonly cwd?: string; readonly env?: Readonly<Record<string, string>>; readonly hasInput?: boolean }

/** Where a daemon of a host writes what it says. */
export const logOf = (host: Host, name: string): string => `${host.folder}/${name}.log`;

/** Starts a daemon and keeps it alive. */
export function keepAlive(service: Service, history: History): Daemon {
  const { name, host } = service;
  let running: Running | null = null;
  let isHeld = false;
  let isEnding = false;
  let isAsked = false;
  let deaths = 0;
  const changed = new Set<() => void>();
  const look = (): void => { for (const each of [...changed]) each(); };
  const until = (what: () => boolean): { readonly seen: Promise<void>; leave(): void } => {
    let check = (): void => undefined;
    const seen = new Promise<void>((resolve) => {
      check = () => { if (what()) { changed.delete(check); resolve(); } };
      changed.add(check);
      check();
    });
    return { seen, leave: () => changed.delete(check) };
  };
  const within = async (what: () => boolean, patienceMs: number, complaint: string): Promise<void> => {
    const { seen, leave } = until(what);
    const late = new AbortController();
    const isSeen = await Promise.race([seen.then(() => true), sleep(patienceMs, false, { signal: late.signal }).catch(() => false)]).finally(() => { late.abort(); leave(); });
    if (!isSeen) throw new Error(`${complaint} ${Math.round(patienceMs / 1000)} s`);
  };

  const living = (async () => {
    for (;;) {
      await until(() => !isHeld || isEnding).seen;
      if (isEnding) return;
      isAsked = false;
      running = await host.start(service.command, { log: service.log, env: service.env ?? {}, ...(service.cwd === undefined ? {} : { cwd: service.cwd }), hasInput: service.hasInput === true });
      const { pid, exited } = running;
      history.add({ kind: 'started', daemon: name, pid });
      const since = performance.now();
      look();
      const { code, signal } = await exited;
      running = null;
      history.add({ kind: 'died', daemon: name, pid, code, signal, isAsked: isAsked || isEnding }); // D3
      look();
      if (isEnding) return;
      deaths = performance.now() - since > 60_000 ? 0 : deaths + 1;
      await sleep(Math.min(5_000, PAUSE_MS * deaths));
    }
  })();

  return {
    name, host,
    pid: () => running?.pid ?? null,
    async up(patienceMs = PATIENCE_MS) {
      await within(() => running !== null, patienceMs, `${name} has had no process for`);
      if (running === null) throw new Error(`${name} died at once`);
      return running.pid;
    },
    gone: (pid, patienceMs = PATIENCE_MS) => within(() => running?.pid !== pid, patienceMs, `${name} is still process ${pid} after`),
    signal: (what) => { isAsked ||= what === 'SIGKILL' || what === 'SIGTERM'; running?.signal(what); },
    hold: () => { isHeld = true; },
    letGo: () => { isHeld = false; look(); },
    tell: (line) => running?.input?.write(`${line}\n`),
    async end(patienceMs = 20_000) {
      isEnding = true;
      look();
      running?.signal('SIGCONT'); // D2
      running?.signal('SIGTERM');
      const late = setTimeout(() => running?.signal('SIGKILL'), patienceMs);
      await living;
      clearTimeout(late);
    },
  };
}
