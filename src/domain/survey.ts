import { BASELINE } from './ids.ts';
import type { Lineage, TrialRow } from './lineage.ts';
import { statusOf } from './lineage.ts';
import { gain } from './objective.ts';
import { isShownToSpecialists, isValid } from './status.ts';

// One pass over a lineage for what a specialist reads; nothing is sorted but the few rows that are kept.

/** A change smaller than this many standard deviations of one run says nothing. */
const NOISE_SDS = 2;
const TOP = 20;
const RECENT = 10;
const PATTERNS = 400;

export interface Pattern { readonly pattern: string; kept: number; failed: number; noise: number; worse: number; last: string }

export interface Survey {
  /** Best scored trials, best first. */
  readonly top: TrialRow[];
  /** Own trials that ended, newest first. */
  readonly mine: TrialRow[];
  /** Everybody's trials that ended, newest first. */
  readonly recent: TrialRow[];
  /** What own trials tried, most fruitless first. */
  readonly patterns: Pattern[];
  readonly predicted: { n: number; expected: number; measured: number; rightSign: number; error: number };
  /** How the last own trials went, newest first. */
  readonly lastFive: ('invalid' | 'noise' | 'moved')[];
}

/** Looks through all trials once for one specialist. */
export function survey(lineage: Lineage, specialist: string): Survey {
  const objective = lineage.started?.objective;
  const betterFirst = (a: TrialRow, b: TrialRow): boolean => {
    const byScore = objective ? gain(objective, a.result?.score ?? 0, b.result?.score ?? 0) : 0;
    return byScore !== 0 ? byScore > 0 : a.number < b.number;
  };
  const newerFirst = (a: TrialRow, b: TrialRow): boolean => a.seq > b.seq;
  const noise = NOISE_SDS * (lineage.calibration?.sd ?? 0);
  const top = shortlist(TOP, betterFirst);
  const mine = shortlist(RECENT, newerFirst);
  const recent = shortlist(RECENT, newerFirst);
  const patterns = new Map<string, Pattern>();
  const predicted = { n: 0, expected: 0, measured: 0, rightSign: 0, error: 0 };

  for (const row of lineage.trials.values()) {
    const status = statusOf(row);
    if (status === null || !isShownToSpecialists(status)) continue;
    const score = row.result?.score ?? null;
    if (score !== null && isValid(status)) top.offer(row);
    if (row.trial === BASELINE) continue;
    recent.offer(row);
    if (row.proposal.specialist !== specialist) continue;
    mine.offer(row);
    const delta = row.result?.deltaVsBest ?? null;
    for (const name of patternsOf(lineage, row)) {
      const known = patterns.get(name) ?? (patterns.size < PATTERNS ? { pattern: name, kept: 0, failed: 0, noise: 0, worse: 0, last: row.trial } : null);
      if (!known) continue;
      patterns.set(name, known);
      known.last = row.trial;
      if (status === 'keep') known.kept += 1;
      else if (!isValid(status)) known.failed += 1;
      else if (delta !== null && Math.abs(delta) <= noise) known.noise += 1;
      else known.worse += 1;
    }
    if (delta !== null && isValid(status)) {
      const expected = row.proposal.expectedDelta;
      predicted.n += 1;
      predicted.expected += expected;
      predicted.measured += delta;
      predicted.error += Math.abs(expected - delta);
      if (Math.sign(expected) === Math.sign(delta)) predicted.rightSign += 1;
    }
  }
  const mineNewest = mine.rows();
  return {
    top: top.rows(), mine: mineNewest, recent: recent.rows(), predicted,
    patterns: [...patterns.values()].sort((a, b) => fruitless(b) - fruitless(a) || (a.last < b.last ? 1 : -1)),
    lastFive: mineNewest.slice(0, 5).map((row) => {
      const status = statusOf(row);
      if (status === 'keep') return 'moved';
      if (status === null || !isValid(status)) return 'invalid';
      return Math.abs(row.result?.deltaVsBest ?? Infinity) <= noise ? 'noise' : 'moved';
    }),
  };
}

const fruitless = ({ failed, noise, worse }: Pattern): number => failed + noise + worse;

/** What a trial added to its parent: its new moves, or its hypothesis when it names none. */
function patternsOf(lineage: Lineage, row: TrialRow): readonly string[] {
  const { moves } = row.proposal.proposer;
  if (moves.length === 0) return [row.proposal.hypothesis.slice(0, 120)];
  const before = lineage.trials.get(row.proposal.parent)?.proposal.proposer.moves ?? [];
  const added = moves.filter((move) => !before.includes(move));
  return added.length === 0 ? [`without ${before.filter((move) => !moves.includes(move)).join(' ')}`.slice(0, 200)] : [added.join(' + ').slice(0, 200)];
}

/** The first few of many, kept in order as they are offered. */
function shortlist(most: number, comesFirst: (a: TrialRow, b: TrialRow) => boolean): { offer(row: TrialRow): void; rows(): TrialRow[] } {
  const kept: TrialRow[] = [];
  return {
    rows: () => [...kept],
    offer(row) {
      const last = kept[most - 1];
      if (last && !comesFirst(row, last)) return;
      let at = kept.length;
      for (; at > 0; at--) { const before = kept[at - 1]; if (!before || !comesFirst(row, before)) break; }
      kept.splice(at, 0, row);
      if (kept.length > most) kept.pop();
    },
  };
}
