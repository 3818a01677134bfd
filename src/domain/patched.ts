import { adopted } from './adoption.ts';
import { divide } from './block.ts';
import { ownerOf, PROTECTED } from './claim.ts';
import type { Recipe } from './recipe.ts';
import type { Claim } from './surface.ts';
import type { Tables } from './symbol.ts';

/** A patch seen by symbol. */
export interface PatchedTables {
  /** Who stands behind the patch: the specialist first, and for a merged one the authors of its parts. */
  readonly authors: readonly string[];
  /** The recipes of the parts of a merged patch. */
  readonly parts: readonly Tables[];
  /** Who stands behind each part, in their order; without it any part may speak for anybody. */
  readonly partAuthors?: readonly (readonly string[])[];
  readonly claims: readonly Claim[];
  readonly addable: readonly string[];
  readonly mode: 'enforced' | 'advisory';
  readonly before: { readonly recipe: Recipe; readonly tables: Tables };
  readonly after: { readonly recipe: Recipe; readonly tables: Tables };
}

/** A patch in whose tables every block is a symbol of its own; `whole` has them as they were read. */
export interface DividedTables extends PatchedTables { readonly whole: readonly [before: Tables, after: Tables] }

/** What a patch adds to one file beside its authors' blocks. */
export function adoptedIn({ before, after, claims, authors }: Pick<PatchedTables, 'before' | 'after' | 'claims' | 'authors'>, file: string, isOpen: (owner: string | null) => boolean): Claim[] {
  const [was, now] = [before.tables[file], after.tables[file]];
  return was && now && was !== now ? [...adopted({ file, before: was, after: now, claims, isOpen, authors })] : [];
}

/** The patch with every block a symbol of its own, those it adds included. */
export function divided(patch: PatchedTables): DividedTables {
  const files = new Set(patch.claims.flatMap(({ file, symbol }) => (symbol?.includes('@') ? [file] : [])));
  const whole = [patch.before.tables, patch.after.tables] as const;
  if (files.size === 0) return { ...patch, whole };
  const claims = [...patch.claims, ...[...files].flatMap((file) => adoptedIn(patch, file, (owner) => !isForeignTo(patch, owner)))];
  const cut = (tables: Tables): Tables => Object.fromEntries(Object.entries(tables).map(([file, table]) => [file, files.has(file) ? divide(table, claims, file) : table]));
  return { ...patch, claims, parts: patch.parts.map(cut), whole, before: { ...patch.before, tables: cut(patch.before.tables) }, after: { ...patch.after, tables: cut(patch.after.tables) } };
}

/** Whether a symbol is of one of the authors. */
export const isMine = (patch: Pick<PatchedTables, 'authors' | 'claims'>, file: string, symbol: string | null): boolean =>
  patch.authors.includes(ownerOf(patch.claims, file, symbol) ?? '');

/** Whether a symbol that stood before may not be touched by these authors. */
export const isForeign = (patch: PatchedTables, file: string, symbol: string | null): boolean => isForeignTo(patch, ownerOf(patch.claims, file, symbol));

/** Whether what is of an owner may not be touched by these authors. */
export const isForeignTo = (patch: PatchedTables, owner: string | null): boolean => owner === PROTECTED || (patch.mode === 'enforced' && !patch.authors.includes(owner ?? ''));
