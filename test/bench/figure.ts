/** One measured thing with its spread and what it is held against. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  /** How many single readings are behind it. */
  readonly n: number;
  /** The median, or the one value there is. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly max: number | null;
  /** What we aim at; null where there is no aim. */
  readonly aim: Aim | null;
  readonly note: string;
}

/** A bound on one of a figure's columns. */
export interface Aim { readonly of: 'p50' | 'p95' | 'max'; readonly bound: 'at most' | 'at least'; readonly value: number }

/** One program of the bench. */
export interface Bench {
  readonly name: string;
  readonly says: string;
  readonly measure: (context: Context) => Promise<readonly Figure[]>;
}

export interface Context {
  readonly root: string;
  /** A folder of this measurement's own, removed afterwards. */
  readonly folder: string;
  /** Fewer readings: to see that the programs run, not to quote. */
  readonly isQuick: boolean;
  /** Also what takes minutes. */
  readonly isFull: boolean;
  /** A run to read, where one is read; null takes the newest. */
  readonly run: string | null;
  /** Where the paper's own run records may lie. */
  readonly traces: string;
  readonly say: (line: string) => void;
}

interface Named { readonly name: string; readonly unit: string; readonly aim?: Aim; readonly note?: string }

/** Many readings as one figure. */
export function spread({ name, unit, aim, note = '' }: Named, readings: readonly number[]): Figure {
  const sorted = [...readings].sort((a, b) => a - b);
  return { name, unit, n: sorted.length, p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), max: sorted.at(-1) ?? null, aim: aim ?? null, note };
}

/** One value over `n` readings. */
export const single = ({ name, unit, aim, note = '' }: Named, value: number | null, n: number): Figure =>
  ({ name, unit, n, p50: value, p95: null, max: null, aim: aim ?? null, note });

/** The reading that a share of all does not pass; null when there are none. */
export const quantile = (sorted: readonly number[], share: number): number | null => sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? null;

/** Whether a figure is as it should be; null when nothing is asked of it or nothing was measured. */
export function meetsAim({ aim, ...figure }: Figure): boolean | null {
  const found = aim && figure[aim.of];
  if (!aim || found === null) return null;
  return aim.bound === 'at most' ? found <= aim.value : found >= aim.value;
}
