import { describeFailure } from '../../../domain/evidence.ts';
import { counted } from '../../../domain/figures.ts';
import { digits } from '../../../domain/feedback.ts';
import { neutralise, quote } from '../../../domain/quote.ts';
import type { LineageRow } from '../../../protocols/lineage.ts';
import type { Answer } from '../proposer.ts';
import { TOOL_BYTES } from './caps.ts';

/** What became of a submission, as its session hears of it. */
export type Outcome =
  | { readonly kind: 'row'; readonly row: LineageRow; readonly asOf: number }
  /** Nothing is told: its specialist works without lineage. */
  | { readonly kind: 'untold'; readonly trial: string | null }
  /** No fault of the recipe: it was not measured. */
  | { readonly kind: 'unmeasured'; readonly trial: string }
  /** The run takes no more. */
  | { readonly kind: 'closed'; readonly reason: string };

/** What an answer to a submission says to a session that will see no row of it. */
export function outcomeOfAnswer(answer: Answer, lineage: boolean): Outcome | null {
  if (answer.kind === 'closed') return answer;
  if (lineage || answer.kind === 'busy') return null;
  return { kind: 'untold', trial: answer.trial };
}

/** Whether a row asks its author for another trial at once: it was rejected, or it failed in a way that names its remedy. */
export function asksForMore({ status }: Pick<LineageRow, 'status'>): boolean {
  switch (status) {
    case 'rejected': case 'preflight_crash': case 'crash': case 'size_blocked': case 'train_budget_overrun': case 'eval_budget_overrun': case 'disqualified': return true;
    case null: case 'baseline': case 'keep': case 'discard': case 'tampered': case 'lost': case 'harness_abort': return false;
    default: return status satisfies never;
  }
}

/** A row as the result of `submit`. What a recipe said is quoted. */
export function tellRow(row: LineageRow, rejoinder: string): string {
  const { failure } = row;
  const score = row.score === null ? [] : [`score ${digits(row.score)}${row.deltaVsBest === null ? '' : `, ${row.deltaVsBest > 0 ? '+' : ''}${digits(row.deltaVsBest)} against ${row.judgedAgainst ?? 'the best'}`}`];
  const bytes = row.artifactBytes === null ? [] : [`artifact ${counted(row.artifactBytes)} bytes`];
  const crash = failure?.kind === 'crash' || failure?.kind === 'preflight_crash' ? failure : null;
  const why = failure === null ? [] : crash ? [`it crashed in ${crash.phase}${crash.frame === '' ? '' : ` at ${neutralise(crash.frame)}`}`] : [neutralise(describeFailure(failure))];
  const rejected = row.rejection === null ? [] : [`refused: ${neutralise(row.rejection)}`];
  return [
    `${row.trial}: ${row.status ?? 'not measured'}. ${[...why, ...score, ...bytes, ...rejected].join('; ')}`,
    ...(crash ? [quote(`what it raised`, crash.exception, TOOL_BYTES / 4)] : []),
    ...(rejoinder === '' ? [] : [rejoinder]),
  ].join('\n');
}
