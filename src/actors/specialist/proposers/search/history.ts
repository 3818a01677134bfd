import { openComponents, type Components } from '../../../../domain/components.ts';
import { delta, gain as gainOf, type Objective } from '../../../../domain/objective.ts';
import { isValid } from '../../../../domain/status.ts';
import type { LineageRow } from '../../../../protocols/lineage.ts';
import type { SpecialistView } from '../../proposer.ts';
import { seenIn, type Seen } from '../moves/draft.ts';
import { difference, slotOf } from '../moves/move.ts';

// What the lineage says about moves.
//
//   H1. A gain is the sum of changes that were each measured on one kind of data, from the best a trial was judged by back to its parent. Only where
//       none leads there are the two scores set side by side: a screened and a confirmed one differ by their data too.
//   H2. A difference no larger than that of two measurements of one recipe, √2 times the noise of one, is neither a gain nor a loss.

/** How a trial's change turned out. */
export type Verdict = 'kept' | 'better' | 'noise' | 'worse' | 'failed' | 'refused' | 'open';

/** One trial, read as a change of its parent. */
export interface Attempt {
  readonly row: LineageRow;
  readonly put: readonly string[];
  readonly taken: readonly string[];
  /** Against its parent, positive when better; null when it has no score. */
  readonly gain: number | null;
  readonly verdict: Verdict;
}

export interface History extends Seen {
  readonly attempts: readonly Attempt[];
  readonly best: LineageRow;
  /** What each trial is made of. */
  readonly components: Components;
  readonly noise: number;
  byId(trial: string): LineageRow | undefined;
}

/** Without a calibrated figure, a change below this share of the score counts as noise. */
const ASSUMED_NOISE = 0.005;
/** A surface that measures alike on every seed still has the noise of its last digits. */
const LEAST_NOISE = 1e-9;

/** Reads a view; null while there is no best to start from. */
export function readHistory(view: SpecialistView, objective: Objective): History | null {
  const rows = new Map(view.rows.map((row) => [row.trial, row]));
  const best = rows.get(view.best?.trial ?? '');
  if (best === undefined) return null;
  const noise = Math.max(view.noise ?? Math.abs(best.score ?? 0) * ASSUMED_NOISE, LEAST_NOISE * Math.max(1, Math.abs(best.score ?? 0)));
  const attempts = view.rows.flatMap((row): Attempt[] => {
    const parent = rows.get(row.parent);
    if (parent === undefined || parent === row) return [];
    const { put, taken } = difference(row.moves, parent.moves);
    const gain = gainAgainstParent(row, parent, rows, objective);
    return [{ row, put, taken, gain, verdict: verdictOf(row, gain, noise) }];
  });
  return {
    attempts, best, noise,
    components: openComponents(view.rows.map(({ trial, parent, parts, status }) => ({ trial, parent, parts, isKept: status === 'keep' }))),
    ...seenIn(view.rows),
    byId: (trial) => rows.get(trial),
  };
}

function gainAgainstParent(row: LineageRow, parent: LineageRow, rows: ReadonlyMap<string, LineageRow>, objective: Objective): number | null {
  if (row.score === null) return null;
  const change = changeSince(row, parent, rows) ?? (parent.score === null ? null : delta(row.score, parent.score));
  return change === null ? null : gainOf(objective, change, 0);
}

/** What a trial changed, in the objective's unit, since an earlier best: over every best in between (H1); null when the parent is none of these. */
function changeSince(row: LineageRow, parent: LineageRow, rows: ReadonlyMap<string, LineageRow>): number | null {
  let change = 0;
  for (let at: LineageRow | undefined = row; at !== undefined && at.deltaVsBest !== null; at = rows.get(at.judgedAgainst ?? '')) {
    change += at.deltaVsBest;
    if (at.judgedAgainst === parent.trial) return change;
    if (at.judgedAgainst === at.trial) return null;
  }
  return null;
}

function verdictOf(row: LineageRow, gain: number | null, noise: number): Verdict {
  if (row.status === null) return 'open';
  if (row.status === 'keep') return 'kept';
  if (row.status === 'rejected') return 'refused';
  if (!isValid(row.status)) return 'failed';
  if (gain === null || Math.abs(gain) <= Math.SQRT2 * noise) return 'noise'; // H2
  return gain > 0 ? 'better' : 'worse';
}

/** Whether the attempt changed one thing only: one move put, and nothing but what it displaced taken. */
export const isSingle = (attempt: Attempt): boolean => attempt.put.length === 1 && attempt.taken.every((move) => move.startsWith('edit:'));

/** Values a knob's slot was ever set to, by trials that ended, failed or are on their way. */
export const valuesTried = (history: History, slot: string): string[] =>
  history.attempts.flatMap((attempt) => attempt.put.filter((move) => slotOf(move) === slot).map((move) => move.slice(slot.length + 1)));
