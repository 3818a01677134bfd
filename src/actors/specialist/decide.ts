import type { Proposal } from '../../domain/trial.ts';
import type { LineageRow } from '../../protocols/lineage.ts';
import type { Draft, SpecialistView } from './proposer.ts';

/** How many refusals in a row are answered with a new thought at once; after that only a new result can teach more. */
export const PATIENCE = 5;

/** A run in which everybody was turned away has no result to wait for; so after this they try again. */
export const TURNED_AWAY_MS = 10_000;

const RETRY_MS = 250;
const RETRY_LIMIT_MS = 15_000;

/** What a specialist waits for before it reads again. */
export type Wanted =
  /** This trial is in the lineage, in whatever state. */
  | { readonly kind: 'seen'; readonly trial: string }
  /** One of these trials has ended. */
  | { readonly kind: 'ended'; readonly trials: readonly string[] }
  /** Any trial has ended in a measurement since this position; null waits for as long as it takes. */
  | { readonly kind: 'result'; readonly after: number; readonly atMostMs: number | null };

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
