import { blockOwnerAt, flat, holdersOf, placed, type Placed } from './block.ts';
import { claimOn, ownerOf, PROTECTED } from './claim.ts';
import { locate } from './module.ts';
import { adderOf, misquoted, moduleStatements } from './parts.ts';
import { changedSymbols } from './partition.ts';
import { adoptedIn, divided, isForeign, isForeignTo, isMine, type DividedTables, type PatchedTables } from './patched.ts';
import { refusal, tidy } from './refusal.ts';
import { covers, MODULE, rootOf, type Assault, type Piece, type SymbolTable, type Tables } from './symbol.ts';
import type { Claim } from './surface.ts';
import type { Rejection } from './trial.ts';

// Whether a patch keeps to what its authors own.
//
//   P1. A symbol counts as changed when its code differs or is gone; comments and layout are not code.
//   P2. A symbol that a patch adds at a module's top belongs to its author, in whosever file it stands; but a name that the code of
//       others in that file already uses, or a name with a meaning to Python (`__all__`), is not free to be added there.
//   P3. A member of a class and a key of a dictionary belong with what holds them: adding one changes the holder.
//   P4. An import may be added to another's file under the same condition as a symbol (P2); any other nameless statement is `<module>`'s.
//   P5. The statements of others keep their order: Python runs them one after another.
//   P6. Reaching into another's symbol from outside (`Block.forward = f`) changes it, whoever's code does the reaching.
//   P7. A file is added only under an addable prefix, or by the owner of its name; removing one removes every symbol in it.
//   P8. What is protected nobody changes, in any mode; a file protected whole keeps every byte.
//   P9. In advisory mode owners are told, not held: only P7's prefixes and P8 remain.
//   P10. What a merged patch does to symbols that are not its proposer's, a part of their owner did: the text is that part's, to the letter. What
//        it adds is as the part has it that added it, and belongs to that part's author. Several who propose one patch each speak for what is theirs.
//   P11. In a function that has blocks of several owners, what one owner's statements newly bind must be no name that the others' use,
//        and none may newly leave the function or a loop of others.
//   P12. A statement added where a block stands or stood is its owner's (adoption.ts); anywhere else in a function it changes the function.

export type { PatchedTables } from './patched.ts';

/** The first thing a patch does that it may not; null when it keeps to its partition. */
export function judgeOwnership(given: PatchedTables): Rejection | null {
  const patch = divided(given);
  const files = [...new Set([...Object.keys(patch.before.recipe), ...Object.keys(patch.after.recipe)])].sort()
    .filter((file) => patch.before.recipe[file] !== patch.after.recipe[file]);
  const laws = [protectedBytes, addedFile, ownedSymbols, freeNames, freeLocals, keptOrder, reachedInto, takenFromParts];
  const found = laws.flatMap((law) => files.flatMap((file) => law(patch, file) ?? []));
  return found.find(({ rule }) => rule === 'protected') ?? found[0] ?? null;
}

/** The claims of the recipe a patch makes: those before, and one for each symbol and file it adds that would else fall to another (P2, P7). */
export function claimsAfter(patch: Omit<PatchedTables, 'mode' | 'addable' | 'parts'> & Partial<Pick<PatchedTables, 'parts'>>): readonly Claim[] {
  const [author] = patch.authors;
  if (author === undefined) return patch.claims;
  const added = Object.keys(patch.after.tables).flatMap((file): readonly Claim[] => {
    const before = patch.before.tables[file] ?? null;
    if (before === null) return claimOn(patch.claims, file, null) ? [] : [{ owner: author, file, symbol: null, line: 0 }];
    if (before === patch.after.tables[file]) return [];
    const named = changedSymbols(before, patch.after.tables[file] ?? null)
      .flatMap(({ name, change }): readonly Claim[] => {
        if (change !== 'added' || name !== rootOf(name)) return [];
        const whose = adderOf(patch, file, name); // P10
        const isSettled = whose === null ? isMine(patch, file, name) : ownerOf(patch.claims, file, name) === whose;
        return isSettled ? [] : [{ owner: whose ?? author, file, symbol: name, line: 0 }];
      });
    return [...named, ...adoptedIn(patch, file, (owner) => owner !== PROTECTED)]; // it was admitted, so whoever's gap it is in could be entered
  });
  return added.length === 0 ? patch.claims : [...patch.claims, ...added];
}

type Law = (patch: DividedTables, file: string) => Rejection | null;

const protectedBytes: Law = (patch, file) => { // P8
  const own = patch.claims.filter((claim) => claim.file === file);
  return own.length > 0 && own.every(({ owner }) => owner === PROTECTED) ? refusal(patch, file, null, 'nobody may change it') : null;
};

