import type { Cluster } from '../cluster.ts';
import type { Dice } from '../dice.ts';
import type { Lab } from '../lab.ts';

/** What the machine must be able to do for a fault. */
export type Ability = 'network' | 'bandwidth' | 'mounts';

/** A fault that was injected; `heal` puts everything back, whatever became of the rest. */
export interface Injected {
  /** What was done to whom. */
  readonly did: string;
  /** How long it stays. */
  readonly holdMs: number;
  heal(): Promise<void>;
}

export interface Scene { readonly lab: Lab; readonly cluster: Cluster; readonly dice: Dice; readonly ttlMs: number }

/** One fault of the map. */
export interface Fault {
  readonly name: string;
  readonly needs: readonly Ability[];
  /** What it is most likely to break. */
  readonly threatens: readonly string[];
  inject(scene: Scene): Promise<Injected>;
}

export const nothing = async (): Promise<void> => undefined;
