import { bounded, clean, converged, secret, whole } from './boxes.ts';
import type { Invariant } from './evidence.ts';
import { durable, honest, live, once } from './journal.ts';
import { billed, exclusive } from './slots.ts';

export type { Boxes, Evidence, Invariant } from './evidence.ts';

/** I1 to I11. */
export const INVARIANTS: readonly Invariant[] = [durable, once, exclusive, clean, converged, honest, whole, billed, live, bounded, secret];
