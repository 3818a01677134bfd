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
  /** The rendered feedback, handoffs included; null without lineage. */
  readonly feedback: string | null;
  recipeOf(snapshot: string): Promise<Recipe | null>;
}

/** A proposal before its specialist signs it. */
export type Draft = Omit<Proposal, 'specialist' | 'asOf'>;

/** What thinking led to. */
export type Thought = { readonly kind: 'proposal'; readonly draft: Draft } | { readonly kind: 'nothing'; readonly reason: string };

/** The seam behind which search, an LLM or a recording thinks. Asynchronous, because a model takes its time. */
export interface Proposer { propose(view: SpecialistView, signal: AbortSignal): Promise<Thought> }
