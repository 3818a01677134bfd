import type { ModelFailed } from '../../../ports.ts';

// When a model that failed is asked again. Every attempt is paid for, so there are few of them.

/** Attempts at one call, the first included. */
export const MOST_ATTEMPTS = 6;
/** What an endpoint asks for is respected up to here: whoever asks for more is as good as down. */
const LONGEST_ASKED_MS = 120_000;
const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

/** Milliseconds to wait before attempt `attempt + 1`; null for never. `random` is from 0 to 1. */
export function again({ kind, retryAfterMs }: Pick<ModelFailed, 'kind' | 'retryAfterMs'>, attempt: number, random: number): number | null {
  if (kind === 'refused' || kind === 'key' || attempt >= MOST_ATTEMPTS) return null;
  if (kind === 'garbled' && attempt >= 2) return null; // once may be an accident
  // Full jitter: specialists that failed together must not come back together.
  // (Exponential Backoff And Jitter, M. Brooker, AWS Architecture Blog, 2015.)
  const backOff = random * Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt - 1));
  if (retryAfterMs === null) return Math.round(backOff);
  if (retryAfterMs > LONGEST_ASKED_MS) return null;
  return Math.round(retryAfterMs + backOff / 4); // never earlier than asked, and not all at that moment
}
