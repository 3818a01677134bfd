import type { Clock } from '../../ports.ts';

/** The monotonic clock of this process. */
export const processClock: Clock = {
  now: () => performance.now(),
  wait: (ms, signal) => new Promise((resolve, reject) => {
    if (signal.aborted) { reject(signal.reason as Error); return; }
    const stop = () => { clearTimeout(timer); reject(signal.reason as Error); };
    const timer = setTimeout(() => { signal.removeEventListener('abort', stop); resolve(); }, Math.min(Math.max(0, ms), 2 ** 31 - 1)); // a longer timer would fire at once
    signal.addEventListener('abort', stop, { once: true });
  }),
};

/** The clock a process hands to its actors. */
export const openClock = (): Clock => processClock;
