import type { Calibrated, KeepRule } from './fact.ts';
import type { EvaluatorSpec } from './surface.ts';

/** What a run will cost, in slot-seconds, before it is launched. */
export interface Estimate {
  /** `calibration` when from measured replicates of an equal calibration, `budgets` when only an upper bound from the phases' budgets. */
  readonly from: 'calibration' | 'budgets';
  readonly replicateSeconds: number;
  readonly calibrationSeconds: number;
  readonly trialSeconds: number;
  readonly confirmationSeconds: number;
  readonly claimSeconds: number;
  /** Every trial screened and none confirmed; every trial confirmed. */
  readonly runSeconds: readonly [number, number];
}

/** Estimates a run of `trials` trials. `calibrated` is an equal calibration of an earlier run, which need not be paid again. */
export function estimate(evaluator: EvaluatorSpec, calibrated: Calibrated | null, settings: { readonly trials: number; readonly keep: KeepRule; readonly calibrationReplicates: number }): Estimate {
  const measured = calibrated?.measurements.map((m) => m.phases.reduce((sum, phase) => sum + phase.wallSeconds, 0)).filter((seconds) => seconds > 0) ?? [];
  const bound = evaluator.phases.reduce((sum, phase) => sum + (phase.role === 'smoke' ? 1 : evaluator.seeds) * (phase.clock === 'calibrated' ? phase.budgetSeconds + phase.toleranceSeconds : Math.min(phase.budgetSeconds, phase.wallSeconds)), 0);
  const replicateSeconds = measured.length > 0 ? measured.reduce((a, b) => a + b, 0) / measured.length : bound;
  const calibrationSeconds = calibrated ? 0 : settings.calibrationReplicates * replicateSeconds;
  const { replicates, kind } = settings.keep;
  const confirmationSeconds = kind === 'confirmed' ? replicates * replicateSeconds : 0;
  const claimSeconds = 2 * replicates * replicateSeconds;
  const least = calibrationSeconds + settings.trials * replicateSeconds;
  // The baseline's own confirm seeds are measured once, whoever is confirmed first.
  return { from: measured.length > 0 ? 'calibration' : 'budgets', replicateSeconds, calibrationSeconds, trialSeconds: replicateSeconds, confirmationSeconds, claimSeconds, runSeconds: [least, least + (settings.trials + 1) * confirmationSeconds + claimSeconds] };
}
