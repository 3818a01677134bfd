import { suggest } from '../../domain/likeness.ts';
import { PROTECTED, validatePartition } from '../../domain/partition.ts';
import type { Recipe } from '../../domain/recipe.ts';
import type { Claim } from '../../domain/surface.ts';
import { MODULE, plainTable, type SymbolTable, type Tables } from '../../domain/symbol.ts';
import type { Syntax } from '../../ports.ts';
import { BadSurface } from './bad-surface.ts';
import type { Path } from './document.ts';
import type { SurfaceFile } from './schema.ts';

// Who takes part and who owns what, under the roster and the start that were chosen.

export interface PlacedClaim { readonly claim: Claim; readonly path: Path }
export interface Division { readonly specialists: readonly string[]; readonly advisory: readonly string[]; readonly claims: readonly PlacedClaim[]; /** Where its briefs lie under `specialists/`. */ readonly folder: string }

/** The division that a roster's name chooses; null is the surface's own. Throws `BadSurface` for a name it does not have. */
export function divisionOf({ value, line }: SurfaceFile, shown: string, roster: string | null, start: string | null): Division {
  const begun = start === null ? undefined : value.starts[start];
  const under: Path = begun ? ['starts', start ?? ''] : [];
  const rosters = begun?.rosters ?? value.rosters;
  const rostersPath: Path = begun?.rosters ? [...under, 'rosters'] : ['rosters'];
  const chosen = roster === null ? null : rosters[roster];
  if (chosen === undefined) {
    const names = Object.keys(rosters);
    throw new BadSurface([`${shown}/surface.yaml has no roster ${JSON.stringify(roster)}${suggest(roster ?? '', names)}${names.length > 0 ? ` There is ${names.join(', ')}, and the one it has without a name.` : ' It has one, without a name: leave --roster out.'}`]);
  }
  const placed = (owner: string, given: readonly string[], path: Path): readonly PlacedClaim[] => given.map((text, i) => {
    const at = text.indexOf('#');
    const symbol = at < 0 ? null : text.slice(at + 1);
    return { claim: { owner, file: at < 0 ? text : text.slice(0, at), symbol: symbol?.startsWith('@') ? `${MODULE}${symbol}` : symbol, line: line([...path, i]) }, path: [...path, i] };
  });
  const owned = (partition: Readonly<Record<string, readonly string[]>>, path: Path): readonly PlacedClaim[] => Object.entries(partition).flatMap(([owner, given]) => placed(owner, given, [...path, owner]));
  const shared = begun?.protected ? placed(PROTECTED, begun.protected, [...under, 'protected']) : placed(PROTECTED, value.protected, ['protected']);
  if (chosen === null) return { specialists: value.roster, advisory: value.advisory, folder: '', claims: [...(begun?.partition ? owned(begun.partition, [...under, 'partition']) : owned(value.partition, ['partition'])), ...shared] };
  const path = [...rostersPath, roster ?? ''];
  return { specialists: chosen.roster, advisory: chosen.advisory, folder: `${roster}/`, claims: [...owned(chosen.partition, [...path, 'partition']), ...placed(PROTECTED, chosen.protected, [...path, 'protected']), ...shared] };
}

/** Everything wrong with a division, as far as the recipe is there to be compared with it. */
export function problemsOf({ value, problem }: SurfaceFile, { claims, specialists, advisory }: Division, tables: Tables): string[] {
  return validatePartition(claims.map(({ claim }) => claim), specialists, tables, advisory)
    .map((fault) => problem(claims.find((placed) => placed.claim === fault.claim)?.path ?? ['partition'], value.upstream ? fault.message.replaceAll(/\brecipe\//g, '') : fault.message));
}

/** The tables of a recipe; without a parser, the symbols that claims name are believed to be there. */
export function tablesOf(recipe: Recipe, claims: readonly PlacedClaim[], parser: Pick<Syntax, 'symbols'> | null): Tables {
  return Object.fromEntries(Object.entries(recipe).map(([file, text]): [string, SymbolTable] => [file, file.endsWith('.py') && parser ? parser.symbols(text) : believed(file, text, claims)]));
}

function believed(file: string, text: string, claims: readonly PlacedClaim[]): SymbolTable {
  const plain = plainTable(text);
  if (!file.endsWith('.py')) return plain;
  const named = [...new Set(claims.flatMap(({ claim }) => (claim.file === file && claim.symbol !== null ? [claim.symbol] : [])))];
  return { ...plain, symbols: [...plain.symbols, ...named.map((name) => ({ name, kind: 'block' as const, line: 1, endLine: 1, text: '', statements: [] }))] };
}
