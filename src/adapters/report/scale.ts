/** Maps values to a place on paper, and knows round values to label. */
export interface Scale {
  (value: number): number;
  readonly ticks: readonly number[];
  readonly digits: number;
  /** Whether a value lies on the paper. */
  holds(value: number): boolean;
}

/** A linear scale over the values from `low` to `high`, drawn from `from` to `to`, with about `wanted` round ticks. */
export function linear([low, high]: readonly [number, number], [from, to]: readonly [number, number], wanted = 5): Scale {
  const span = high - low || 1;
  const rough = span / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((m) => m * power >= rough * 0.999) ?? 10) * power;
  const first = Math.ceil(low / step - 1e-9);
  const ticks = Array.from({ length: Math.max(0, Math.floor(high / step + 1e-9) - first + 1) }, (_, i) => (first + i) * step);
  const place = (value: number): number => Math.round((from + ((value - low) / span) * (to - from)) * 10) / 10;
  return Object.assign(place, { ticks, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)), holds: (value: number) => value >= low && value <= high });
}

/** The value below which a share of some values lies; NaN for none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(share * (sorted.length - 1))))] ?? NaN;
}