const addedFile: Law = (patch, file) => { // P7
  if (patch.before.recipe[file] !== undefined || patch.addable.some((prefix) => file.startsWith(prefix))) return null;
  if (claimOn(patch.claims, file, null) && !isForeign(patch, file, null)) return null;
  const where = patch.addable.length === 0 ? 'this surface takes no new files' : `files may be added under ${patch.addable.join(', ')}`;
  return { rule: 'path', file, symbol: null, owner: null, message: tidy(`${file} is not part of the recipe, and ${where}: change an existing file.`) };
};

const ownedSymbols: Law = (patch, file) => {
  const before = patch.before.tables[file] ?? null;
  const after = patch.after.tables[file] ?? null;
  if (before === null) return null;
  for (const { name, change } of changedSymbols(before, after)) {
    if (change === 'added') { // P2, P3
      if (name !== rootOf(name) && !isAddedWhole(before, name) && isForeign(patch, file, name)) return refusal(patch, file, name, 'adding to it changes what holds it');
    } else if (isForeign(patch, file, name) && !(name === MODULE && after && onlyImportsAdded(before, after))) { // P1, P4
      return refusal(patch, file, name, change === 'deleted' ? 'removing it changes it' : 'the patch changes it');
    }
  }
  return null;
};

/** Whether a nested symbol came with a holder that is new itself. */
const isAddedWhole = (before: SymbolTable, name: string): boolean => !before.symbols.some((symbol) => symbol.name === rootOf(name));

function onlyImportsAdded(before: SymbolTable, after: SymbolTable): boolean {
  const old = moduleStatements(before);
  let next = 0;
  for (const piece of moduleStatements(after)) {
    if (piece.text === old[next]?.text) next += 1;
    else if (!piece.isImport || piece.binds.some(({ name }) => name === '*')) return false;
  }
  return next === old.length;
}

const freeNames: Law = (patch, file) => { // P2, P4
  const before = patch.before.tables[file];
  const after = patch.after.tables[file];
  if (!before || !after) return null;
  const old = new Set(topNames(before));
  const fresh = [...new Set(topNames(after))].filter((name) => !old.has(name));
  const bound = new Set(bindingsOf(before));
  const rebound = bindingsOf(after).filter((binding) => !bound.has(binding)).map((binding) => binding.slice(0, binding.indexOf(' ')));
  for (const name of new Set([...fresh, ...rebound])) {
    const taken = rebound.includes(name) ? before.symbols.find((symbol) => symbol.name === name && isForeign(patch, file, name)) : undefined;
    const meant = /^__\w+__$/.test(name) ? before.symbols.find((symbol) => isForeign(patch, file, symbol.name)) : undefined;
    const reader = taken ?? meant ?? readerOf(patch, file, name);
    if (reader) return refusal(patch, file, reader.name, `the patch gives \`${name}\` another meaning there`);
    for (const other of starReaders(patch.before.tables, file)) {
      const far = readerOf(patch, other, name);
      if (far) return refusal(patch, other, far.name, `it imports everything of ${file}, and the patch gives \`${name}\` another meaning`);
    }
  }
  return null;
};

/** What the nameless statements bind, each with where from: an import, or the very statement. */
const bindingsOf = (table: SymbolTable): readonly string[] =>
  moduleStatements(table).flatMap(({ binds, text }) => binds.map(({ name, module, path }) => `${name} ${module === null ? text : `${module}:${path}`}`));

const topNames = (table: SymbolTable): readonly string[] =>
  table.pieces.flatMap(({ names, binds }) => [...names.filter((name) => name !== MODULE && name === rootOf(name)), ...binds.map(({ name }) => name)]);

/** Another's symbol whose code uses a name. A name its own imports bind is settled by the text of `<module>`. */
const readerOf = (patch: PatchedTables, file: string, name: string) =>
  patch.before.tables[file]?.symbols.find((symbol) => symbol.name !== MODULE && isForeign(patch, file, symbol.name) && mentions(symbol.text, name))
  ?? patch.before.tables[file]?.symbols.find((symbol) => symbol.name === MODULE && isForeign(patch, file, MODULE) && mentions(symbol.text.replaceAll(/^(?:import|from) .*$/gm, ''), name));

