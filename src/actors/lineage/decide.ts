import { BASELINE, type BlobHash, type TrialId } from '../../domain/ids.ts';
import { statusOf, type Lineage, type TrialRow } from '../../domain/lineage.ts';
import { isShownToSpecialists } from '../../domain/status.ts';
import { isOpen } from '../../domain/sessions.ts';
import type { Draft, LineageRow, Staff } from '../../protocols/lineage.ts';

// What a specialist may know, and since when.
//
//   K1. An answer about a position is the same whenever it is given.
//   K2. Our own faults and dead machines say nothing about a recipe: its author learns that the trial is over, and nothing else.
//   K3. In an arm without lineage only the current best's id, score and code are told, whatever position is asked about: an earlier best is an earlier outcome.
//   K4. A copy that holds more of this journal than the server does is the only one that does: it is never thrown away, and nobody goes on without it.

/** When what is told changed, in journal order: kept beside the lineage, so that an earlier position can be answered without folding again. */
export interface Timeline {
  /** A trial was taken or refused, or it ended. */
  readonly changes: { readonly seq: number; readonly trial: TrialId }[];
  /** Positions of the facts behind `lineage.bests`, one each. */
  readonly bests: number[];
  calibrated: number | null;
}

/** A timeline before its first fact. */
export const emptyTimeline = (): Timeline => ({ changes: [], bests: [], calibrated: null });

/** Notes what one applied fact changed; `bestsBefore` is how many bests there were without it. */
export function note(timeline: Timeline, lineage: Lineage, fact: { readonly word: string; readonly ids: readonly string[]; readonly seq: number }, bestsBefore: number): void {
  const [id = ''] = fact.ids;
  const isMine = lineage.trials.get(id)?.seq === fact.seq;
  if ((fact.word === 'trial.admitted' || fact.word === 'trial.rejected' || fact.word === 'trial.result') && isMine) timeline.changes.push({ seq: fact.seq, trial: id });
  if (lineage.bests.length > bestsBefore) timeline.bests.push(fact.seq);
  if (fact.word === 'run.calibrated') timeline.calibrated = fact.seq;
}

/** One trial as a specialist sees it at a position. */
export function rowOf(row: TrialRow, asOf: number): LineageRow {
  const status = statusOf(row);
  const isOver = row.seq <= asOf && status !== null;
  const result = isOver && isShownToSpecialists(status) ? row.result : null; // K2
  return {
    trial: row.trial, specialist: row.proposal.specialist, parent: row.proposal.parent,
    status: isOver ? status : null,
    score: result?.score ?? null, deltaVsBest: result?.deltaVsBest ?? null, judgedAgainst: result?.judgedAgainst ?? null,
    expectedDelta: row.proposal.expectedDelta, hypothesis: row.proposal.hypothesis,
    strategy: row.proposal.proposer.strategy, moves: [...row.proposal.proposer.moves], parts: [...row.proposal.parts],
    snapshot: row.snapshot, failure: result?.failure ?? null, rejection: row.rejection?.message ?? null,
    artifactBytes: result?.artifactBytes ?? null,
    ...(result === null || result.score === null ? {} : { n: result.n, ...(result.sd === null ? {} : { sd: result.sd }) }),
    seq: row.seq <= asOf ? row.seq : row.admittedSeq,
  };
}

export interface Rows { readonly rows: LineageRow[]; readonly more: boolean }

/** Rows that changed after one position and no later than another, oldest change first. */
export function rowsBetween(lineage: Lineage, timeline: Timeline, { after, asOf, limit }: { readonly after: number; readonly asOf: number; readonly limit: number }): Rows {
  const rows: LineageRow[] = [];
  for (let i = firstAfter(timeline.changes, after); i < timeline.changes.length; i++) {
    const change = timeline.changes[i];
    if (!change || change.seq > asOf) break;
    const row = lineage.trials.get(change.trial);
    if (!row || (row.seq !== change.seq && row.seq <= asOf)) continue; // it changed again, and that is told later
    if (rows.length === limit) return { rows, more: true };
    rows.push(rowOf(row, asOf));
  }
  return { rows, more: false };
}

