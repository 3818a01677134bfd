import { divide } from './block.ts';
import { claimOn, ownerOf, PROTECTED } from './claim.ts';
import { suggest } from './likeness.ts';
import type { Claim } from './surface.ts';
import { MODULE, type SymbolTable, type Tables } from './symbol.ts';

// Who owns which symbol, and whether a partition is one.
//
//   O1. Every symbol has one owner: that of the longest symbol claim that reaches it, else that of its file's claim. A block is a symbol too.
//   O2. A partition names only what exists, leaves nothing without an owner and gives nothing two.
//   O3. What one statement defines together (`A, B = 1, 2`) has one owner, or nobody could change it.

export { claimOn, ownerOf, PROTECTED };

/** A fault of a partition. `claim` is where to look; null when the fault is that a claim is missing. */
export interface PartitionFault { readonly claim: Claim | null; readonly message: string }

/** Everything wrong with a partition, in the order of its claims (O2, O3). */
export function validatePartition(claims: readonly Claim[], roster: readonly string[], whole: Tables, advisory: readonly string[] = []): readonly PartitionFault[] {
  const tables: Tables = Object.fromEntries(Object.entries(whole).map(([file, table]) => [file, divide(table, claims, file)]));
  const faults: PartitionFault[] = [];
  const files = Object.keys(tables).sort();
  const first = new Map<string, Claim>();
  for (const claim of claims) {
    const what = claim.symbol === null ? claim.file : `${claim.file}#${claim.symbol}`;
    const earlier = first.get(what);
    const table = tables[claim.file];
    if (claim.owner !== PROTECTED && !roster.includes(claim.owner)) {
      faults.push({ claim, message: `${claim.owner} is not in the roster (${roster.join(', ')}): add it there, or give ${what} to one of them.` });
    }
    if (earlier) {
      faults.push({ claim: earlier, message: `\`${claim.symbol ?? claim.file}\` is also owned by ${claim.owner} (line ${claim.line}). A ${claim.symbol === null ? 'file' : 'symbol'} has one owner: remove one of the two.` });
    } else first.set(what, claim);
    if (!table) {
      faults.push({ claim, message: `recipe/${claim.file} does not exist${suggest(claim.file, files)}` });
    } else if (claim.symbol !== null && !table.symbols.some(({ name }) => name === claim.symbol)) {
      faults.push({ claim, message: `recipe/${claim.file} defines no \`${claim.symbol}\`${suggest(claim.symbol, table.symbols.map(({ name }) => name))}` });
    }
  }
  for (const file of files) faults.push(...faultsOf(file, tables[file], claims));
  for (const one of advisory) if (!roster.includes(one)) faults.push({ claim: null, message: `${one} is advisory and not in the roster (${roster.join(', ')}): add it there.` });
  for (const specialist of roster) {
    if (!advisory.includes(specialist) && !claims.some(({ owner }) => owner === specialist)) faults.push({ claim: null, message: `${specialist} is in the roster and owns nothing: give it a file or a symbol, or take it off the roster.` });
  }
  return faults;
}

function faultsOf(file: string, table: SymbolTable | undefined, claims: readonly Claim[]): readonly PartitionFault[] {
  if (!table) return [];
  const faults: PartitionFault[] = [];
  if (table.unreadable !== null) faults.push({ claim: claimOn(claims, file, null), message: `recipe/${file} cannot be read at line ${table.unreadable}: it must be plain Python that its own compiler takes.` });
  const orphans = table.symbols.filter(({ name }) => ownerOf(claims, file, name) === null);
  if (orphans.length > 0) {
    const what = orphans.length === table.symbols.length ? `recipe/${file} has` : `${orphans.slice(0, 4).map(({ name }) => `\`${name}\``).join(', ')}${orphans.length > 4 ? ` and ${orphans.length - 4} more` : ''} of recipe/${file} ${orphans.length === 1 ? 'has' : 'have'}`;
    faults.push({ claim: claims.find((claim) => claim.file === file) ?? null, message: `${what} no owner: name the file under a specialist, or under protected.` });
  }
  for (const { names } of table.pieces) { // O3
    const owned = names.map((name) => claimOn(claims, file, name));
    const other = owned.find((claim) => claim?.owner !== owned[0]?.owner);
    if (other) faults.push({ claim: other, message: `${names.map((name) => `\`${name}\``).join(' and ')} of recipe/${file} are defined by one statement and have several owners: give them to one, or write them as several statements.` });
  }
  return faults;
}

/** How one symbol differs. */
export interface SymbolChange { readonly name: string; readonly change: 'changed' | 'added' | 'deleted' }

/** The names that differ between two tables of one file; null stands for a file that is not there. */
export function changedSymbols(before: SymbolTable | null, after: SymbolTable | null): readonly SymbolChange[] {
  const old = new Map((before?.symbols ?? []).map((symbol) => [symbol.name, symbol.text]));
  const now = new Map((after?.symbols ?? []).map((symbol) => [symbol.name, symbol.text]));
  const names = [...new Set([...old.keys(), ...now.keys()])];
  return names.flatMap((name): readonly SymbolChange[] => {
    if (!now.has(name)) return [{ name, change: name === MODULE && after !== null ? 'changed' : 'deleted' }];
    if (!old.has(name)) return [{ name, change: name === MODULE && before !== null ? 'changed' : 'added' }];
    return old.get(name) === now.get(name) ? [] : [{ name, change: 'changed' }];
  });
}
