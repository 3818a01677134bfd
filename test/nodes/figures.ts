import type { Entry } from './history.ts';

// The figures of a row, from what was seen.

/** The longest time in which the servers took no fact, from a moment of the history to a moment of the servers' clock, which is this machine's. The last of it may have ended with no fact at all. */
export function longestSilence(entries: readonly Entry[], fromMs: number, untilAt: number): number {
  let before: number | null = null;
  let longest = 0;
  for (const entry of entries) {
    if (entry.kind !== 'fact') continue;
    if (entry.ms >= fromMs && before !== null) longest = Math.max(longest, entry.takenAt - before);
    before = entry.takenAt;
  }
  return before === null ? longest : Math.max(longest, untilAt - before);
}

/** The longest that a fact was there before a reader of the journal was told. */
export const longestLate = (entries: readonly Entry[], fromMs: number): number =>
  entries.reduce((longest, entry) => (entry.kind === 'fact' && entry.ms >= fromMs ? Math.max(longest, entry.lateMs) : longest), 0);

/** Who died without anybody asking for it, and how often; who had nothing more to do, and ended well, did not. */
export function unasked(entries: readonly Entry[]): ReadonlyMap<string, number> {
  const deaths = new Map<string, number>();
  for (const entry of entries) if (entry.kind === 'died' && !entry.isAsked && entry.code !== 0) deaths.set(entry.daemon, (deaths.get(entry.daemon) ?? 0) + 1);
  return deaths;
}
