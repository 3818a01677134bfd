// Chance that can be repeated.
//
//   C1. The same words draw the same numbers, and other words draw others: whoever draws more or less disturbs nobody else's.

export interface Dice {
  /** At least 0, below 1. */
  next(): number;
  between(least: number, most: number): number;
  /** A whole number, both ends among them. */
  whole(least: number, most: number): number;
  happens(chance: number): boolean;
  pick<T>(from: readonly [T, ...T[]]): T;
}

/** FNV-1a with a last stir: a short text's place among 2^32. */
export function place(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** Dice of these words: mulberry32 from where they lie. */
export function dice(...words: readonly (string | number)[]): Dice {
  let state = place(words.join(' '));
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const between = (least: number, most: number): number => least + next() * (most - least);
  const whole = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return { next, between, whole, happens: (chance) => next() < chance, pick: (from) => from[whole(0, from.length - 1)] ?? from[0] };
}
