import { canonicalRecipe } from '../../../../domain/recipe.ts';
import type { Proposer } from '../../../../domain/trial.ts';
import type { Patches } from '../../../../ports.ts';
import type { LineageRow } from '../../../../protocols/lineage.ts';
import { sha256 } from '../../fingerprint.ts';
import type { Draft } from '../../proposer.ts';
import type { Ground } from './ground.ts';
import { keyOf } from './move.ts';

/** What a lineage holds in any state, refused and unfinished too: none of it is proposed again. */
export interface Seen { readonly keys: ReadonlySet<string>; readonly snapshots: ReadonlySet<string> }

/** Every set of moves and every snapshot of some rows. */
export const seenIn = (rows: readonly LineageRow[]): Seen => ({
  keys: new Set(rows.map((row) => keyOf(row.moves)).filter((key) => key !== '')),
  snapshots: new Set(rows.flatMap((row) => (row.snapshot === null ? [] : [row.snapshot]))),
});

export interface Idea { readonly kind: Proposer['kind']; readonly stamp: string; readonly moves: readonly string[]; readonly hypothesis: string; readonly expectedDelta: () => number; readonly parts: readonly string[] }

/** Most moves a row can carry. */
const MOST_MOVES = 128;

/** A set of moves as a proposal on the best; null when it cannot be built, changes nothing, or was proposed before. */
export function draftOn(best: LineageRow, ground: Ground, seen: Seen, idea: Idea, patches: Patches): Draft | null {
  const built = ground.build(idea.moves);
  if (built.kind === 'refused' || built.moves.length > MOST_MOVES || seen.keys.has(keyOf(built.moves))) return null;
  const canonical = canonicalRecipe(built.recipe);
  if (canonical === canonicalRecipe(ground.recipe) || seen.snapshots.has(sha256(canonical))) return null;
  return {
    parent: best.trial, hypothesis: tidy(idea.hypothesis), expectedDelta: idea.expectedDelta(), patch: patches.diff(ground.recipe, built.recipe), parts: idea.parts,
    proposer: { kind: idea.kind, strategy: idea.stamp, moves: built.moves }, tokens: 0, money: 0,
  };
}

/** One line without control characters, as the wire wants it. */
const tidy = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, 600);
