import type { TrialId } from './ids.ts';

// What is known of a run that was measured elsewhere and is only read here.
//
//   I1. Nothing is guessed: what cannot be read is unknown, counted, and kept as it was written.
//   I2. A damaged row has no ending and no score; it keeps its place among the trials only where that can be read.

/** A row that cannot be read into its columns. */
export interface DamagedRow {
  /** Line of results.tsv, the head being 1. */
  readonly line: number;
  /** null where not even its id can be read. */
  readonly trial: TrialId | null;
  readonly reason: string;
  /** Who says where in the lineage it stands; null when nobody does. */
  readonly place: 'its own cells' | 'tree.tsv' | null;
  /** How tree.tsv says that it ended, for the reader alone: no table counts it. */
  readonly elsewhere: string | null;
  readonly raw: string;
}

/** A cell that cannot be read in a row that stands: its value is unknown. */
export interface DamagedCell { readonly line: number; readonly trial: TrialId; readonly column: string; readonly reason: string; readonly raw: string }

/** How tree.tsv compares with results.tsv, row by row. */
export interface TreeCheck {
  readonly rows: number;
  /** Rows of results.tsv that stand, each looked up in it. */
  readonly compared: number;
  /** Rows in which parent, specialist, status, score or change is another. */
  readonly differing: readonly { readonly line: number; readonly what: string }[];
  /** Rows whose hypothesis is worded otherwise: released texts were edited after the run. */
  readonly reworded: number;
}

/** Where an imported run came from, and what of it could not be read. */
export interface Imported {
  readonly source: string;
  /** False when the copy kept here is no longer what was imported. */
  readonly intact: boolean;
  /** Rows below the head. */
  readonly rows: number;
  /** Its columns between `status` and `job_name`. */
  readonly columns: readonly string[];
  /** How metric and direction were found. */
  readonly grounds: string;
  readonly damagedRows: readonly DamagedRow[];
  readonly damagedCells: readonly DamagedCell[];
  readonly notices: readonly string[];
  /** null when no tree.tsv lay beside. */
  readonly tree: TreeCheck | null;
}

/** One line on a damaged row: where, which, why. */
export const describeDamage = ({ line, trial, reason, place, elsewhere }: DamagedRow): string =>
  `results.tsv:${line}   ${trial ?? 'no id'}   ${reason}${place === null ? '; its place is unknown' : place === 'tree.tsv' ? '; its place is from tree.tsv' : ''}${elsewhere === null ? '' : `; tree.tsv has it as ${elsewhere}`}`;
