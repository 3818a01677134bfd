import { counted } from './figures.ts';
import { BASELINE } from './ids.ts';
import type { Lineage } from './lineage.ts';
import type { Cost } from './session.ts';

/** Every limit of a run in one object; null means not limited. Reserved before it is spent. */
export interface Limits {
  readonly trials: number | null;
  readonly slotSeconds: number | null;
  readonly wallSeconds: number | null;
  readonly tokens: number | null;
  readonly money: number | null;
  /** Stop when this many seconds pass without a keep. */
  readonly secondsWithoutKeep: number | null;
}

/** Limits that limit nothing. */
export const NO_LIMITS: Limits = { trials: null, slotSeconds: null, wallSeconds: null, tokens: null, money: null, secondsWithoutKeep: null };

/** What a run has used so far, in the units of its limits. */
export interface Spent {
  readonly trials: number;
  readonly slotSeconds: number;
  /** Slot-seconds that are spoken for: a run that has less left than these begins nothing more. */
  readonly reserved: number;
  readonly wallSeconds: number;
  readonly tokens: number;
  readonly money: number;
  readonly secondsSinceKeep: number;
}

/** The first limit that is used up, in words for the journal; null while all hold. */
export function exhausted(limits: Limits, spent: Spent): string | null {
  if (limits.trials !== null && spent.trials >= limits.trials) return `trial limit of ${limits.trials} reached`;
  if (limits.slotSeconds !== null && (spent.slotSeconds >= limits.slotSeconds || spent.slotSeconds + spent.reserved > limits.slotSeconds)) {
    return `slot limit of ${limits.slotSeconds} s reached${spent.slotSeconds >= limits.slotSeconds ? '' : `: ${Math.round(spent.slotSeconds)} s used, and what is begun and one more trial would take ${Math.round(spent.reserved)} s`}`;
  }
  if (limits.wallSeconds !== null && spent.wallSeconds >= limits.wallSeconds) return `time limit of ${limits.wallSeconds} s reached`;
  if (limits.tokens !== null && spent.tokens >= limits.tokens) return `token limit of ${counted(limits.tokens)} reached`;
  if (limits.money !== null && spent.money >= limits.money) return `money limit of ${limits.money} reached`;
  if (limits.secondsWithoutKeep !== null && spent.secondsSinceKeep >= limits.secondsWithoutKeep) return `${limits.secondsWithoutKeep} s without a keep`;
  return null;
}

/** Why no further trial is taken, where their number is what is limited; null while one is. */
export const trialsUsedUp = ({ limits, admittedCount }: Pick<Lineage, 'limits' | 'admittedCount'>): string | null =>
  (limits !== null && limits.trials !== null && admittedCount >= limits.trials ? `trial limit of ${limits.trials} reached` : null);

/** Why what is left of tokens and money does not cover a call, by the most it may take; null where it does. */
export function uncovered({ limits, tokens: used }: Pick<Lineage, 'limits' | 'tokens'>, most: Cost): string | null {
  if (limits?.tokens != null && used.tokens + most.tokens > limits.tokens) return `token limit of ${counted(limits.tokens)} reached: ${counted(used.tokens)} used, and one more call may take ${counted(most.tokens)}`;
  if (limits?.money != null && used.money + most.money > limits.money) return `money limit of ${limits.money} reached: ${money(used.money)} used, and one more call may take ${money(most.money)}`;
  return null;
}

const money = (amount: number): string => String(Number(amount.toPrecision(4)));

/** Slot-seconds of one replicate, as the calibration measured it; 0 before there is one. */
export function replicateCost({ calibration, started }: Lineage): number {
  const measured = calibration?.measurements.map(({ phases }) => phases.reduce((sum, phase) => sum + phase.wallSeconds, 0)) ?? [];
  return measured.length === 0 ? 0 : (measured.reduce((sum, seconds) => sum + seconds, 0) / measured.length) * (started?.slotsPerReplicate ?? 1);
}

/** Slot-seconds spoken for: `wanted` replicates of what is begun, the final claim where there is a best to claim, and the screening of one more trial. */
export function reserve(lineage: Lineage, wanted: number): number {
  const best = lineage.bests.at(-1)?.trial ?? BASELINE;
  const claim = best === BASELINE || lineage.claim?.best === best ? 0 : 2 * (lineage.started?.keep.replicates ?? 0);
  return replicateCost(lineage) * (wanted + claim + 1);
}
