import type { Admit } from '../actors/broker/index.ts';
import type { LoadedSurface } from '../adapters/surfaces/index.ts';
import { admit } from '../domain/admission.ts';
import type { TrialId } from '../domain/ids.ts';
import { claimsAfter } from '../domain/ownership.ts';
import type { Recipe } from '../domain/recipe.ts';
import type { Claim } from '../domain/surface.ts';
import type { Tables } from '../domain/symbol.ts';
import { plainTable } from '../domain/symbol.ts';
import type { Patches, Syntax } from '../ports.ts';

/** The free checks of a surface's proposals. Who owns the symbols that earlier trials added follows from the trials themselves, so it need not be stored. */
export function admissionOf(surface: LoadedSurface, { syntax, patches }: { readonly syntax: Syntax; readonly patches: Patches }): Admit {
  const known = new Map<TrialId, { readonly recipe: Recipe; readonly claims: readonly Claim[] }>();
  const tablesOf = (recipe: Recipe): Tables => Object.fromEntries(Object.entries(recipe).map(([file, text]) => [file, file.endsWith('.py') ? syntax.symbols(text) : plainTable(text)]));

  const standing = (chain: Parameters<Admit>[0]['chain'], baseline: Recipe): { readonly recipe: Recipe; readonly claims: readonly Claim[] } => {
    let at = { recipe: baseline, claims: surface.claims };
    for (const { trial, patch, authors, parts = [], partAuthors = [] } of chain) {
      const remembered = known.get(trial);
      if (remembered) { at = remembered; continue; }
      const patched = patches.apply(at.recipe, patch);
      if (patched.kind === 'refused') return at;
      at = { recipe: patched.recipe, claims: claimsAfter({ authors, parts: parts.map(tablesOf), partAuthors, claims: at.claims, before: { recipe: at.recipe, tables: tablesOf(at.recipe) }, after: { recipe: patched.recipe, tables: tablesOf(patched.recipe) } }) };
      known.set(trial, at);
    }
    return at;
  };

  return async ({ patch, parent, parts, partAuthors = [], authors, ownership, chain, baseline, known: twinOf }) => {
    const patched = patches.apply(parent, patch);
    const tables = patched.kind === 'applied' ? tablesOf(patched.recipe) : {};
    const changed = patched.kind === 'applied' ? Object.keys(patched.recipe).filter((file) => file.endsWith('.py') && patched.recipe[file] !== parent[file]).sort() : [];
    const [checks, twin] = await Promise.all([
      Promise.all(changed.map(async (file) => ({ file, ...await syntax.check(file, patched.kind === 'applied' ? patched.recipe[file] ?? '' : '') }))),
      patched.kind === 'applied' ? twinOf(patched.recipe) : null,
    ]);
    const errors = checks.flatMap((checked) => (checked.ok ? [] : [{ file: checked.file, line: checked.line, message: checked.message }]));
    return admit({
      authors, parts: parts.map(tablesOf), partAuthors, claims: standing(chain, baseline).claims, addable: surface.addable, mode: surface.advisory.includes(authors[0] ?? '') ? 'advisory' : ownership,
      parent: { recipe: parent, tables: tablesOf(parent) }, patched, tables, errors, twin,
    });
  };
}
