import { join, type Bench, type Candidate } from './candidate.ts';
import type { Attempt } from './history.ts';
import { difference } from '../moves/move.ts';

// Reuniting: kept changes of several specialists on different branches are merged; the author of the newest of them does it, so that it is done once.
// A change that would undo something of the best that it did not undo when it was kept, or of another that it is merged with, stays apart.

/** Kept changes that the best is not made of, merged onto it. */
export function compose(bench: Bench): Candidate[] {
  const best = bench.history.best;
  const left = new Set(bench.history.components.apart(best.trial));
  const apart = bench.history.attempts.filter((attempt) => left.has(attempt.row.trial) && isMissing(bench, attempt)).toReversed();
  if (apart[0]?.row.specialist !== bench.specialist) return [];
  const sets = [apart, ...(apart.length > 1 ? apart.map((attempt) => [attempt]) : [])].map((set) => set.slice(0, 15));
  return sets.flatMap((set): Candidate[] => {
    const put = set.flatMap((attempt) => attempt.put);
    const moves = join(bench, bench.moves, put);
    const undone = [...bench.moves, ...put].filter((move) => !moves.includes(move));
    if (undone.some((move) => !set.some(({ taken, displaced }) => taken.includes(move) || displaced.includes(move)))) return [];
    const parts = [...set.map((attempt) => attempt.row.trial), ...(best.status === 'keep' ? [best.trial] : [])].sort();
    return [{
      stamp: `compose(${parts.join('+')})`.slice(0, 120), moves, parts,
      hypothesis: `${set.map((attempt) => `${attempt.row.specialist}'s ${attempt.row.trial}`).join(' and ')} onto ${best.trial}: kept apart, so together they should add up`,
    }];
  });
}

const isMissing = (bench: Bench, attempt: Attempt): boolean => attempt.put.length > 0 && difference(attempt.put, bench.moves).put.length > 0;
