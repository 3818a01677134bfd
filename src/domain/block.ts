import { ownerOf } from './claim.ts';
import { MODULE, type Piece, type PythonSymbol, type Statement, type SymbolTable } from './symbol.ts';
import type { Claim } from './surface.ts';

// Blocks: statements of a function, or of a module's nameless code, that have an owner of their own.
//
//   B1. A claim `main@lr_mul` is on every statement of `main` that its anchor names, however deep; of a statement's anchors the most telling ones decide.
//   B2. A block takes along the statements inside it that no other claim names, and a compound statement all of whose parts are its owner's.
//   B3. How deep a statement stands is part of its text: nobody can put another's statement under a condition.

/** A statement with whose it is. */
export interface Placed {
  readonly statement: Statement;
  /** The blocks it belongs to; empty for the rest of its holder. */
  readonly names: readonly string[];
  readonly depth: number;
  readonly inside: readonly (readonly Placed[])[];
}

/** The functions of a file, and `<module>`, that claims divide into blocks. */
export const holdersOf = (claims: readonly Claim[], file: string): readonly string[] =>
  [...new Set(claims.flatMap((claim) => (claim.file === file && claim.symbol?.includes('@') ? [claim.symbol.slice(0, claim.symbol.indexOf('@'))] : [])))];

/** A statement in one spelling, with all that is inside it. */
export function spelling({ parts, suites }: Statement): string {
  return parts.map((part, i) => (i === 0 ? part : `⟨ ${(suites[i - 1] ?? []).map((inner) => `; ${spelling(inner)}`).join(' ')} ⟩ ${part}`)).join(' ').trim();
}

/** Its own spelling, without what is inside it. */
export const heading = ({ parts }: Statement): string => parts.join(' ⟨ ⟩ ');

/** Whose each statement of a holder is (B1, B2). */
export function placed(holder: PythonSymbol, claims: readonly Claim[], file: string): readonly Placed[] {
  const wanted = new Map<string, string>();
  for (const { file: of, symbol } of claims) if (of === file && symbol?.startsWith(`${holder.name}@`)) wanted.set(normal(symbol.slice(holder.name.length + 1)), symbol);
  const hasSpelled = [...wanted.keys()].some((anchor) => anchor.startsWith('='));
  const place = (statement: Statement, around: readonly string[], depth: number): Placed => {
    const named = namesOf(statement);
    const outer = named.length > 0 ? named : around;
    const inside = statement.suites.map((suite) => suite.map((inner) => place(inner, outer, depth + 1)));
    return { statement, depth, inside, names: outer.length > 0 ? outer : climbed(inside.flat()) };
  };
  const namesOf = (statement: Statement): readonly string[] => {
    const spelled = hasSpelled ? wanted.get(`=${spelling(statement)}`) : undefined;
    if (spelled !== undefined) return [spelled];
    const group = statement.anchors.map((anchors) => anchors.flatMap((anchor) => wanted.get(normal(anchor)) ?? [])).find((found) => found.length > 0); // B1
    return group ?? [];
  };
  const climbed = (inside: readonly Placed[]): readonly string[] => { // B2
    const [first] = inside;
    const owners = new Set(inside.map(({ names }) => (names[0] === undefined ? null : ownerOf(claims, file, names[0]))));
    return first !== undefined && owners.size === 1 && !owners.has(null) ? first.names : [];
  };
  if (holder.kind === 'module') return holder.statements.map((statement) => place(statement, [], 0));
  return holder.statements.map((statement) => ({ statement, names: [], depth: 0, inside: statement.suites.map((suite) => suite.map((inner) => place(inner, [], 1))) }));
}

/** White space in a condition is not part of it; a whole spelling is what it is. */
const normal = (anchor: string): string => (anchor.startsWith('=') ? anchor : anchor.replaceAll(/\s/g, ''));

/** A table in which the blocks that claims name are symbols of their own, and what holds them keeps the rest. */
export function divide(table: SymbolTable, claims: readonly Claim[], file: string): SymbolTable {
  let { symbols, pieces } = table;
  for (const name of holdersOf(claims, file)) {
    const holder = symbols.find((symbol) => symbol.name === name);
    if (!holder || holder.statements.length === 0) continue;
    const nodes = placed(holder, claims, file);
    const everywhere = nodes.flatMap(flat);
    const blocks = [...new Set(everywhere.flatMap(({ names }) => names))].map((block): PythonSymbol => {
      const own = everywhere.filter(({ names }) => names.includes(block)).map(({ statement }) => statement);
      return { name: block, kind: 'block', line: Math.min(...own.map(({ line }) => line)), endLine: Math.max(...own.map(({ endLine }) => endLine)), text: textOf(nodes, block), statements: [] };
    });
    symbols = symbols.flatMap((symbol) => (symbol === holder ? [{ ...holder, text: textOf(nodes, null), statements: [] }, ...blocks] : [symbol]));
    let next = 0;
    pieces = pieces.flatMap((piece) => (piece.names[0] === name ? flatPieces(nodes[next++], piece, name) : [piece]));
  }
  return symbols === table.symbols ? table : { ...table, symbols, pieces };
}

/** A statement and all inside it, outermost first. */
export const flat = (node: Placed): readonly Placed[] => [node, ...node.inside.flat().flatMap(flat)];

/** Whose block a line is in; null when it is in none. */
export function blockOwnerAt(table: SymbolTable | undefined, claims: readonly Claim[], file: string, line: number): string | null {
  const holders = holdersOf(claims, file);
  const around = (table?.symbols ?? []).filter(({ name }) => holders.includes(name)).flatMap((holder) => placed(holder, claims, file).flatMap(flat))
    .filter(({ statement, names }) => names.length > 0 && statement.line <= line && line <= statement.endLine);
  const [name] = around.reduce<Placed | null>((least, node) => (least === null || node.depth > least.depth ? node : least), null)?.names ?? [];
  return name === undefined ? null : ownerOf(claims, file, name);
}

const belongs = ({ names }: Placed, block: string | null): boolean => (block === null ? names.length === 0 : names.includes(block));

/** The text of a block, or of what is in none. */
function textOf(nodes: readonly Placed[], block: string | null): string {
  const texts: string[] = [];
  const write = ({ statement: { parts }, inside }: Placed): string =>
    parts.map((part, i) => (i === 0 ? part : `⟨ ${(inside[i - 1] ?? []).filter((inner) => belongs(inner, block)).map((inner) => `; ${write(inner)}`).join(' ')} ⟩ ${part}`)).join(' ');
  const collect = (node: Placed, isWritten: boolean): void => {
    const own = belongs(node, block);
    if (own && !isWritten) texts.push(`${'⟨ '.repeat(node.depth)}${write(node)}`); // B3
    for (const inner of node.inside.flat()) collect(inner, own);
  };
  for (const node of nodes) collect(node, false);
  return texts.join('\n');
}

function flatPieces(node: Placed | undefined, whole: Piece, holder: string): readonly Piece[] {
  return (node ? flat(node) : []).map(({ statement, names, depth }, i): Piece => ({
    names: names.length > 0 ? names : [holder], line: statement.line, text: `${'⟨ '.repeat(depth)}${heading(statement)}`, isPart: true,
    isImport: i === 0 && whole.isImport, binds: holder === MODULE ? statement.binds : [], // what a function binds stays in it
  }));
}
