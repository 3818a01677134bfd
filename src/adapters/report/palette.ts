import type { Status } from '../../domain/status.ts';

/** A hue a specialist keeps through all figures; after ten they repeat. */
export const hueOf = (specialists: readonly string[], specialist: string): string => {
  const place = specialists.indexOf(specialist);
  return place < 0 ? 'hue-none' : `hue-${place % 10}`;
};

/** How a status is coloured wherever it appears. */
export function toneOf(status: Status | null): string {
  switch (status) {
    case 'keep': return 'tone-keep';
    case 'baseline': return 'tone-baseline';
    case 'discard': return 'tone-discard';
    case 'rejected': return 'tone-rejected';
    case 'size_blocked': return 'tone-size';
    case 'train_budget_overrun': case 'eval_budget_overrun': return 'tone-time';
    case 'preflight_crash': return 'tone-preflight';
    case 'crash': return 'tone-crash';
    case 'disqualified': return 'tone-gate';
    case 'tampered': return 'tone-tampered';
    case 'lost': case 'harness_abort': return 'tone-ours';
    case null: return 'tone-waiting';
    default: return status satisfies never;
  }
}
