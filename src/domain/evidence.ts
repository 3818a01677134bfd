import { counted, decimal, duration, exact, plural, probability } from './figures.ts';
import type { TrialRow } from './lineage.ts';
import type { Failure } from './measurement.ts';
import type { TrialResult } from './trial.ts';

/** What a failure measured, in the few words that help the next attempt. */
export function describeFailure(failure: Failure): string {
  switch (failure.kind) {
    case 'preflight_crash':
    case 'crash': return `${lastLine(failure.exception)}${failure.frame ? ` (${failure.frame})` : ''} in ${failure.phase}`;
    case 'size_blocked': return `${counted(failure.bytes - failure.cap)} bytes over the cap of ${counted(failure.cap)}${failure.projected ? ', projected' : ''}`;
    case 'train_budget_overrun':
    case 'eval_budget_overrun': return `${failure.phase} took ${failure.censored ? 'more than ' : ''}${duration(failure.seconds)} of ${duration(failure.budget)}`;
    case 'disqualified': return `${failure.gate} ${exact(failure.value)}, limit ${exact(failure.limit)}, ${failure.value > failure.limit ? 'over' : 'short'} by ${exact(failure.deficit)}${failure.standardErrors === undefined ? '' : ` (${decimal(failure.standardErrors, 1)} standard errors)`}`;
    case 'tampered': return `${failure.what}: ${failure.where}`;
    case 'harness_abort': return failure.reason;
    default: return failure satisfies never;
  }
}

/** Why a trial ended as it did, in one line; empty while it has not ended. */
export function describeEnding(row: TrialRow): string {
  if (row.rejection) return `${row.rejection.rule}: ${row.rejection.message}`;
  const result = row.result;
  if (!result) return '';
  if (result.failure) return describeFailure(result.failure);
  if (result.status === 'lost') return `${plural(result.attempt, 'attempt')} died with their nodes`;
  return [judgement(result), ...(result.scoreSource === 'recipe' ? ['by its own word'] : [])].filter(Boolean).join(', ');
}

function judgement(result: TrialResult): string {
  if (result.p !== null) return `p ${probability(result.p)}, ${result.status === 'keep' ? plural(result.n, 'seed') : result.why}`;
  if (result.status === 'baseline' && result.sd !== null) return `± ${decimal(result.sd)}, ${plural(result.n, 'seed')}`;
  return result.why;
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';
