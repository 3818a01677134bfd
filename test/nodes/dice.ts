/** Choices that a seed decides: two runs of one seed choose alike. */
export interface Dice {
  below(n: number): number;
  pick<T>(from: readonly T[]): T;
  /** The same things in another order. */
  shuffle<T>(these: readonly T[]): T[];
}

/** A generator of 32 bits of state, mixed well enough to choose by. */
export function roll(seed: number): Dice {
  let state = seed >>> 0;
  const below = (n: number): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) % n;
  };
  return {
    below,
    pick(from) {
      const chosen = from[below(from.length)];
      if (chosen === undefined) throw new Error('there is nothing to choose from');
      return chosen;
    },
    shuffle(these) {
      const left = [...these];
      return these.flatMap(() => left.splice(below(left.length), 1));
    },
  };
}
