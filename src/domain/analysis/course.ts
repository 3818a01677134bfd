import { BASELINE, type TrialId } from '../ids.ts';
import { statusOf, type Lineage } from '../lineage.ts';
import { spentOn } from '../session.ts';
import { bestSoFar } from '../summary.ts';
import { recordOf, type RunRecord } from './record.ts';

// How a run went, trial by trial, so that two runs can be set side by side at the same point.
//
//   C1. Trials count in the order they ended; rows that cannot be read count where they stand.
//   C2. The start is the baseline on the data that the bests were scored on. Where it has no score, the first keep is the start.
//   C3. Slot-seconds are those of the search: calibration and the final claim cost every arm the same and are left out.
//   C4. A run cut short is what it was at that moment: later trials, keeps and its final claim are not known yet.

/** A run after one more trial had ended. */
export interface Step {
  readonly trial: TrialId;
  readonly seq: number;
  readonly at: number;
  /** Slot-seconds of the search up to here (C3). */
  readonly slotSeconds: number;
  /** The best so far, and its change from the start; null before there is either. */
  readonly best: TrialId | null;
  readonly score: number | null;
  readonly delta: number | null;
}

/** One run's way from its start. */
export interface Course {
  readonly run: string;
  readonly seed: number;
  readonly start: number | null;
  readonly steps: readonly Step[];
  /** The run as the tables read it, at the last step. */
  readonly record: RunRecord;
  readonly spent: { readonly tokens: number; readonly money: number };
  /** False once something was cut off. */
  readonly isWhole: boolean;
}

/** By what runs are made equal before they are compared. */
export type Budget = 'trials' | 'slot-seconds';

/** Reads a whole run. */
export function courseOf(run: string, lineage: Lineage): Course {
  const record = recordOf(run, lineage);
  const bests = new Map(bestSoFar(lineage).map(({ trial, score }) => [trial, score]));
  const first = bests.get(BASELINE) ?? null;
  const counted = new Set(record.trials.map(({ trial }) => trial));
  const rows = [...lineage.trials.values()].filter(({ trial }) => counted.has(trial)).sort((a, b) => a.seq - b.seq); // C1
  const spending = [...lineage.trials.values()].flatMap((row) => [...row.replicates.values()].flatMap(({ attempts }) => attempts
    .filter(({ lease }) => lease.purpose !== 'final' && !(row.trial === BASELINE && lease.purpose === 'search')))) // C3
    .sort((a, b) => a.chargedSeq - b.chargedSeq);
  let [at, slotSeconds, start] = [0, 0, first];
  let best: TrialId | null = null;
  const steps = rows.map((row): Step => {
    for (let next = spending[at]; next && next.chargedSeq <= row.seq; next = spending[++at]) slotSeconds += next.seconds;
    if (bests.has(row.trial)) best = row.trial;
    const score = best === null ? start : bests.get(best) ?? null;
    start ??= score; // C2
    return { trial: row.trial, seq: row.seq, at: row.endedAt ?? row.admittedAt, slotSeconds, best, score, delta: score === null || start === null ? null : score - start };
  });
  return { run, seed: lineage.started?.seed ?? 0, start, steps, record, spent: thoughtUntil(lineage, Infinity), isWhole: true };
}

/** The first so many trials of a run, or as many as so many slot-seconds paid for (C4). */
export function cutAt(course: Course, lineage: Lineage, budget: Budget, most: number): Course {
  const steps = budget === 'trials' ? course.steps.slice(0, most) : course.steps.filter(({ slotSeconds }) => slotSeconds <= most);
  if (steps.length === course.steps.length) return course;
  const last = steps.at(-1);
  const kept = new Set(steps.map(({ trial }) => trial));
  const trials = course.record.trials.filter(({ trial }) => kept.has(trial));
  const refused = [...lineage.trials.values()].filter((row) => statusOf(row) === 'rejected' && row.seq <= (last?.seq ?? 0)).length;
  const best = last?.best != null && last.score !== null ? { trial: last.best, score: last.score } : null;
  return { ...course, steps, isWhole: false, spent: thoughtUntil(lineage, last?.at ?? 0), record: { ...course.record, trials, refused, best, claim: null, waiting: 0, lostRows: 0, baseline: course.start } };
}

/** A run's change from its start once so much was used; 0 while only its start is known, null without one. */
export function deltaAt({ start, steps }: Course, budget: Budget, used: number): number | null {
  if (budget === 'trials') return used < 1 ? (start === null ? null : 0) : steps[Math.min(used, steps.length) - 1]?.delta ?? null;
  const reached = steps.findLastIndex(({ slotSeconds }) => slotSeconds <= used);
  return reached < 0 ? (start === null ? null : 0) : steps[reached]?.delta ?? null;
}

/** What a run has used of a budget. */
export const usedOf = ({ steps, record }: Course, budget: Budget): number => (budget === 'trials' ? steps.length + record.lostRows : steps.at(-1)?.slotSeconds ?? 0);

/** Tokens and money up to a moment: every session begun by then, and proposals that came from none. */
function thoughtUntil({ sessions, trials }: Lineage, at: number): { tokens: number; money: number } {
  const spent = { tokens: 0, money: 0 };
  for (const row of sessions.rows.values()) if (row.openedAt <= at) { const one = spentOn(row); spent.tokens += one.tokens; spent.money += one.money; }
  for (const { proposal, admittedAt } of trials.values()) if (proposal.session === undefined && admittedAt <= at) { spent.tokens += proposal.tokens; spent.money += proposal.money; }
  return spent;
}
