import type { Limits } from './budget.ts';
import type { Calibrated, KeepRule } from './fact.ts';
import type { Purpose } from './measurement.ts';
import type { EvaluatorSpec } from './surface.ts';

/** What a run will cost, in slot-seconds, before it is launched. */
export interface Estimate {
  /** `calibration` when from measured replicates of an equal calibration, `budgets` when only an upper bound from the phases' budgets. */
  readonly from: 'calibration' | 'budgets';
  readonly replicateSeconds: number;
  readonly calibrationSeconds: number;
  readonly trialSeconds: number;
  /** Replicates of a confirmation; where the incumbent is measured anew beside every contender, of both. */
  readonly confirmationReplicates: number;
  readonly confirmationSeconds: number;
  /** The incumbent's own replicates, measured once, whoever is confirmed first. */
  readonly incumbentSeconds: number;
  readonly claimSeconds: number;
  /** Every trial screened and none confirmed; every trial confirmed. */
  readonly runSeconds: readonly [number, number];
}

/** Estimates a run of `trials` trials. `calibrated` is an equal calibration of an earlier run, which need not be paid again. */
export function estimate(evaluator: EvaluatorSpec, calibrated: Calibrated | null, settings: { readonly trials: number; readonly keep: KeepRule; readonly calibrationReplicates: number; readonly slotsPerReplicate: number }): Estimate {
  const measured = calibrated?.measurements.map((m) => m.phases.reduce((sum, phase) => sum + phase.wallSeconds, 0)).filter((seconds) => seconds > 0) ?? [];
  const bound = evaluator.phases.reduce((sum, phase) => sum + (phase.role === 'smoke' ? 1 : evaluator.seeds) * (phase.clock === 'calibrated' ? phase.budgetSeconds + phase.toleranceSeconds : Math.min(phase.budgetSeconds, phase.wallSeconds)), 0);
  const replicateSeconds = settings.slotsPerReplicate * (measured.length > 0 ? measured.reduce((a, b) => a + b, 0) / measured.length : bound);
  const calibrationSeconds = calibrated ? 0 : settings.calibrationReplicates * replicateSeconds;
  const { replicates, kind } = settings.keep;
  const isFresh = evaluator.objective.confirm === 'fresh';
  const confirmationReplicates = kind === 'confirmed' ? (isFresh ? 2 : 1) * replicates : 0;
  const longer = (purpose: Purpose): number => (evaluator.seedsFor?.[purpose] ?? evaluator.seeds) / evaluator.seeds; // a replicate of another purpose may take more seeds than the one that was measured
  const confirmationSeconds = confirmationReplicates * replicateSeconds * longer('confirm');
  const incumbentSeconds = isFresh ? 0 : confirmationSeconds;
  const claimSeconds = 2 * replicates * replicateSeconds * longer('final');
  const least = calibrationSeconds + settings.trials * replicateSeconds;
  return { from: measured.length > 0 ? 'calibration' : 'budgets', replicateSeconds, calibrationSeconds, trialSeconds: replicateSeconds, confirmationReplicates, confirmationSeconds, incumbentSeconds, claimSeconds, runSeconds: [least, least + settings.trials * confirmationSeconds + incumbentSeconds + claimSeconds] };
}

/** The limit that ends a run first: for certain, or only when more than `confirmations` trials need confirming. `trials` are how many a limit of time leaves room for, at least and at most. */
export type FirstLimit = { readonly limit: 'trials' } | { readonly limit: 'wallSeconds' | 'slotSeconds'; readonly trials: readonly [number, number]; readonly confirmations: number | null };

/** Which limit of a run on `slots` slots will be reached first; null when none of these was given. The final claim comes after it. */
export function firstLimit(planned: Estimate, limits: Limits, slots: number): FirstLimit | null {
  const times = [...(limits.wallSeconds === null ? [] : [{ limit: 'wallSeconds' as const, seconds: limits.wallSeconds * slots }]), ...(limits.slotSeconds === null ? [] : [{ limit: 'slotSeconds' as const, seconds: limits.slotSeconds }])];
  const first = times.sort((a, b) => a.seconds - b.seconds)[0];
  if (first === undefined) return limits.trials === null ? null : { limit: 'trials' };
  const { trialSeconds, confirmationSeconds, incumbentSeconds, calibrationSeconds } = planned;
  const left = Math.max(0, first.seconds - calibrationSeconds);
  const trials = [Math.floor(Math.max(0, left - incumbentSeconds) / (trialSeconds + confirmationSeconds)), Math.floor(left / trialSeconds)] as const;
  if (limits.trials !== null && trials[0] >= limits.trials) return { limit: 'trials' };
  const isCertain = limits.trials === null || trials[1] < limits.trials;
  const spare = left - (limits.trials ?? 0) * trialSeconds;
  return { limit: first.limit, trials, confirmations: isCertain ? null : Math.max(0, Math.floor((spare - incumbentSeconds) / confirmationSeconds)) };
}
