import type { Recipe } from '../../../../domain/recipe.ts';
import type { Syntax } from '../../../../ports.ts';
import { editMove, keyOf, readMove } from './move.ts';
import { setKnob } from './knob.ts';
import type { Edit } from './edit.ts';
import { merge } from './merge.ts';

// Any recipe of a search is built again from the baseline and its moves.
//
//   B1. Edits first, in order, then knobs: an edit may bring a knob along.
//   B2. A move that changes nothing is dropped, so that equal recipes have equal moves.

export type Built = { readonly kind: 'built'; readonly recipe: Recipe; readonly moves: readonly string[] } | { readonly kind: 'refused'; readonly reason: string };

/** Builds the recipe that a set of moves names. */
export function build(baseline: Recipe, moves: readonly string[], library: readonly Edit[], syntax: Syntax): Built {
  let recipe = baseline;
  const effective: string[] = [];
  for (const text of [...moves].sort()) { // B1: `edit:` sorts before `knob:`
    const move = readMove(text);
    if (move === null) return { kind: 'refused', reason: `${text} is no move of a search` };
    if (move.kind === 'knob') {
      const turned = setKnob(recipe, move.file, move.name, move.value);
      if (turned === null || turned[move.file] === recipe[move.file]) continue; // B2
      recipe = turned;
    } else {
      const edit = library.find((other) => editMove(other) === text);
      if (edit === undefined) return { kind: 'refused', reason: `the library has no ${text}` };
      const merged = merge(recipe, edit, syntax);
      if (merged.kind === 'refused') return merged;
      if (merged.recipe[edit.file] === recipe[edit.file]) continue; // B2
      recipe = merged.recipe;
    }
    effective.push(text);
  }
  return { kind: 'built', recipe, moves: effective };
}

/** A builder that remembers, because a lineage asks for the same recipes again and again. */
export function builder(baseline: Recipe, library: readonly Edit[], syntax: Syntax, remember = 512): (moves: readonly string[]) => Built {
  const known = new Map<string, Built>();
  return (moves) => {
    const key = keyOf(moves);
    const before = known.get(key);
    if (before !== undefined) return before;
    const built = build(baseline, moves, library, syntax);
    if (known.size >= remember) known.clear();
    known.set(key, built);
    return built;
  };
}
