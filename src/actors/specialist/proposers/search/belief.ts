import type { Attempt, History } from './history.ts';
import { slotOf } from '../moves/move.ts';

// What each move is believed to gain, by everything that was measured of it, alone and in company.
//
//   B1. Gains add up: a set of changes gains the sum of its moves, up to what moves do to each other. Each move's gain is normal, and every measurement
//       of a set corrects its moves in proportion to how uncertain they were (the Kalman filter with a diagonal covariance; Kalman 1960).
//   B2. Before it was measured a move is believed to be like the others of its kind in this run, and before there are any, like the priors below: an edit
//       was written because it ought to help, most steps of a knob that was set with care do not.
//   B3. Whoever lost was measured on one seed, and so was its reference; whoever gained was measured on more.

/** A gain, positive when better, and its standard deviation, both in the unit of the score. */
export interface Belief { readonly mean: number; readonly sd: number }

/** In noises of one measurement: the mean gain of a kind of move, how far its members lie apart, and how far moves change each other's gains. */
const PRIOR = { edit: { mean: 0.5, spread: 2 }, knob: { mean: -0.7, spread: 1.2 } } as const;
const INTERPLAY = 1;
/** Imagined members of a kind that stand behind its prior mean. */
const WEIGHT = 4;
/** A gain beyond this many noises says that it was large, not how large its kind is. */
const OUTLYING = 4;
/** Older measurements are of moves that are part of the best or given up; counting all of them would cost a long run its speed. */
const RECENT = 256;

/** Reads what the lineage says of single moves. The answer may be asked for any change, of moves put and moves taken away. */
export function openBeliefs(history: History): (put: readonly string[], taken: readonly string[]) => Belief {
  const { noise } = history;
  const measured = history.attempts.filter(({ gain, verdict, put, taken }) => gain !== null && verdict !== 'open' && verdict !== 'failed' && put.length + taken.length > 0).slice(-RECENT);
  const kinds = { edit: kindOf('edit', measured, noise), knob: kindOf('knob', measured, noise) };
  const known = new Map<string, { readonly mean: number; readonly variance: number }>();
  const of = (move: string): { readonly mean: number; readonly variance: number } => known.get(move) ?? kinds[move.startsWith('edit:') ? 'edit' : 'knob'];
  for (const attempt of measured) { // B1
    const terms = termsOf(attempt.put, attempt.taken);
    const gain = attempt.gain ?? 0;
    const doubt = noise ** 2 * ((gain > 0 ? 0.5 : 2) + INTERPLAY ** 2); // B3
    const total = terms.reduce((sum, { move }) => sum + of(move).variance, doubt);
    const surprise = gain - terms.reduce((sum, { move, sign }) => sum + sign * of(move).mean, 0);
    for (const { move, sign } of terms) {
      const { mean, variance } = of(move);
      known.set(move, { mean: mean + (sign * variance * surprise) / total, variance: variance - variance ** 2 / total });
    }
  }
  return (put, taken) => {
    const terms = termsOf(put, taken);
    return { mean: terms.reduce((sum, { move, sign }) => sum + sign * of(move).mean, 0), sd: Math.sqrt(terms.reduce((sum, { move }) => sum + of(move).variance, 0)) };
  };
}

/** A knob that is set anew is one move: what it was before is what it is measured against. */
function termsOf(put: readonly string[], taken: readonly string[]): { readonly move: string; readonly sign: 1 | -1 }[] {
  const slots = new Set(put.map(slotOf));
  return [...put.map((move) => ({ move, sign: 1 as const })), ...taken.filter((move) => !slots.has(slotOf(move))).map((move) => ({ move, sign: -1 as const }))];
}

function kindOf(kind: keyof typeof PRIOR, measured: readonly Attempt[], noise: number): { readonly mean: number; readonly variance: number } { // B2
  const gains = measured.filter(({ put, taken }) => put.length === 1 && taken.length === 0 && put[0]?.startsWith(`${kind}:`)).map(({ gain }) => Math.max(-OUTLYING * noise, Math.min(OUTLYING * noise, gain ?? 0)));
  const { mean, spread } = PRIOR[kind];
  return { mean: gains.reduce((sum, gain) => sum + gain, WEIGHT * mean * noise) / (WEIGHT + gains.length), variance: (spread * noise) ** 2 };
}
