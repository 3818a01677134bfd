const FIRST_MS = 2_000;
const LONGEST_MS = 300_000;

/** How long a specialist that cannot think rests before it tries again: twice as long each time, five minutes at most. */
export const restLongMs = (rests: number): number => Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(20, Math.max(0, rests - 1)));

/** Rests after which a question that gets no answer is given up with its session: what was refused is refused again, what is down comes back, and a limit of the run may be raised. */
export function mostRests(kind: string): number {
  if (kind === 'limit') return Infinity;
  return kind === 'refused' || kind === 'garbled' ? 2 : 8;
}
