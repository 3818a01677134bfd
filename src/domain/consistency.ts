import { decimal, signed } from './figures.ts';
import { BASELINE, type TrialId } from './ids.ts';
import { statusOf, type Lineage, type TrialRow } from './lineage.ts';
import { gain } from './objective.ts';

// What a finished table proves of itself, when nothing it says was measured here.
//
//   C1. A change is the trial's score minus the score of the trial it was compared with.
//   C2. Under the strict rule a keep is better than that trial, and a discard is not.
//   C3. What cannot be compared, because a row is damaged or a cell empty, is counted and neither holds nor fails.
//   C4. A run that confirms on other data has changes that are no differences of the scores beside them: its table proves none of them.

/** Six digits a score: a difference of two is off by this much at most. */
const ROUNDING = 1.6e-6;

export interface Contradiction { readonly trial: TrialId; readonly what: 'change' | 'keep' | 'discard'; readonly says: string }
/** How many statements of each kind hold, and which do not. */
export interface Consistency { readonly changes: number; readonly keeps: number; readonly discards: number; readonly uncompared: number; readonly contradictions: readonly Contradiction[] }

/** Compares every change and every decision of a run with the scores beside them. */
export function consistency(lineage: Lineage): Consistency {
  const objective = lineage.started?.objective;
  const found = { changes: 0, keeps: 0, discards: 0, uncompared: 0, contradictions: [] as Contradiction[] };
  if (!objective) return found;
  for (const row of lineage.trials.values()) {
    const status = statusOf(row);
    if (row.trial === BASELINE || (status !== 'keep' && status !== 'discard')) continue;
    const compared = measured(lineage, row);
    if (compared === null) { found.uncompared += 1; continue; } // C3
    const { score, against, delta } = compared;
    const wrong = (what: Contradiction['what'], says: string): void => { found.contradictions.push({ trial: row.trial, what, says }); };
    if (delta !== null) { // C1
      if (Math.abs(score - against - delta) > ROUNDING * Math.max(1, Math.abs(score))) wrong('change', `says ${signed(delta, 6)}, and ${decimal(score, 6)} against ${decimal(against, 6)} of ${row.result?.judgedAgainst ?? ''} is ${signed(score - against, 6)}`);
      else found.changes += 1;
    }
    const isBetter = gain(objective, score, against) > 0; // C2
    if (isBetter === (status === 'keep')) found[status === 'keep' ? 'keeps' : 'discards'] += 1;
    else wrong(status, `${decimal(score, 6)} is ${isBetter ? '' : 'not '}better than ${decimal(against, 6)} of ${row.result?.judgedAgainst ?? ''}`);
  }
  const wrong = found.contradictions.filter(({ what }) => what === 'change').length;
  const rows = found.keeps + found.discards + found.uncompared + found.contradictions.filter(({ what }) => what !== 'change').length;
  return wrong * 2 > wrong + found.changes ? { changes: 0, keeps: 0, discards: 0, uncompared: rows, contradictions: [] } : found; // C4
}

function measured(lineage: Lineage, { result }: TrialRow): { readonly score: number; readonly against: number; readonly delta: number | null } | null {
  const against = result && lineage.trials.get(result.judgedAgainst)?.result?.score;
  return result?.score == null || against == null ? null : { score: result.score, against, delta: result.deltaVsBest };
}
