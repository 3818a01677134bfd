// When a dead daemon is started again.
//
//   V1. One that lived a while is restarted at once; one that keeps dying waits longer each time, so that a broken start does not spin.
//   V2. One that died too often in a short while is given up, and the run with it: nobody is there to mend it.
//   V3. One that says that another start would end alike is given up at once.

/** The exit code that says so; among the conventional ones it stands for a wrong configuration. */
export const NEVER_AGAIN = 78;

/** Longer than any start takes, canaries included: one that fails at the end of a slow start has not lived. */
const STEADY_MS = 300_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
const GIVE_UP_AFTER = 8;

export type Restart = { readonly kind: 'restart'; readonly afterMs: number; readonly deaths: number } | { readonly kind: 'give-up'; readonly deaths: number };

/** What to do with a daemon that lived `livedMs` and had died `deaths` times in a row before. */
export function restart(livedMs: number, deaths: number): Restart {
  const inARow = livedMs >= STEADY_MS ? 1 : deaths + 1;
  if (inARow > GIVE_UP_AFTER) return { kind: 'give-up', deaths: inARow }; // V2
  return { kind: 'restart', deaths: inARow, afterMs: inARow === 1 ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (inARow - 2)) }; // V1
}
