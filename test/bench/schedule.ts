import type { TrialRecord } from '../../src/domain/analysis/record.ts';

// When slots work, when they wait, and what a run of several specialists makes of them.
//
//   S1. Parallel efficiency is η = T(N) / (N · T(1)), T in trials over time. T(1) is one slot working through the same trials without a pause, so that η
//       is the work that was done over the time of all slots; a trial of a thousandth of its length weighs a thousandth.
//   S2. It is taken from the first beginning to the last one. After that there is nothing left to begin, which no scheduler could help.

/** What one slot held for a while; `workMs` is what the trial itself was to take of that. */
export interface Stretch { readonly slot: string; readonly from: number; readonly to: number; readonly workMs: number }

/** What became of the slots' time. */
export interface Used { readonly efficiency: number; readonly idleShare: number; readonly spanMs: number; readonly trials: number }

/** Efficiency and idle share of so many slots; null with nothing to tell from. */
export function usedOf(stretches: readonly Stretch[], slots: number): Used | null {
  const from = Math.min(...stretches.map((stretch) => stretch.from));
  const until = Math.max(...stretches.map((stretch) => stretch.from)); // S2
  const spanMs = until - from;
  if (!(spanMs > 0)) return null;
  let held = 0;
  let worked = 0;
  for (const stretch of stretches) {
    const inside = Math.min(stretch.to, until) - stretch.from;
    if (inside <= 0) continue;
    held += inside;
    worked += stretch.workMs * (inside / (stretch.to - stretch.from));
  }
  return { efficiency: worked / (slots * spanMs), idleShare: 1 - held / (slots * spanMs), spanMs, trials: stretches.length }; // S1
}

/** How long each slot stood still between two stretches, in milliseconds. */
export function pausesOf(stretches: readonly Stretch[]): number[] {
  const ended = new Map<string, number>();
  return [...stretches].sort((a, b) => a.from - b.from).flatMap(({ slot, from, to }) => {
    const before = ended.get(slot);
    ended.set(slot, to);
    return before === undefined ? [] : [from - before];
  });
}

/** One trial of a trace to be done again: how long it holds its slot, and how long its author had been without one before. */
export interface Turn { readonly workMs: number; readonly thoughtMs: number }

/** Trials whose length and ending are known, as stretches on their own clock, in the order in which they began. */
export function stretchesOf(trials: readonly TrialRecord[]): Stretch[] {
  return trials.flatMap(({ specialist, seconds, endedAt }) => (seconds === null || endedAt === null ? [] : [{ slot: specialist, from: endedAt - seconds * 1000, to: endedAt, workMs: seconds * 1000 }]))
    .sort((a, b) => a.from - b.from);
}

/** The same at a share of their length; `slot` is whoever was at it. */
export function turnsOf(stretches: readonly Stretch[], share: number): Turn[] {
  const ended = new Map<string, number>();
  return stretches.map(({ slot, from, to, workMs }) => {
    const thoughtMs = Math.max(0, from - (ended.get(slot) ?? from));
    ended.set(slot, to);
    return { workMs: workMs * share, thoughtMs: thoughtMs * share };
  });
}

/** The most that lay side by side at any moment. */
export function widest(stretches: readonly Stretch[]): number {
  let now = 0;
  let most = 0;
  const moments = stretches.flatMap(({ from, to }) => [{ at: from, by: 1 }, { at: to, by: -1 }]).sort((a, b) => a.at - b.at || a.by - b.by);
  for (const { by } of moments) most = Math.max(most, now += by);
  return most;
}
