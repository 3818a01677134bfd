import type { Belief } from './belief.ts';

// What a trial is worth: the gain to expect of it, where it is kept, for each replicate that it costs.
//
//   W1. A gain counts as far as it can be proved: five seeds against five show it at one in a hundred when it exceeds 2.9 of their standard errors
//       (Welch's test with eight degrees of freedom), and a standard error is √(2/5) noises.
//   W2. What loses on its first seed costs one replicate; what does not goes on to more, and so does its incumbent.

const SHOWN = 2.9 * Math.sqrt(2 / 5);
const ERROR = Math.sqrt(2 / 5);
/** Replicates beyond the first that a trial costs, its incumbent's included, when it does not lose at once; many are given up half-way. */
const FURTHER = 4;
const GRID = Array.from({ length: 25 }, (_, i) => -3 + i / 4).map((z) => ({ z, weight: Math.exp(-(z ** 2) / 2) }));
const ALL = GRID.reduce((sum, { weight }) => sum + weight, 0);

/** Expected improvement a replicate, in the unit of the score (expected improvement: Mockus 1975; with the cost of asking: Snoek et al. 2012). */
export function worthOf({ mean, sd }: Belief, noise: number): number {
  let gain = 0;
  let goesOn = 0;
  for (const { z, weight } of GRID) {
    const real = mean + z * sd;
    gain += (weight / ALL) * real * normal((real / noise - SHOWN) / ERROR); // W1
    goesOn += (weight / ALL) * normal(real / (noise * Math.SQRT2)); // W2
  }
  return gain / (1 + FURTHER * goesOn);
}

/** The standard normal distribution function, to 1e-7 (Abramowitz and Stegun 7.1.26). */
function normal(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const upper = 0.5 * t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * Math.exp(-(x ** 2));
  return z < 0 ? upper : 1 - upper;
}
