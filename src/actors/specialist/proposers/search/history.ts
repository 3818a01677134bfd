import { openComponents, type Components } from '../../../../domain/components.ts';
import type { KeepRule } from '../../../../domain/fact.ts';
import { pooledSd } from '../../../../domain/noise.ts';
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
//   H3. A trial that names no moves was written by somebody who has none: it says nothing of moves, its parent's neither; nor does one that merges such.
//   H4. How far two measurements of one recipe lie apart is what the calibration and all recipes that were measured repeatedly say together:
//       a handful of seeds of the baseline alone may be off by a factor of three.

/** How a trial's change turned out. */
export type Verdict = 'kept' | 'better' | 'noise' | 'worse' | 'failed' | 'refused' | 'open';

/** One trial, read as a change of its parent. */
export interface Attempt {
  readonly row: LineageRow;
  readonly put: readonly string[];
  readonly taken: readonly string[];
  /** Values that the parent gave to knobs which are put. */
  readonly displaced: readonly string[];
  /** Against its parent, positive when better; null when it has no score. */
  readonly gain: number | null;
  /** Seeds behind that gain. */
  readonly seeds: number;
  readonly verdict: Verdict;
}

export interface History extends Seen {
  readonly attempts: readonly Attempt[];
  readonly best: LineageRow;
  /** What each trial is made of. */
  readonly components: Components;
  /** Standard deviation of one measurement. */
  readonly noise: number;
  readonly keep: KeepRule;
  byId(trial: string): LineageRow | undefined;
  /** Attempts that changed this slot and nothing else, oldest first. */
  alone(slot: string): readonly Attempt[];
  /** Values a knob's slot was ever set to, by trials that ended, failed or are on their way. */
  valuesTried(slot: string): readonly string[];
}

/** Without a calibrated figure, a change below this share of the score counts as noise. */
const ASSUMED_NOISE = 0.005;
/** A surface that measures alike on every seed still has the noise of its last digits. */
const LEAST_NOISE = 1e-9;
/** What a run goes by when its view does not say. */
const CONFIRMED: KeepRule = { kind: 'confirmed', alpha: 0.01, replicates: 5 };

/** Reads a view; null while there is no best to start from. */
export function readHistory(view: SpecialistView, objective: Objective): History | null {
  const rows = new Map(view.rows.map((row) => [row.trial, row]));
  const best = rows.get(view.best?.trial ?? '');
  if (best === undefined) return null;
  const noise = Math.max(scatterOf(view) ?? Math.abs(best.score ?? 0) * ASSUMED_NOISE, LEAST_NOISE * Math.max(1, Math.abs(best.score ?? 0)));
  const keep = view.keep ?? CONFIRMED;
  const names = new Map<string, boolean>();
  const attempts = view.rows.flatMap((row): Attempt[] => {
    const parent = rows.get(row.parent);
    if (parent === undefined || parent === row) return [];
    names.set(row.trial, row.moves.length > 0 && row.parts.every((part) => names.get(part) !== false));
    const changed = names.get(row.trial) === true ? difference(row.moves, parent.moves) : { put: [], taken: [], displaced: [] }; // H3
    const gain = gainAgainstParent(row, parent, rows, objective);
    return [{ row, ...changed, gain, seeds: row.n ?? seedsOf(row, objective, keep), verdict: verdictOf(row, gain, noise) }];
  });
  const alone = groupBy(attempts.filter(isSingle), (attempt) => attempt.put.map(slotOf));
  const values = groupBy(attempts.flatMap(({ put }) => put), (move) => [slotOf(move)]);
  return {
    attempts, best, noise, keep,
    components: openComponents(view.rows.map(({ trial, parent, parts, status }) => ({ trial, parent, parts, isKept: status === 'keep' }))),
    ...seenIn(view.rows),
    byId: (trial) => rows.get(trial),
    alone: (slot) => alone.get(slot) ?? [],
    valuesTried: (slot) => values.get(slot)?.map((move) => move.slice(slot.length + 1)) ?? [],
  };
}

function groupBy<T>(items: readonly T[], keysOf: (item: T) => readonly string[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    for (const key of keysOf(item)) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [item]); else group.push(item);
    }
  }
  return groups;
}

function scatterOf({ rows, noise }: SpecialistView): number | null { // H4
  const repeated = rows.flatMap(({ status, n = 0, sd }) => (sd === undefined || status === 'baseline' ? [] : [{ n, sd, mean: 0 }]));
  const calibrated = noise === null ? [] : [{ n: rows.find(({ status }) => status === 'baseline')?.n ?? CONFIRMED.replicates, sd: noise, mean: 0 }];
  return calibrated.length + repeated.length === 0 ? null : pooledSd([...calibrated, ...repeated]);
}

/** Seeds of a row that does not say: who was not ahead of the best on the first had no other. */
const seedsOf = ({ deltaVsBest }: LineageRow, objective: Objective, keep: KeepRule): number =>
  (keep.kind === 'confirmed' && deltaVsBest !== null && gainOf(objective, deltaVsBest, 0) > 0 ? keep.replicates : 1);

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

/** Whether the attempt's recipe ran to its end and was scored. */
export const isMeasured = (attempt: Attempt): attempt is Attempt & { readonly gain: number } =>
  attempt.gain !== null && attempt.verdict !== 'open' && attempt.verdict !== 'failed' && attempt.verdict !== 'refused';
