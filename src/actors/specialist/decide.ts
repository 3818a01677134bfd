import { isShownToSpecialists } from '../../domain/status.ts';
import type { Proposal } from '../../domain/trial.ts';
import type { LineageRow } from '../../protocols/lineage.ts';
import type { Draft, SpecialistView } from './proposer.ts';

/** How many refusals in a row are answered with a new thought at once; after that only a new result can teach more. */
export const PATIENCE = 5;

/** How long a wait may take before the broker is asked all the same; null for as long as it takes. */
export function patienceMs(wanted: Wanted): number | null {
  switch (wanted.kind) {
    case 'seen': return 60_000;
    case 'ended': return 60_000; // a trial that was lost looks unfinished in the lineage; only the broker knows
    case 'result': return wanted.isUrgent ? 10_000 : null; // where everybody was turned away there is no result to wait for
    default: return wanted satisfies never;
  }
}

const RETRY_MS = 250;
const RETRY_LIMIT_MS = 15_000;

/** What a specialist waits for before it reads again. */
export type Wanted =
  /** This trial is in the lineage, in whatever state. */
  | { readonly kind: 'seen'; readonly trial: string }
  /** One of these trials has ended. */
  | { readonly kind: 'ended'; readonly trials: readonly string[] }
  /** Any trial has ended in a measurement since this position. `isUrgent`: somebody was turned away and may ask again before that. */
  | { readonly kind: 'result'; readonly after: number; readonly isUrgent: boolean };

/** Whether what a specialist waits for is in the lineage. */
export function isThere(wanted: Wanted, rows: readonly LineageRow[]): boolean {
  switch (wanted.kind) {
    case 'seen': return rows.some((row) => row.trial === wanted.trial);
    case 'ended': return rows.some((row) => wanted.trials.includes(row.trial) && row.status !== null);
    case 'result': return rows.some((row) => row.seq > wanted.after && row.status !== null && row.status !== 'rejected');
    default: return wanted satisfies never;
  }
}

/** Trials of this specialist that are queued or being measured, oldest first. */
export const inFlight = (rows: readonly LineageRow[], specialist: string): string[] =>
  rows.filter((row) => row.specialist === specialist && row.status === null).map((row) => row.trial);

/** How long to leave a silent neighbour alone before asking again. */
export const retryMs = (failures: number): number => Math.min(RETRY_LIMIT_MS, RETRY_MS * 2 ** Math.min(failures - 1, 10));

/** Takes away what says nothing about a recipe: our own faults and dead machines look unfinished to a proposer. */
export const withoutFaults = (view: SpecialistView): SpecialistView => ({
  ...view, unmeasured: view.rows.flatMap(({ trial, status }) => (status === null || isShownToSpecialists(status) ? [] : [trial])), rows: view.rows.map((row) => (row.status === null || isShownToSpecialists(row.status) ? row : { ...row, status: null, score: null, deltaVsBest: null, failure: null, artifactBytes: null })),
});

/** Takes away everything that an agent without lineage may not know: of the best its id, score, moves and code remain. */
export function deprive(view: SpecialistView): SpecialistView {
  const best = view.rows.find((row) => row.trial === view.best?.trial);
  if (best === undefined) return { ...view, rows: [], feedback: null, noise: null };
  const blank: LineageRow = {
    ...best, specialist: 'unknown', parent: best.trial, status: 'baseline', deltaVsBest: null, judgedAgainst: null, expectedDelta: 0, hypothesis: '',
    strategy: '', parts: [], failure: null, rejection: null, artifactBytes: null, seq: 0,
  };
  return { ...view, rows: [blank], feedback: null, noise: null, recipeOf: async (snapshot) => (snapshot === best.snapshot ? view.recipeOf(snapshot) : null) };
}

/** A draft with its author and what the author had read. */
export const sign = (draft: Draft, specialist: string, asOf: number): Proposal => ({ ...draft, specialist, asOf });

/** The text whose hash is a proposal's client id: asked twice, the same thought names the same trial. */
export const clientText = (run: string, proposal: Proposal): string => JSON.stringify([run, proposal.specialist, proposal.asOf, proposal.parent, proposal.patch]);
