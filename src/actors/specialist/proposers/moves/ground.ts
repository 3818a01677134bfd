import { canonicalRecipe, type Recipe } from '../../../../domain/recipe.ts';
import type { Syntax } from '../../../../ports.ts';
import type { LineageRow } from '../../../../protocols/lineage.ts';
import { sha256 } from '../../fingerprint.ts';
import type { SpecialistView } from '../../proposer.ts';
import { builder, type Built } from './build.ts';
import type { Edit } from './edit.ts';

/** The recipe of a best, and how others are built from it. */
export interface Ground { readonly recipe: Recipe; readonly build: (moves: readonly string[]) => Built }

/** Finds the ground under a best: from the baseline, or on top of a best that another kind of proposer wrote; null when its code cannot be read. */
export function grounds({ baseline, library }: { readonly baseline: Recipe; readonly library: readonly Edit[] }, syntax: Syntax): (best: LineageRow, view: SpecialistView) => Promise<Ground | null> {
  const fromBaseline = builder(baseline, library, syntax);
  return async (best, view) => {
    const again = fromBaseline(best.moves);
    if (again.kind === 'built' && sha256(canonicalRecipe(again.recipe)) === best.snapshot) return { recipe: again.recipe, build: fromBaseline };
    const recipe = best.snapshot === null ? null : await view.recipeOf(best.snapshot);
    if (recipe === null) return null;
    const onTop = builder(recipe, library, syntax);
    return {
      recipe,
      build: (moves) => {
        const built = onTop(moves.filter((move) => !best.moves.includes(move)));
        return built.kind === 'refused' ? built : { ...built, moves: [...best.moves, ...built.moves].sort() };
      },
    };
  };
}
