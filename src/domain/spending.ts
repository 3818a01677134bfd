import type { Lineage } from './lineage.ts';
import type { Lease } from './measurement.ts';
import { NO_COST, plus, type Cost } from './session.ts';

// What leases cost: the slots they held, for as long as they held them. And what thinking costs.
//
//   S1. A lease that was measured held its slots as long as its node says: from when they were its own, and not while they were another run's. One that
//       lapsed held them from its grant to its lapse, whatever became of the work, for nobody else could use them; one that a stop found open, up to the stop.
//   S2. Those moments are the journal server's, one clock for all, so that every reader reckons the same. Between two stretches of a run no time passes.
//   S3. A lease is charged once: what is said of it later replaces what was charged before.
//   S4. Thinking is charged once: by the calls of the session it was done in, or, where there was none, by what the proposal says it took.

/** One lease of a replicate, and what it has cost. */
export interface Attempt {
  readonly lease: Lease;
  readonly seq: number;
  lapsed: string | null;
  /** The run's age when it was granted. */
  readonly age: number;
  /** Slot-seconds charged so far. */
  seconds: number;
  /** Journal position of the fact that charged them. */
  chargedSeq: number;
}

/** Seconds that a run has been going on at a moment of the journal's clock, without the time between its stretches (S2). */
export const ageOf = ({ wallSecondsBefore, startedAt, stopped }: Lineage, at: number): number => wallSecondsBefore + (startedAt === null || stopped !== null ? 0 : Math.max(0, at - startedAt) / 1000);

/** Charges a lease with the time it held its slots, in the run's account and in its author's. */
export function charge(lineage: Lineage, { attempt, heldSeconds, author, seq }: { readonly attempt: Attempt; readonly heldSeconds: number; readonly author: string; readonly seq: number }): void {
  const seconds = Math.max(0, heldSeconds) * attempt.lease.slots.length;
  const more = seconds - attempt.seconds; // S3
  attempt.seconds = seconds;
  attempt.chargedSeq = seq;
  lineage.slotSeconds += more;
  lineage.secondsBySpecialist.set(author, (lineage.secondsBySpecialist.get(author) ?? 0) + more);
}

/** Charges thinking to the run and to whoever thought. */
export function spend(lineage: Lineage, specialist: string, more: Cost): void { // S4
  lineage.tokens.tokens += more.tokens;
  lineage.tokens.money = exactly(lineage.tokens.money + more.money);
  const { tokens, money } = plus(lineage.thinkingBySpecialist.get(specialist) ?? NO_COST, more);
  lineage.thinkingBySpecialist.set(specialist, { tokens, money: exactly(money) });
}

/** Money without what a hundred thousand additions leave behind; less than nothing was never spent. */
const exactly = (money: number): number => Math.max(0, Math.round(money * 1e10) / 1e10);
