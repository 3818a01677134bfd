import { isMine, join, sayMove, type Bench, type Candidate } from './candidate.ts';
import type { Attempt } from './history.ts';

// Reuniting: what was found apart is brought together on the best.
//
//   U1. Rebase: a change of mine that beat its parent, though not the newer best it was judged by, is tried on the best there is now.
//   U2. Compose: kept changes of several specialists on different branches are merged; the author of the newest of them does it, so that it is done once.
//   U3. The same change is brought over at most `TIMES` times, however often the best moves on.

const TIMES = 2;
/** Gains older than this many were brought over or given up; counting for all of them would cost a long run its speed. */
const RECENT = 64;

const isMissing = (bench: Bench, attempt: Attempt): boolean => attempt.put.length > 0 && attempt.put.some((move) => !bench.moves.includes(move));

/** My gains that a newer best left behind. */
export function rebase(bench: Bench): Candidate[] { // U1
  const left = bench.history.attempts.filter((attempt) => attempt.verdict === 'better' && attempt.row.parent !== bench.history.best.trial && isMissing(bench, attempt)
    && [...attempt.put, ...attempt.taken].every((move) => isMine(bench, move))).slice(-RECENT).filter((attempt) => timesTried(bench, attempt) < TIMES);
  return left.sort((a, b) => (b.gain ?? 0) - (a.gain ?? 0)).map((attempt) => ({
    stamp: `rebase(${attempt.row.trial})`, moves: join(bench, without(bench.moves, attempt.taken), attempt.put), parts: [],
    hypothesis: `${attempt.put.map((move) => sayMove(bench, move)).join('; ')} (${attempt.row.trial} gained on ${attempt.row.parent}; now on ${bench.history.best.trial})`,
  }));
}

const without = (moves: readonly string[], taken: readonly string[]): string[] => moves.filter((move) => !taken.includes(move));

const timesTried = (bench: Bench, attempt: Attempt): number => { // U3
  const same = [...attempt.put].sort().join('\n');
  return bench.history.attempts.filter((other) => [...other.put].sort().join('\n') === same).length;
};

/** Kept changes that the best is not made of, merged onto it. */
export function compose(bench: Bench): Candidate[] { // U2
  const best = bench.history.best;
  const left = bench.history.components.apart(best.trial);
  const apart = bench.history.attempts.filter((attempt) => left.includes(attempt.row.trial) && isMissing(bench, attempt)).toReversed();
  if (apart[0]?.row.specialist !== bench.specialist) return [];
  const sets = [apart, ...(apart.length > 1 ? apart.map((attempt) => [attempt]) : [])].map((set) => set.slice(0, 15));
  return sets.map((set): Candidate => {
    const parts = [...set.map((attempt) => attempt.row.trial), ...(best.status === 'keep' ? [best.trial] : [])].sort();
    return {
      stamp: `compose(${parts.join('+')})`.slice(0, 120), moves: join(bench, bench.moves, set.flatMap((attempt) => attempt.put)), parts,
      hypothesis: `${set.map((attempt) => `${attempt.row.specialist}'s ${attempt.row.trial}`).join(' and ')} onto ${best.trial}: kept apart, so together they should add up`,
    };
  });
}
