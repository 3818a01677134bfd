import { isValid, STATUSES, type Status } from '../status.ts';
import type { RunRecord, TrialRecord } from './record.ts';

/** How a run's trials ended, and what came of it. */
export interface Outcomes {
  /** Every trial, damaged ones too. */
  readonly trials: number;
  readonly counts: Readonly<Partial<Record<Status | 'damaged', number>>>;
  /** Trials with a valid score, over all trials. */
  readonly validShare: number | null;
  readonly best: { readonly trial: string; readonly score: number } | null;
  readonly baseline: number | null;
  readonly delta: number | null;
  /** `delta` over the baseline's score. */
  readonly relative: number | null;
  readonly claim: RunRecord['claim'];
  readonly trainOverruns: number;
  readonly evalOverruns: number;
}

/** Trials by how they ended, the best and its distance from the baseline. */
export function outcomes(run: RunRecord): Outcomes {
  const trials = run.trials.length + run.lostRows;
  const counts = countStatuses(run.trials);
  if (run.lostRows > 0) counts.damaged = (counts.damaged ?? 0) + run.lostRows;
  const delta = run.best !== null && run.baseline !== null ? run.best.score - run.baseline : null;
  return {
    trials, counts, best: run.best, baseline: run.baseline, delta, relative: delta === null || !run.baseline ? null : delta / Math.abs(run.baseline),
    validShare: trials === 0 ? null : run.trials.filter(({ status }) => status !== 'damaged' && isValid(status)).length / trials,
    claim: run.claim, trainOverruns: counts.train_budget_overrun ?? 0, evalOverruns: counts.eval_budget_overrun ?? 0,
  };
}

/** One specialist's trials by how they ended. */
export interface RoleOutcomes { readonly specialist: string; readonly trials: number; readonly counts: Readonly<Partial<Record<Status | 'damaged', number>>> }

/** The outcome mix of every specialist that proposed, in roster order. */
export const outcomesByRole = ({ roster, trials }: RunRecord): RoleOutcomes[] =>
  roster.map((specialist) => trials.filter((trial) => trial.specialist === specialist)).flatMap((own) => (own[0] ? [{ specialist: own[0].specialist, trials: own.length, counts: countStatuses(own) }] : []));

/** Statuses in the order a table shows them: what was valid, then what failed, then what cannot be read. */
export const SHOWN: readonly (Status | 'damaged')[] = ['keep', 'discard', ...STATUSES.filter((status) => !isValid(status) && status !== 'rejected'), 'damaged'];

function countStatuses(trials: readonly TrialRecord[]): Partial<Record<Status | 'damaged', number>> {
  const counts: Partial<Record<Status | 'damaged', number>> = {};
  for (const { status } of trials) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
