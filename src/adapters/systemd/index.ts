import { execFile } from 'node:child_process';

// What a service manager is told of a daemon: that it is ready, that it still lives, that it is on its way out.
//
//   N1. Node has no datagram sockets of the system's own kind, so systemd's own program carries the word; where it is missing, or nobody asked, nothing is said.
//   N2. A word that could not be delivered is no fault of the daemon: whoever waits for it in vain says so.

export interface ServiceManager extends Disposable {
  /** It stands and serves. From now on it says that it lives as often as it was asked to. */
  ready(): void;
  /** It was asked to end and finishes what it holds, which may take a while. */
  stopping(): void;
}

/** A word every so often: at a third of the patience, one that is late is no death yet. */
const SHARE = 3;

/** Speaks to the manager that the environment names, if any. */
export function openServiceManager({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: patience, PATH }: Readonly<Record<string, string | undefined>>): ServiceManager {
  const say = (...words: string[]): void => {
    if (socket !== undefined) execFile('systemd-notify', words, { timeout: 10_000, env: { PATH, NOTIFY_SOCKET: socket } }, () => undefined); // N1, N2
  };
  let beat: NodeJS.Timeout | null = null;
  const stopBeating = (): void => { if (beat !== null) clearInterval(beat); beat = null; };
  return {
    ready() {
      say('--ready');
      const everyMs = Number(patience) / 1000 / SHARE;
      if (everyMs >= 100 && beat === null) beat = setInterval(() => { say('WATCHDOG=1'); }, everyMs).unref();
    },
    stopping() { say('STOPPING=1'); },
    [Symbol.dispose]: stopBeating,
  };
}