/** Index of the first change after a position, by bisection. */
function firstAfter(changes: readonly { readonly seq: number }[], after: number): number {
  let low = 0;
  let high = changes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((changes[middle]?.seq ?? 0) <= after) low = middle + 1; else high = middle;
  }
  return low;
}

export interface BestRow { readonly trial: TrialId; readonly score: number | null; readonly snapshot: BlobHash; readonly seq: number }

/** The best as it stood at a position; null before the first. */
export function bestAt(lineage: Lineage, timeline: Timeline, asOf: number): BestRow | null {
  for (let n = timeline.bests.length - 1; n >= 0; n--) {
    const seq = timeline.bests[n] ?? 0;
    const found = lineage.bests[n];
    if (seq <= asOf && found) return { trial: found.trial, score: found.score, snapshot: found.snapshot, seq };
  }
  return null;
}

/** The best as the only row of an arm without lineage: who thought of it, against what and how far it moved are not told. */
export function bareRow(lineage: Lineage, best: BestRow): LineageRow { // K3
  const row = lineage.trials.get(best.trial);
  return {
    trial: best.trial, specialist: 'unknown', parent: BASELINE, status: best.trial === BASELINE ? 'baseline' : 'keep',
    score: best.score, deltaVsBest: null, judgedAgainst: null, expectedDelta: 0, hypothesis: '', strategy: '',
    moves: [...(row?.proposal.proposer.moves ?? [])], parts: [], snapshot: best.snapshot, failure: null, rejection: null, artifactBytes: null, seq: best.seq,
  };
}

/** Whether a snapshot may be read: those of trials, and without lineage the best's. */
export function mayRead(lineage: Lineage, snapshot: BlobHash): boolean {
  if (lineage.started?.snapshot === snapshot) return true;
  if (lineage.started?.arm.lineage === false) return lineage.bests.slice(-2).some((each) => each.snapshot === snapshot); // K3; a reader may be one best behind
  return lineage.bySnapshot.has(snapshot);
}

/** A draft as either of its two owners may read it. */
export function draftFor(lineage: Lineage, joint: string, by: string): Draft | null {
  const row = lineage.sessions.joints.get(joint);
  if (!row || (by !== row.offered.from && by !== row.offered.to)) return null;
  const { from, to, parent, hypothesis, expectedDelta, patch } = row.offered;
  const state = isOpen(row) ? 'open' : row.trial === null ? 'declined' : 'accepted';
  return { joint, from, to, parent, hypothesis, expectedDelta, patch, state, reason: row.answered?.reason ?? '', trial: row.trial };
}

/** What the copy on disk is worth against the journal; `ahead` is worth more than the journal, which lost what it holds. */
export type Worth = { readonly kind: 'empty' } | { readonly kind: 'usable' } | { readonly kind: 'useless'; readonly why: string } | { readonly kind: 'ahead'; readonly why: string };

/** Compares a copy with the journal it claims to be of: its position, its first and its last fact. */
export function worthOf(copy: { readonly applied: number; readonly first: string | null; readonly last: string | null }, journal: { readonly position: number; readonly first: string | null; readonly last: string | null }): Worth {
  if (copy.applied === 0) return { kind: 'empty' };
  if (journal.position > 0 && copy.first !== journal.first) return { kind: 'useless', why: 'its first fact is not the first of this journal' };
  if (copy.applied > journal.position) return { kind: 'ahead', why: `it ends at position ${journal.position}, and was read up to ${copy.applied}` }; // K4
  if (copy.last !== journal.last) return { kind: 'ahead', why: `its position ${copy.applied} is not what was read there` }; // K4
  return { kind: 'usable' };
}

/** Who takes part in a run, and whether anybody still is to think for it; null before its first fact. */
export function staffOf({ started, limits, stopped }: Pick<Lineage, 'started' | 'limits' | 'stopped'>): Staff | null {
  return started && {
    surface: started.surface, rosterName: started.rosterName ?? null, roster: [...started.roster], proposer: started.proposer, seed: started.seed,
    lineage: started.arm.lineage, compose: started.compose ?? null, isOver: stopped !== null || limits?.trials === 0,
  };
}