/** Whether code looks a name up; `x.name` does not. */
const mentions = (text: string, name: string): boolean => text.includes(name) && (text.match(/(?<![\p{L}\p{N}_]|\. )[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*/gu) ?? []).some((word) => word === name);

const starReaders = (tables: Tables, file: string): readonly string[] => Object.keys(tables).filter((other) => other !== file
  && tables[other]?.pieces.some(({ binds }) => binds.some(({ name, module }) => name === '*' && locate(tables, other, module, '')?.file === file)));

const freeLocals: Law = (patch, file) => { // P11
  for (const name of holdersOf(patch.claims, file)) {
    const [was, now] = patch.whole.map((tables) => tables[file]?.symbols.find((symbol) => symbol.name === name));
    if (!was || !now || was.text === now.text) continue;
    const others = (patch.before.tables[file]?.symbols ?? []).filter((symbol) => (symbol.name === name || symbol.name.startsWith(`${name}@`) || name === MODULE) && isForeign(patch, file, symbol.name));
    const [other] = others;
    if (!other) continue;
    const own = (of: readonly Placed[]): readonly Placed[] => of.flatMap(flat).filter(({ names }) => (names.length === 0 ? [name] : names).every((block) => !isForeign(patch, file, block)));
    const [old, fresh] = [own(placed(was, patch.claims, file)), own(placed(now, patch.claims, file))];
    const bound = new Set(old.flatMap(({ statement }) => statement.binds.map((binding) => binding.name)));
    for (const binding of fresh.flatMap(({ statement }) => statement.binds)) {
      if (bound.has(binding.name)) continue;
      const reader = others.find((symbol) => mentions(symbol.text, binding.name));
      if (reader) return refusal(patch, file, reader.name, `the patch gives \`${binding.name}\` another meaning there`);
    }
    if (!old.some(({ statement }) => statement.leaves) && fresh.some(({ statement }) => statement.leaves)) return refusal(patch, file, other.name, `the patch leaves \`${name}\` before it ends`);
  }
  return null;
};

const keptOrder: Law = (patch, file) => { // P5
  const before = patch.before.tables[file];
  const after = patch.after.tables[file];
  if (!before || !after) return null;
  const keyIn = ({ isPart, text }: Piece, name: string): string => (isPart && !name.includes('@') ? text : name);
  const old = new Set(before.pieces.flatMap((piece) => piece.names.map((name) => keyIn(piece, name))));
  const foreign = (table: SymbolTable) => table.pieces.flatMap((piece) =>
    piece.names.filter((name) => isForeign(patch, file, name) && old.has(keyIn(piece, name))).map((name) => ({ name, key: keyIn(piece, name) })));
  const now = foreign(after);
  const moved = foreign(before).find(({ key }, i) => key !== now[i]?.key);
  return moved ? refusal(patch, file, moved.name, 'the patch moves it or something before it') : null;
};

const reachedInto: Law = (patch, file) => { // P6
  const known = (patch.before.tables[file]?.assaults ?? []).map(keyOf);
  const stood = (patch.before.tables[file]?.assaults ?? []).filter(({ line }) => {
    const owner = blockOwnerAt(patch.whole[0][file], patch.claims, file, line);
    return owner !== null && !isForeignTo(patch, owner);
  });
  for (const assault of patch.after.tables[file]?.assaults ?? []) {
    const at = known.indexOf(keyOf(assault));
    if (at >= 0) { known.splice(at, 1); continue; }
    if (stood.some(({ module, target }) => module === assault.module && target === assault.target)) continue; // its owner may word it otherwise
    const hit = hitBy(patch, file, assault);
    if (hit) return refusal(patch, hit.file, hit.symbol, `${file}:${assault.line} reaches into it from outside (\`${assault.text.slice(0, 120)}\`)`);
  }
  return null;
};

const takenFromParts: Law = (patch, file) => { // P10
  const wrong = patch.mode === 'advisory' ? null : misquoted(patch, file);
  return wrong === null ? null : refusal({ ...patch, authors: patch.authors.slice(0, 1) }, file, wrong, `no part of ${ownerOf(patch.claims, file, wrong) ?? 'anybody'}'s has it like this`);
};

const keyOf = ({ module, target, text }: Assault): string => JSON.stringify([module, target, text]);

/** The symbol of another that an assault reaches: the target, what holds it, or anything inside it. */
function hitBy(patch: PatchedTables, file: string, { module, target }: Assault): { readonly file: string; readonly symbol: string } | null {
  const { tables } = patch.before;
  if (target.startsWith('?')) {
    const places = Object.keys(tables).flatMap((other) => (tables[other]?.symbols ?? []).map(({ name }) => ({ file: other, symbol: name })));
    return places.find((place) => target.length > 1 && place.symbol.endsWith(target.slice(1)) && isForeign(patch, place.file, place.symbol)) ?? null;
  }
  const place = locate(tables, file, module, target) ?? (module === null ? null : locate(patch.after.tables, file, module, target));
  if (!place) return null;
  const { symbol } = place;
  const inside = (tables[place.file]?.symbols ?? []).find(({ name }) => (symbol === null || covers(symbol, name)) && isForeign(patch, place.file, name));
  if (inside) return { file: place.file, symbol: inside.name };
  const isNew = symbol !== null && isAddedWhole(tables[place.file] ?? NOTHING, symbol) && patch.after.tables[place.file]?.symbols.some(({ name }) => name === rootOf(symbol));
  return symbol !== null && !isNew && isForeign(patch, place.file, symbol) ? { file: place.file, symbol } : null;
}

const NOTHING: SymbolTable = { symbols: [], assaults: [], pieces: [], unreadable: null };
