import type { Cluster } from '../cluster.ts';
import type { Dice } from '../dice.ts';
import type { Lab } from '../lab.ts';
import type { Watch } from '../watch.ts';

// What a fault is.
//
//   F1. Injecting fails before anything was done, or undoes what it did: whatever was injected can be healed.
//   F2. A fault looks for itself whether it took hold: one that hit nobody proves nothing, and is not said to be survived.
//   F3. It is healed when what it was done to is at work again, as far as can be seen from outside.

/** What the machine must be able to do for a fault. */
export type Ability = 'network' | 'bandwidth' | 'mounts';

/** A fault that was injected; `heal` puts everything back, whatever became of the rest. */
export interface Injected {
  /** What was done to whom. */
  readonly did: string;
  /** How long it stays. */
  readonly holdMs: number;
  /** Asked when its time is over and before it is healed: what of it did not happen; null when all of it did (F2). */
  missed(): Promise<string | null>;
  heal(): Promise<void>;
}

export interface Scene {
  readonly lab: Lab; readonly cluster: Cluster; readonly watch: Watch; readonly dice: Dice; readonly ttlMs: number;
  /** How long a measurement takes in this lab. */
  readonly measureMs: number;
  /** How long is waited for what must happen. */
  readonly patienceMs: number;
}

/** One fault of the map. */
export interface Fault {
  readonly name: string;
  readonly needs: readonly Ability[];
  /** What it is most likely to break. */
  readonly threatens: readonly string[];
  inject(scene: Scene): Promise<Injected>;
}
