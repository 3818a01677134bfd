/** How a trial ended, in priority of cause: when several apply, the first in this list is its status. */
export const STATUSES = [
  'baseline', 'harness_abort', 'lost', 'tampered', 'rejected', 'preflight_crash', 'crash', 'size_blocked',
  'train_budget_overrun', 'eval_budget_overrun', 'disqualified', 'discard', 'keep',
] as const;
export type Status = (typeof STATUSES)[number];

/** Statuses of a trial that produced a valid score. */
export const isValid = (status: Status): boolean => status === 'baseline' || status === 'keep' || status === 'discard';

/** Our own faults and dead machines say nothing about a recipe, so no specialist is shown them. */
export const isShownToSpecialists = (status: Status): boolean => status !== 'harness_abort' && status !== 'lost';
