/** The contents of a recipe: every file of the surface by its path relative to the recipe's root. */
export type Recipe = Readonly<Record<string, string>>;

/** One canonical text for a recipe, so that equal recipes have equal hashes whatever order they were read in. */
export const canonicalRecipe = (recipe: Recipe): string =>
  JSON.stringify(Object.fromEntries(Object.keys(recipe).sort().map((path) => [path, recipe[path] ?? ''])));
