import { ownerOf } from './claim.ts';
import { changedSymbols } from './partition.ts';
import type { Claim } from './surface.ts';
import { MODULE, type Piece, type SymbolTable, type Tables } from './symbol.ts';

// Whether a merged patch says what its parts say.
//
//   Q1. What was changed or removed is as a part has it that its owner stands behind; what was added, as any part has it.
//   Q2. Of nameless statements each is asked about by itself, for two parts may have added one each; an import may come from any part.
//   Q3. Where several stand behind a patch without parts, each of them speaks for what is theirs.

/** A merged patch and what it merges. */
export interface Merged {
  /** Who stands behind the patch: its proposer first. */
  readonly authors: readonly string[];
  readonly parts: readonly Tables[];
  /** Who stands behind each part, in their order, its author first; without it any part may speak for anybody. */
  readonly partAuthors?: readonly (readonly string[])[];
  readonly claims: readonly Claim[];
  readonly before: { readonly tables: Tables };
  readonly after: { readonly tables: Tables };
}

/** The first symbol of a file that is not the proposer's and is not as the parts have it; null when all are. */
export function misquoted(patch: Merged, file: string): string | null {
  const [proposer = '', ...others] = patch.authors;
  if (others.length === 0 || patch.parts.length === 0) return null; // Q3
  const [before, after] = [patch.before.tables[file], patch.after.tables[file]];
  const speaks = (i: number, owner: string | null): boolean => patch.partAuthors === undefined || (owner !== null && (patch.partAuthors[i]?.includes(owner) ?? false));
  return changedSymbols(before ?? null, after ?? null).find(({ name, change }) => {
    const owner = ownerOf(patch.claims, file, name);
    if (owner === proposer) return false;
    if (name === MODULE && before && after && quotesAll(before, after, patch.parts.map((part) => part[file]), (i) => speaks(i, owner))) return false; // Q2
    return !patch.parts.some((part, i) => textIn(part[file], name) === textIn(after, name) && (change === 'added' || speaks(i, owner))); // Q1
  })?.name ?? null;
}

/** Whose a symbol is that a merged patch adds: the author of the first part that has it; null where none has. */
export function adderOf({ parts = [], partAuthors = [], after }: Pick<Merged, 'after' | 'partAuthors'> & Partial<Pick<Merged, 'parts'>>, file: string, name: string): string | null {
  const text = textIn(after.tables[file], name);
  return partAuthors[parts.findIndex((part) => text !== null && textIn(part[file], name) === text)]?.[0] ?? null;
}

/** The statements of a file that define nothing. */
export const moduleStatements = (table: SymbolTable): readonly Piece[] => table.pieces.filter(({ names }) => names[0] === MODULE);

function quotesAll(before: SymbolTable, after: SymbolTable, parts: readonly (SymbolTable | undefined)[], speaks: (i: number) => boolean): boolean {
  const has = (table: SymbolTable | undefined, text: string): boolean => table !== undefined && moduleStatements(table).some((piece) => piece.text === text);
  const came = moduleStatements(after).filter(({ text }) => !has(before, text));
  const went = moduleStatements(before).filter(({ text }) => !has(after, text));
  return came.every(({ text, isImport }) => parts.some((part, i) => has(part, text) && (isImport || speaks(i)))) && went.every(({ text }) => parts.some((part, i) => part !== undefined && !has(part, text) && speaks(i)));
}

const textIn = (table: SymbolTable | undefined, name: string): string | null => table?.symbols.find((symbol) => symbol.name === name)?.text ?? null;
