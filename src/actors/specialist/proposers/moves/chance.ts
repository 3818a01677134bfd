// Chance that can be had again: everything random in a search comes from a key.

/** A stream of numbers that depends on its key alone. */
export interface Chance {
  /** The next number in [0, 1). */
  next(): number;
  /** A whole number in [0, n). */
  below(n: number): number;
  /** The items in an order of this stream's own. */
  shuffle<T>(items: readonly T[]): T[];
}

/** Opens the stream of a key. xoshiro128** over a state that FNV-1a makes of the key. */
export function chance(key: string): Chance {
  const state = [1, 2, 3, 4].map((lane) => fnv(`${lane}:${key}`));
  const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by));
  const word = (): number => {
    const [a = 0, b = 0, c = 0, d = 0] = state;
    const out = Math.imul(rotate(Math.imul(b, 5), 7), 9);
    const c1 = c ^ a;
    const d1 = d ^ b;
    state[0] = a ^ d1;
    state[1] = b ^ c1;
    state[2] = c1 ^ (b << 9);
    state[3] = rotate(d1, 11);
    return out >>> 0;
  };
  for (let i = 0; i < 16; i++) word(); // similar keys start in similar states
  const next = (): number => word() / 2 ** 32;
  const below = (n: number): number => Math.floor(next() * n);
  return {
    next, below,
    shuffle(items) {
      const order = [...items];
      for (let i = order.length - 1; i > 0; i--) {
        const j = below(i + 1);
        [order[i], order[j]] = [order[j], order[i]] as [typeof order[number], typeof order[number]];
      }
      return order;
    },
  };
}

function fnv(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d); // FNV alone leaves its high bits weak for short keys
  return (hash ^ (hash >>> 15)) | 0;
}
