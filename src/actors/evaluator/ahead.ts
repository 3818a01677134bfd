import type { BlobHash } from '../../domain/ids.ts';
import type { Bench } from '../../ports.ts';

// Recipes that this node will most likely be leased next, laid out beside what runs.
//
//   A1. A guess is a guess: it starts nothing, and a lease does without it.
//   A2. There are no more than the node has slots; a newer guess takes the place of the oldest.
//   A3. What is taken lies there as it was laid out, or it is not taken.
//   A4. What nobody takes leaves nothing.

/** What lies ready for leases that have not come yet. */
export interface Ahead extends AsyncDisposable {
  /** Lays out a recipe unless it lies there. */
  expect(snapshot: BlobHash): void;
  /** The bench of a recipe, once and for one measurement; null where none lies ready. */
  take(snapshot: BlobHash): Promise<Bench | null>;
}

/** Opens an empty stock; `layOut` answers null, or rejects, where there is nothing to lay out. */
export function openAhead(layOut: (snapshot: BlobHash) => Promise<Bench | null>, most: number): Ahead {
  const ready = new Map<BlobHash, Promise<Bench | null>>();
  const leaving = new Set<Promise<void>>();
  const leave = (laid: Promise<Bench | null>): void => { // A4
    const gone = laid.then((bench) => bench?.[Symbol.asyncDispose]()).catch(() => undefined).finally(() => { leaving.delete(gone); });
    leaving.add(gone);
  };
  return {
    expect(snapshot) {
      const known = ready.get(snapshot);
      ready.delete(snapshot);
      ready.set(snapshot, known ?? layOut(snapshot).catch(() => null)); // A1
      for (const [oldest, laid] of ready) {
        if (ready.size <= most) break; // A2
        ready.delete(oldest);
        leave(laid);
      }
    },
    async take(snapshot) {
      const laid = ready.get(snapshot);
      if (laid === undefined) return null;
      ready.delete(snapshot);
      const bench = await laid;
      if (bench === null || await bench.changed().catch(() => 'gone') === null) return bench;
      leave(laid); // A3
      return null;
    },
    async [Symbol.asyncDispose]() {
      for (const laid of ready.values()) leave(laid);
      ready.clear();
      await Promise.all(leaving);
    },
  };
}
