// How a better recipe is told from a lucky one.
//
//   N1. The test is Welch's, one-sided; a p is never reported below what its arithmetic can carry.
//   N2. No sample's variance counts for less than the run's pooled one, so a recipe that ignores its seed gains nothing.

export interface Sample { readonly n: number; readonly mean: number; readonly sd: number }

/** Count, mean and standard deviation (n − 1) of some scores; sd is 0 for fewer than two. */
export function sample(scores: readonly number[]): Sample {
  const n = scores.length;
  const mean = n === 0 ? NaN : scores.reduce((sum, x) => sum + x, 0) / n;
  const squares = scores.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return { n, mean, sd: n < 2 ? 0 : Math.sqrt(squares / (n - 1)) };
}

/** Standard deviation pooled over groups by their degrees of freedom; 0 when no group has two members. */
export function pooledSd(samples: readonly Sample[]): number {
  const freedom = samples.reduce((sum, s) => sum + Math.max(0, s.n - 1), 0);
  if (freedom === 0) return 0;
  return Math.sqrt(samples.reduce((sum, s) => sum + Math.max(0, s.n - 1) * s.sd ** 2, 0) / freedom);
}

export interface WelchTest { readonly difference: number; readonly t: number; readonly freedom: number; readonly p: number; readonly interval: readonly [number, number] }

/**
 * Welch's one-sided test that `a` has the smaller mean, with both variances floored at `floorSd`².
 * `interval` is the two-sided 95% interval of mean(a) − mean(b). Needs n ≥ 2 on both sides.
 * Degrees of freedom after Welch–Satterthwaite.
 */
export function welch(a: Sample, b: Sample, floorSd: number): WelchTest {
  if (a.n < 2 || b.n < 2) throw new RangeError('Welch needs two replicates on either side');
  const va = Math.max(a.sd, floorSd) ** 2 / a.n; // N2
  const vb = Math.max(b.sd, floorSd) ** 2 / b.n; // N2
  const difference = a.mean - b.mean;
  const error = Math.sqrt(va + vb);
  const freedom = error === 0 ? a.n + b.n - 2 : (va + vb) ** 2 / (va ** 2 / (a.n - 1) + vb ** 2 / (b.n - 1));
  const t = error === 0 ? (difference === 0 ? 0 : Math.sign(difference) * Infinity) : difference / error;
  const p = studentTail(-t, freedom);
  const reach = studentQuantile(0.975, freedom) * error;
  return { difference, t, freedom, p, interval: [difference - reach, difference + reach] };
}

/** P(T > t) of Student's t with `freedom` degrees of freedom (DLMF 8.17: half the regularised incomplete beta of freedom/(freedom + t²)). */
export function studentTail(t: number, freedom: number): number {
  if (t === Infinity) return 0;
  if (t === -Infinity) return 1;
  const half = 0.5 * incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5);
  return t >= 0 ? half : 1 - half;
}

/** The t with P(T ≤ t) = `probability`, for probabilities above one half, by bisection. */
export function studentQuantile(probability: number, freedom: number): number {
  let low = 0;
  let high = 1;
  while (studentTail(high, freedom) > 1 - probability && high < 1e6) high *= 2;
  for (let i = 0; i < 80; i++) {
    const middle = (low + high) / 2;
    if (studentTail(middle, freedom) > 1 - probability) low = middle; else high = middle;
  }
  return (low + high) / 2;
}

/** Regularised incomplete beta I_x(a, b) by its continued fraction (DLMF 8.17.22), evaluated with Lentz's method. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  return x < (a + 1) / (a + b + 2) ? (front * betaFraction(x, a, b)) / a : 1 - (front * betaFraction(1 - x, b, a)) / b;
}

function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300; // keeps Lentz's denominators off zero
  const away = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 300; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    const step = d * c;
    fraction *= step;
    if (Math.abs(step - 1) < 1e-14) break;
  }
  return fraction;
}

/** ln Γ(x) for x > 0 by Stirling's series (DLMF 5.11.1) after raising x above 10. */
function logGamma(x: number): number {
  let shift = 0;
  let y = x;
  while (y < 10) { shift += Math.log(y); y += 1; }
  const inverse = 1 / (y * y);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse / 1188)))) / y;
  return (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + series - shift;
}
