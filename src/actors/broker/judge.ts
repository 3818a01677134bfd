import { authorsOf, namesOn } from '../../domain/authors.ts';
import type { BlobHash, TrialId } from '../../domain/ids.ts';
import { BASELINE } from '../../domain/ids.ts';
import { chain } from '../../domain/lineage.ts';
import { canonicalRecipe, type Recipe } from '../../domain/recipe.ts';
import { isOpenTo } from '../../domain/sessions.ts';
import type { Proposal, Rejection } from '../../domain/trial.ts';
import type { Blobs, Journal } from '../../ports.ts';
import type { Keeper } from './keeper.ts';

// Whether a proposal may cost a slot, for whoever asks: the desk for a trial, a session for a check or a draft.
//
//   G1. A proposal is judged by a fold no older than what its author had read: the lineage may hear of a keep before the broker has folded it.
//   G2. A joint trial is judged as one of both its authors, and only where the draft it names is still open to this owner.
//   G3. In an arm without lineage a parent is the baseline, the best, or the best before it, for an author may be one behind; nothing is merged; and of
//       earlier trials a refusal says no more than that there was one. Else trial by trial it could be found out what was kept.

/** Every free check of a proposal; runs no recipe code. */
export type Admit = (proposal: {
  readonly specialist: string; readonly patch: string; readonly parent: Recipe; readonly authors: readonly string[];
  readonly ownership: 'enforced' | 'advisory';
  /** The recipes of the kept trials it merges. */
  readonly parts: readonly Recipe[];
  /** Who stands behind each of them. */
  readonly partAuthors?: readonly (readonly string[])[];
  /** How the parent came to be: each trial from the baseline's first child to the parent. */
  readonly chain: readonly { readonly trial: TrialId; readonly patch: string; readonly authors: readonly string[]; readonly parts?: readonly Recipe[]; readonly partAuthors?: readonly (readonly string[])[] }[];
  readonly baseline: Recipe;
  readonly known: (recipe: Recipe) => Promise<TrialId | null>;
}) => Promise<{ readonly kind: 'admitted'; readonly recipe: Recipe } | { readonly kind: 'rejected'; readonly rejection: Rejection }>;

/** What is to be judged of a proposal. */
export interface Asking extends Pick<Proposal, 'parent' | 'patch' | 'parts' | 'asOf' | 'specialist' | 'joint'> {}
export type Judged = { readonly kind: 'admitted'; readonly snapshot: BlobHash } | { readonly kind: 'rejected'; readonly rejection: Rejection };
/** Judges a proposal, by the names on it or by those it would have; records nothing. */
export type Judge = (asking: Asking, names?: readonly string[]) => Promise<Judged>;

/** A judge over one run's lineage. */
export function openJudge({ blobs, journal }: { readonly blobs: Blobs; readonly journal: Journal }, { lineage, folded }: Keeper, admit: Admit): Judge {
  const refuse = (message: string): Judged => ({ kind: 'rejected', rejection: { rule: 'parent', file: null, symbol: null, owner: null, message } });

  return async (asking, names = namesOn(asking)) => {
    const { asOf, specialist, joint } = asking;
    if (asOf > lineage.applied) await folded(Math.min(asOf, await journal.position())); // G1
    const isBare = lineage.started?.arm.lineage === false;
    if (isBare && asking.parent !== BASELINE && !lineage.bests.slice(-2).some(({ trial }) => trial === asking.parent)) return refuse('without lineage a parent is the best: read again which that is'); // G3
    if (isBare && asking.parts.length > 0) return refuse('without lineage nothing is merged: leave the parts out'); // G3
    if (joint !== undefined && !isOpenTo(lineage.sessions, joint.draft, { from: joint.with, to: specialist })) { // G2
      return { kind: 'rejected', rejection: { rule: 'ownership', file: null, symbol: null, owner: null, message: `${joint.draft} is no draft of ${joint.with} that waits for ${specialist}: propose your own part alone, or read which drafts are open` } };
    }
    const parent = lineage.trials.get(asking.parent);
    const parts = asking.parts.map((part) => lineage.trials.get(part));
    if (!parent?.snapshot) return refuse(`${asking.parent} is no trial of this run with a snapshot: name one from the feedback`);
    if (parts.some((part) => part?.result?.status !== 'keep')) return refuse('parts must be kept trials of this run');
    if (joint !== undefined && parts.length > 0) return refuse('a joint trial merges nothing: leave its parts out');
    const merged = await partsOf(asking.parts);
    if (merged.parts.length !== parts.length) return refuse('the snapshot of a part is not stored');
    const recipe = await readRecipe(blobs, parent.snapshot);
    if (!recipe) return refuse(`the snapshot of ${asking.parent} is not stored`);
    const baseline = await readRecipe(blobs, lineage.started?.snapshot ?? '');
    if (!baseline) return refuse('the snapshot of the baseline is not stored');
    const judged = await admit({
      ...merged, baseline, chain: await Promise.all(chain(lineage, asking.parent).slice(1).map(async (row) => ({ trial: row.trial, patch: row.proposal.patch, authors: authorsOf(lineage, row), ...await partsOf(row.proposal.parts) }))),
      specialist, patch: asking.patch, parent: recipe, ownership: lineage.started?.arm.ownership ?? 'enforced',
      authors: [...new Set([...names, ...parts.flatMap((part) => (part ? authorsOf(lineage, part) : []))])],
      known: async (candidate) => lineage.bySnapshot.get(await blobs.put(bytesOf(candidate))) ?? null,
    });
    if (judged.kind === 'admitted') return { kind: 'admitted', snapshot: await blobs.put(bytesOf(judged.recipe)) };
    const isTold = !isBare || judged.rejection.rule !== 'duplicate';
    return isTold ? judged : { kind: 'rejected', rejection: { ...judged.rejection, message: 'this recipe was tried before: change something more' } }; // G3
  };

  /** The recipes that a proposal merges, each with who stands behind it. */
  async function partsOf(parts: readonly TrialId[]): Promise<{ parts: Recipe[]; partAuthors: string[][] }> {
    const found = await Promise.all(parts.map(async (part) => {
      const row = lineage.trials.get(part);
      const recipe = row?.snapshot ? await readRecipe(blobs, row.snapshot) : null;
      return row && recipe ? [{ recipe, authors: authorsOf(lineage, row) }] : [];
    }));
    return { parts: found.flat().map(({ recipe }) => recipe), partAuthors: found.flat().map(({ authors }) => authors) };
  }
}

const bytesOf = (recipe: Recipe): Uint8Array => new TextEncoder().encode(canonicalRecipe(recipe));

/** A snapshot's recipe; null when it is not stored. */
async function readRecipe(blobs: Blobs, snapshot: string): Promise<Recipe | null> {
  const bytes = await blobs.get(snapshot);
  return bytes && (JSON.parse(new TextDecoder().decode(bytes)) as Recipe);
}
