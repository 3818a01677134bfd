import type { KeepRule } from '../../../../domain/fact.ts';
import { studentQuantile } from '../../../../domain/noise.ts';
import type { Belief } from './belief.ts';

// What a trial is worth: the gain to expect of it, where it is kept, for each replicate that it costs.
//
//   W1. Under `confirmed` a gain counts as far as it can be proved: n seeds against n show it at the run's level when it exceeds Student's quantile
//       (Welch's test with 2n − 2 degrees of freedom) times their standard error, √(2/n) noises. Under `strict` one seed decides, luck and all.
//   W2. What loses on its first seed costs one replicate; under `confirmed` what does not goes on to more, and so does its incumbent.

/** Replicates beyond the first for each seed of a confirmation, its incumbent's included: many are given up half-way. */
const FURTHER = 0.8;
const GRID = Array.from({ length: 25 }, (_, i) => -3 + i / 4).map((z) => ({ z, weight: Math.exp(-(z ** 2) / 2) }));
const ALL = GRID.reduce((sum, { weight }) => sum + weight, 0);

/** Expected improvement a replicate, in the unit of the score (expected improvement: Mockus 1975; with the cost of asking: Snoek et al. 2012). */
export function worthUnder({ kind, alpha, replicates }: KeepRule, noise: number): (belief: Belief) => number {
  const error = kind === 'strict' ? Math.SQRT2 : Math.sqrt(2 / replicates);
  const shown = kind === 'strict' ? 0 : studentQuantile(1 - alpha, Math.max(1, 2 * replicates - 2)) * error; // W1
  const further = kind === 'strict' ? 0 : FURTHER * replicates; // W2
  return ({ mean, sd }) => {
    let gain = 0;
    let goesOn = 0;
    for (const { z, weight } of GRID) {
      const real = mean + z * sd;
      gain += (weight / ALL) * real * normal((real / noise - shown) / error);
      goesOn += (weight / ALL) * normal(real / (noise * Math.SQRT2));
    }
    return gain / (1 + further * goesOn);
  };
}

/** The standard normal distribution function, to 1e-7 (Abramowitz and Stegun 7.1.26). */
function normal(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const upper = 0.5 * t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * Math.exp(-(x ** 2));
  return z < 0 ? upper : 1 - upper;
}
