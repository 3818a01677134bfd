import type { Recipe } from './recipe.ts';

/** What became of a patch: a new recipe, or the rule it broke. */
export type PatchResult =
  | { readonly kind: 'applied'; readonly recipe: Recipe; readonly touched: readonly string[]; readonly added: readonly string[]; readonly deleted: readonly string[] }
  | { readonly kind: 'refused'; readonly rule: 'apply' | 'path' | 'mode' | 'size' | 'empty'; readonly file: string | null; readonly message: string };
