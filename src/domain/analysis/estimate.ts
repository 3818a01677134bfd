import { sample, studentQuantile } from '../noise.ts';

/** A mean over seeds. */
export interface Estimate {
  /** Runs in which it is known. */
  readonly n: number;
  readonly mean: number;
  /** 95% interval of the mean; null for one run, whose spread nobody knows. */
  readonly interval: readonly [number, number] | null;
}

/** Mean of some runs' values with Student's 95% interval, n − 1 degrees of freedom; null without a value. */
export function estimate(values: readonly (number | null)[]): Estimate | null {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return null;
  const { n, mean, sd } = sample(known);
  if (n < 2) return { n, mean, interval: null };
  const reach = studentQuantile(0.975, n - 1) * (sd / Math.sqrt(n));
  return { n, mean, interval: [mean - reach, mean + reach] };
}
