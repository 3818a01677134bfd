import { setTimeout as sleep } from 'node:timers/promises';
import type { History } from './history.ts';
import type { Host, Running } from './hosts.ts';

// What a service manager does on each host: a daemon that ended is started again.
//
//   D1. One that is held down is not started again until it is let go.
//   D2. Whatever was stopped goes on before it is asked to end: a stopped process hears nothing.

const PAUSE_MS = 500;

export interface Daemon {
  readonly name: string;
  readonly host: Host;
  /** Its process now; null while there is none. */
  pid(): number | null;
  signal(name: NodeJS.Signals): void;
  /** Keeps it from being started again (D1). */
  hold(): void;
  letGo(): void;
  /** Starts it with other variables from the next time on. */
  furnishWith(env: Readonly<Record<string, string>>): void;
  /** Resolves when it has no process. */
  down(): Promise<void>;
  /** Says a line to its standard input. */
  tell(line: string): void;
  /** Ends it for good: asked first, made to after a while. */
  end(patienceMs?: number): Promise<void>;
}

export interface Service { readonly name: string; readonly host: Host; readonly command: readonly string[]; readonly log: string; readonly cwd?: string; readonly env?: Readonly<Record<string, string>>; readonly hasInput?: boolean }

/** Starts a daemon and keeps it alive. */
export function keepAlive(service: Service, history: History): Daemon {
  const { name, host } = service;
  let running: Running | null = null;
  let isHeld = false;
  let isEnding = false;
  let env = { ...service.env };
  let deaths = 0;
  const changed = new Set<() => void>();
  const look = (): void => { for (const each of [...changed]) each(); };
  const until = (what: () => boolean): Promise<void> => new Promise((resolve) => {
    const check = (): void => { if (what()) { changed.delete(check); resolve(); } };
    changed.add(check);
    check();
  });

  const living = (async () => {
    for (;;) {
      await until(() => !isHeld || isEnding);
      if (isEnding) return;
      running = await host.start(service.command, { log: service.log, env, ...(service.cwd === undefined ? {} : { cwd: service.cwd }), hasInput: service.hasInput === true });
      const { pid, exited } = running;
      history.add({ kind: 'started', daemon: name, pid });
      const since = performance.now();
      look();
      const { code, signal } = await exited;
      running = null;
      history.add({ kind: 'died', daemon: name, pid, code, signal });
      look();
      if (isEnding) return;
      deaths = performance.now() - since > 60_000 ? 0 : deaths + 1;
      await sleep(Math.min(5_000, PAUSE_MS * deaths));
    }
  })();

  return {
    name, host,
    pid: () => running?.pid ?? null,
    signal: (what) => running?.signal(what),
    hold: () => { isHeld = true; },
    letGo: () => { isHeld = false; look(); },
    furnishWith: (more) => { env = { ...service.env, ...more }; },
    down: () => until(() => running === null),
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
