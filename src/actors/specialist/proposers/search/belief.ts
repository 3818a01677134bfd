import { isMeasured, type Attempt, type History } from './history.ts';
import { difference, slotOf } from '../moves/move.ts';

// What each move is believed to gain, by everything that was measured of it, alone and in company.
//
//   B1. Gains add up: a set of changes gains the sum of what it puts, less what it takes away or displaces, up to what moves do to each other. Each move's
//       gain is normal, and every measurement of a set corrects its moves in proportion to how uncertain they were (the Kalman filter with a diagonal
//       covariance; Kalman 1960).
//   B2. Before it was measured a move is believed to be like the others of its kind in this run: like the priors below at first, and the more of them
//       were tried alone, the more by what those gained, and where they lie further apart, by how far (empirical Bayes; Robbins 1956). Its own gains are not among them.
//   B3. A gain is as sure as it has seeds; so is its reference, but for a single seed, whose reference was measured on more.
//   B4. A knob's value is believed in against the recipe without it; a value that nobody measured, against the one it displaces.

/** A gain, positive when better, and its standard deviation, both in the unit of the score. */
export interface Belief { readonly mean: number; readonly sd: number }

/** What a set of moves is believed to gain over another. */
export type Believe = (moves: readonly string[], over: readonly string[]) => Belief;

interface Gain { readonly mean: number; readonly variance: number }
type Kind = 'edit' | 'knob';

/** In noises of one measurement: the mean gain of a kind of move, how far its members lie apart, and how far moves change each other's gains. */
const PRIOR = { edit: { mean: 0.5, spread: 2 }, knob: { mean: -0.7, spread: 1.2 } } as const;
const INTERPLAY = 1;
/** Imagined members of a kind that stand behind its prior mean, and behind its prior spread: how far gains lie apart shows later than how large they are. */
const WEIGHT = { mean: 4, spread: 12 } as const;
/** A gain beyond this many noises, and as many times the kind's median one, says that it was large, not how large its kind is. */
const OUTLYING = 4;
/** A loss was seen on one seed as a rule, and the best's single search score is not all its reference hangs on. */
const SCREENED = 2;

/** Reads what the lineage says of single moves. */
export function openBeliefs(history: History): Believe {
  const { noise } = history;
  const measured = history.attempts.filter(isMeasured).filter(({ put, taken }) => put.length + taken.length > 0);
  const doubtOf = ({ seeds }: Attempt): number => noise ** 2 * (seeds < 2 ? SCREENED : 2 / seeds); // B3
  const kinds = { edit: kindOf('edit', measured, doubtOf, noise), knob: kindOf('knob', measured, doubtOf, noise) };
  const known = new Map<string, Gain>();
  const of = (move: string): Gain => known.get(move) ?? kinds[kindOfMove(move)](move);
  const first = (move: string, displaced: readonly string[]): Gain => { // B4
    const before = displaced.find((other) => slotOf(other) === slotOf(move));
    return before === undefined ? of(move) : { mean: of(before).mean + of(move).mean, variance: of(move).variance };
  };
  for (const attempt of measured) { // B1
    for (const move of attempt.put) if (!known.has(move)) known.set(move, first(move, attempt.displaced));
    const terms = termsOf(attempt);
    const total = terms.reduce((sum, { move }) => sum + of(move).variance, doubtOf(attempt) + (INTERPLAY * noise) ** 2);
    const surprise = attempt.gain - terms.reduce((sum, { move, sign }) => sum + sign * of(move).mean, 0);
    for (const { move, sign } of terms) {
      const { mean, variance } = of(move);
      known.set(move, { mean: mean + (sign * variance * surprise) / total, variance: variance - variance ** 2 / total });
    }
  }
  return (moves, over) => {
    const changed = difference(moves, over);
    const fresh = new Set(changed.put.filter((move) => !known.has(move)).map(slotOf)); // B4: such a value stands on the one it displaces, whatever that is worth
    const terms = termsOf({ ...changed, displaced: changed.displaced.filter((move) => !fresh.has(slotOf(move))) });
    return { mean: terms.reduce((sum, { move, sign }) => sum + sign * of(move).mean, 0), sd: Math.sqrt(terms.reduce((sum, { move }) => sum + of(move).variance, 0)) };
  };
}

const kindOfMove = (move: string): Kind => (move.startsWith('edit:') ? 'edit' : 'knob');

const termsOf = ({ put, taken, displaced }: Pick<Attempt, 'put' | 'taken' | 'displaced'>): { readonly move: string; readonly sign: 1 | -1 }[] =>
  [...put.map((move) => ({ move, sign: 1 as const })), ...[...taken, ...displaced].map((move) => ({ move, sign: -1 as const }))];

/** What a move of a kind is believed to gain by what the others of its kind gained alone. */
function kindOf(kind: Kind, measured: readonly (Attempt & { readonly gain: number })[], doubtOf: (attempt: Attempt) => number, noise: number): (move: string) => Gain { // B2
  const members = new Map<string, { n: number; sum: number; doubt: number }>();
  for (const attempt of measured) {
    const move = attempt.put[0] ?? '';
    if (attempt.put.length !== 1 || attempt.taken.length > 0 || kindOfMove(move) !== kind) continue;
    const { n, sum, doubt } = members.get(move) ?? { n: 0, sum: 0, doubt: 0 };
    members.set(move, { n: n + 1, sum: sum + attempt.gain, doubt: doubt + doubtOf(attempt) + (INTERPLAY * noise) ** 2 });
  }
  const sizes = [...members.values()].map(({ n, sum }) => Math.abs(sum / n)).sort((a, b) => a - b);
  const bound = OUTLYING * Math.max(noise, sizes[sizes.length >> 1] ?? 0);
  const sumsOf = ({ n, sum, doubt }: { n: number; sum: number; doubt: number }): Sums => {
    const gain = Math.max(-bound, Math.min(bound, sum / n));
    return { n: 1, sum: gain, squares: gain ** 2, doubt: doubt / n ** 2 };
  };
  const own = new Map([...members].map(([move, member]) => [move, sumsOf(member)]));
  const all = [...own.values()].reduce((total, sums) => add(total, sums, 1), NONE);
  return (move) => {
    const { n, sum, squares, doubt } = add(all, own.get(move) ?? NONE, -1);
    const mean = (WEIGHT.mean * PRIOR[kind].mean * noise + sum) / (WEIGHT.mean + n);
    const apart = Math.max(0, squares - 2 * mean * sum + n * mean ** 2 - doubt);
    const prior = (PRIOR[kind].spread * noise) ** 2;
    return { mean, variance: Math.max(prior, (WEIGHT.spread * prior + apart) / (WEIGHT.spread + n)) }; // a few that were alike do not say that none stands out
  };
}

interface Sums { readonly n: number; readonly sum: number; readonly squares: number; readonly doubt: number }
const NONE: Sums = { n: 0, sum: 0, squares: 0, doubt: 0 };
const add = (a: Sums, b: Sums, times: 1 | -1): Sums => ({ n: a.n + times * b.n, sum: a.sum + times * b.sum, squares: a.squares + times * b.squares, doubt: a.doubt + times * b.doubt });
