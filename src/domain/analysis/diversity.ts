import { BASELINE } from '../ids.ts';
import type { RunRecord } from './record.ts';

// How different a run's hypotheses are from one another, by their words alone.
//
//   V1. A hypothesis is a vector of TF-IDF weights (Salton and Buckley 1988): how often a word stands in it, times ln((1 + n) / (1 + df)) + 1,
//       where n is the number of hypotheses and df in how many the word stands; scaled to length 1. Words are runs of two or more letters, digits or _, in lower case.
//   V2. Clusters are made online, in the order of trials: a hypothesis joins the cluster whose centroid (the sum of its members) is nearest by cosine
//       if that is at least 0.30, and begins a new one otherwise. Nothing is ever moved.
//   V3. Effective clusters are exp(H), with H = −Σ p ln p over the shares p of the clusters (Shannon 1948): as many equally large ones would be as diverse.
//   V4. A near duplicate repeats an earlier hypothesis of the run almost word for word: their cosine is at least 0.90.
//   V5. Damaged rows are left out: where a hypothesis ends in them cannot be told.

const JOIN = 0.3;
const NEAR = 0.9;
/** Beyond this many hypotheses the comparison of all with all takes minutes. */
const MOST = 4_000;

export interface Diversity {
  readonly hypotheses: number;
  readonly clusters: number;
  readonly effectiveClusters: number;
  readonly largestShare: number;
  readonly nearDuplicates: number;
  /** Near duplicates of a hypothesis by another specialist. */
  readonly nearDuplicatesAcrossRoles: number;
}

/** Clusters and near duplicates of a run's hypotheses; null without any, or with more than can be compared. */
export function diversity({ trials }: RunRecord): Diversity | null {
  const told = trials.filter(({ status, hypothesis, trial }) => status !== 'damaged' && trial !== BASELINE && hypothesis.trim() !== ''); // V5
  if (told.length === 0 || told.length > MOST) return null;
  const vectors = weigh(told.map(({ hypothesis }) => hypothesis));
  const sizes = cluster(vectors);
  const twins = nearest(vectors).map((twin) => (twin.cosine >= NEAR ? twin.index : null)); // V4
  return {
    hypotheses: told.length, clusters: sizes.length, effectiveClusters: effective(sizes), largestShare: Math.max(...sizes) / told.length,
    nearDuplicates: twins.filter((twin) => twin !== null).length,
    nearDuplicatesAcrossRoles: twins.filter((twin, i) => twin !== null && told[twin]?.specialist !== told[i]?.specialist).length,
  };
}

type Vector = ReadonlyMap<string, number>;

/** TF-IDF vectors of length 1 (V1). */
export function weigh(texts: readonly string[]): Vector[] {
  const counted = texts.map((text) => {
    const counts = new Map<string, number>();
    for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}_]{2,}/gu)) counts.set(word, (counts.get(word) ?? 0) + 1);
    return counts;
  });
  const spread = new Map<string, number>();
  for (const counts of counted) for (const word of counts.keys()) spread.set(word, (spread.get(word) ?? 0) + 1);
  return counted.map((counts) => {
    const weights = [...counts].map(([word, count]) => [word, count * (Math.log((1 + texts.length) / (1 + (spread.get(word) ?? 0))) + 1)] as const);
    const length = Math.hypot(...weights.map(([, weight]) => weight)) || 1;
    return new Map(weights.map(([word, weight]) => [word, weight / length]));
  });
}

/** Sizes of the clusters in the order they were begun (V2). */
export function cluster(vectors: readonly Vector[]): number[] {
  const clusters: { readonly sum: Map<string, number>; size: number; square: number }[] = [];
  for (const vector of vectors) {
    let near: (typeof clusters)[number] | null = null;
    let nearness = JOIN;
    for (const one of clusters) {
      const cosine = dot(vector, one.sum) / (Math.sqrt(one.square) || 1);
      if (near === null ? cosine >= nearness : cosine > nearness) { near = one; nearness = cosine; }
    }
    if (near === null) { near = { sum: new Map(), size: 0, square: 0 }; clusters.push(near); }
    near.square += 2 * dot(vector, near.sum) + dot(vector, vector);
    for (const [word, weight] of vector) near.sum.set(word, (near.sum.get(word) ?? 0) + weight);
    near.size += 1;
  }
  return clusters.map(({ size }) => size);
}

/** exp of the Shannon entropy of some sizes (V3). */
export function effective(sizes: readonly number[]): number {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return Math.exp(-sizes.reduce((sum, size) => sum + (size === 0 ? 0 : (size / total) * Math.log(size / total)), 0));
}

/** Of each vector the earlier one that is nearest to it. */
function nearest(vectors: readonly Vector[]): { readonly index: number; readonly cosine: number }[] {
  const holders = new Map<string, { readonly index: number; readonly weight: number }[]>();
  return vectors.map((vector, i) => {
    const cosines = new Map<number, number>();
    for (const [word, weight] of vector) {
      for (const other of holders.get(word) ?? []) cosines.set(other.index, (cosines.get(other.index) ?? 0) + weight * other.weight);
      const held = holders.get(word);
      if (held) held.push({ index: i, weight }); else holders.set(word, [{ index: i, weight }]);
    }
    let best = { index: -1, cosine: 0 };
    for (const [index, cosine] of cosines) if (cosine > best.cosine) best = { index, cosine };
    return best;
  });
}

function dot(a: Vector, b: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const [word, weight] of a) sum += weight * (b.get(word) ?? 0);
  return sum;
}
