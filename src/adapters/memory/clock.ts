import type { Clock } from '../../ports.ts';

/** A clock that stands until it is moved. */
export interface VirtualClock extends Clock {
  /** Moves time on; everybody who waits is woken at their own moment and may wait again before time moves further. */
  advance(ms: number): Promise<void>;
  /** How many wait. */
  waiting(): number;
}

/** Time for tests and simulations. */
export function virtualClock(start = 0): VirtualClock {
  let now = start;
  let order = 0;
  const sleepers = new Set<{ readonly at: number; readonly order: number; readonly wake: () => void }>();
  const settle = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });
  return {
    now: () => now,
    waiting: () => sleepers.size,
    wait: (ms, signal) => new Promise((resolve, reject) => {
      if (signal.aborted) { reject(signal.reason as Error); return; }
      const sleeper = { at: now + Math.max(0, ms), order: order++, wake: () => { sleepers.delete(sleeper); signal.removeEventListener('abort', stop); resolve(); } };
      const stop = () => { sleepers.delete(sleeper); reject(signal.reason as Error); };
      signal.addEventListener('abort', stop, { once: true });
      sleepers.add(sleeper);
    }),
    async advance(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const [next] = [...sleepers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at || a.order - b.order);
        if (!next) break;
        now = Math.max(now, next.at);
        next.wake();
        await settle();
      }
      now = end;
    },
  };
}
