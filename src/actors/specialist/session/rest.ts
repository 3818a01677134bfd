const FIRST_MS = 2_000;
const LONGEST_MS = 300_000;

/** How long a specialist that cannot think rests before it tries again: twice as long each time, five minutes at most. */
export const restLongMs = (rests: number): number => Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(20, Math.max(0, rests - 1)));
