/** Every limit of a run in one object; null means not limited. Reserved before it is spent. */
export interface Limits {
  readonly trials: number | null;
  readonly slotSeconds: number | null;
  readonly wallSeconds: number | null;
  readonly tokens: number | null;
  readonly money: number | null;
  /** Stop when this many seconds pass without a keep. */
  readonly secondsWithoutKeep: number | null;
}

/** Limits that limit nothing. */
export const NO_LIMITS: Limits = { trials: null, slotSeconds: null, wallSeconds: null, tokens: null, money: null, secondsWithoutKeep: null };

/** What a run has used so far, in the units of its limits. */
export interface Spent {
  readonly trials: number;
  readonly slotSeconds: number;
  readonly wallSeconds: number;
  readonly tokens: number;
  readonly money: number;
  readonly secondsSinceKeep: number;
}

/** The first limit that is used up, in words for the journal; null while all hold. */
export function exhausted(limits: Limits, spent: Spent): string | null {
  if (limits.trials !== null && spent.trials >= limits.trials) return `trial limit of ${limits.trials} reached`;
  if (limits.slotSeconds !== null && spent.slotSeconds >= limits.slotSeconds) return `slot limit of ${limits.slotSeconds} s reached`;
  if (limits.wallSeconds !== null && spent.wallSeconds >= limits.wallSeconds) return `time limit of ${limits.wallSeconds} s reached`;
  if (limits.tokens !== null && spent.tokens >= limits.tokens) return `token limit of ${limits.tokens} reached`;
  if (limits.money !== null && spent.money >= limits.money) return `money limit of ${limits.money} reached`;
  if (limits.secondsWithoutKeep !== null && spent.secondsSinceKeep >= limits.secondsWithoutKeep) return `${limits.secondsWithoutKeep} s without a keep`;
  return null;
}
