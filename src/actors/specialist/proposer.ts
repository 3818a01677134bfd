import type { KeepRule } from '../../domain/fact.ts';
import type { Recipe } from '../../domain/recipe.ts';
import type { Proposal } from '../../domain/trial.ts';
import type { LineageRow } from '../../protocols/lineage.ts';

/** What a proposer may know when it thinks: the journal up to `asOf`, as its arm allows. */
export interface SpecialistView {
  readonly asOf: number;
  /** Every trial, by number; without lineage only the best, with its outcome-bearing fields blank. */
  readonly rows: readonly LineageRow[];
  readonly best: { readonly trial: string; readonly score: number | null; readonly snapshot: string } | null;
  /** Standard deviation of one measurement; null when unknown. */
  readonly noise: number | null;
  /** How the run tells a better trial from a lucky one; absent or null when it was not said. */
  readonly keep?: KeepRule | null;
  /** The rendered feedback, handoffs included; null without lineage. */
  readonly feedback: string | null;
  /** Trials that were not measured through no fault of their recipe, and look unfinished; absent where nothing was hidden. */
  readonly unmeasured?: readonly string[];
  recipeOf(snapshot: string): Promise<Recipe | null>;
}

/** A proposal before its specialist signs it. */
export type Draft = Omit<Proposal, 'specialist' | 'asOf'>;

/** What thinking led to. */
export type Thought =
  /** `knew` is what its author had read, where that is not the view it was asked with. */
  | { readonly kind: 'proposal'; readonly draft: Draft; readonly knew?: { readonly asOf: number; readonly feedback: string | null } }
  /** `next` is what to do instead of waiting for a result: ask again at once, or no more because the run is closed. */
  | { readonly kind: 'nothing'; readonly reason: string; readonly next?: 'again' | 'closed' };

/** The seam behind which search, an LLM or a recording thinks. Asynchronous, because a model takes its time. */
export interface Proposer {
  propose(view: SpecialistView, signal: AbortSignal): Promise<Thought>;
  /** Hears what the broker said to a proposal of its own; absent where only rows matter. */
  heard?(answer: Answer, signal: AbortSignal): Promise<void>;
  /** Ends what is open, for the run is about to stop; nothing is asked of it after. Absent where nothing is ever open. */
  windUp?(reason: string, signal: AbortSignal): Promise<void>;
}

/** What a specialist hears from the broker. */
export type Answer =
  | { readonly kind: 'admitted'; readonly trial: string }
  | { readonly kind: 'rejected'; readonly trial: string; readonly reason: string }
  | { readonly kind: 'busy' }
  | { readonly kind: 'closed'; readonly reason: string };
