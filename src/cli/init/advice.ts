import { knobsOf } from '../../actors/specialist/index.ts';
import { ownerOf } from '../../domain/partition.ts';
import type { Recipe } from '../../domain/recipe.ts';
import type { Claim } from '../../domain/surface.ts';
import type { Syntax } from '../../ports.ts';

/** What the search proposer finds to turn, by specialist. */
export interface Turnable { readonly specialist: string; readonly knobs: readonly string[] }

/** The knobs of each specialist of a recipe. */
export function turnable(recipe: Recipe, claims: readonly Claim[], roster: readonly string[], syntax: Pick<Syntax, 'symbols'>): readonly Turnable[] {
  const whole: Syntax = { symbols: (source) => syntax.symbols(source), check: async () => ({ ok: true }) };
  return roster.map((specialist) => ({ specialist, knobs: knobsOf(recipe, (file, symbol) => ownerOf(claims, file, symbol) === specialist, whole).map(({ name, value }) => `${name} ${value}`) }));
}

/** What a specialist without a knob or an edit needs; empty when each has something. */
export function adviceFor(found: readonly Turnable[], edits: (specialist: string) => number, name: string): readonly string[] {
  const idle = found.filter(({ specialist, knobs }) => knobs.length === 0 && edits(specialist) === 0).map(({ specialist }) => specialist);
  if (idle.length === 0) return [];
  const who = idle.length === found.length ? 'search finds nothing to turn' : `search finds nothing to turn for ${idle.join(', ')}`;
  return [`${who}: give a number a name where ${idle.length === 1 ? 'it owns' : 'they own'} the line (rate = 0.1 at the top of a file, width: int = 64 in a class, add_argument("--width", default=64)), or write edits into surfaces/${name}/edits/<specialist>/ (docs/surfaces.md)`];
}
