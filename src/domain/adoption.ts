import { heading, holdersOf, placed, spelling, type Placed } from './block.ts';
import { ownerOf } from './claim.ts';
import type { Claim } from './surface.ts';
import type { SymbolTable } from './symbol.ts';

// Whose a statement is that a patch adds to a function divided into blocks.
//
//   N1. It belongs to the owner of a block that stands or stood in the same gap between statements of others.
//   N2. Anywhere else, or where statements of others were moved, it belongs to nobody new: adding it changes what holds it.
//   N3. Once added it is known by its whole spelling, so that it can never stand for another's statement.

/** One file before and after a patch. */
export interface Alteration {
  readonly file: string;
  readonly before: SymbolTable;
  readonly after: SymbolTable;
  readonly claims: readonly Claim[];
  /** Whether the authors may change what is of this owner. */
  readonly isOpen: (owner: string | null) => boolean;
  readonly authors: readonly string[];
}

interface Gap { owner: string | null; readonly fresh: Placed[] }
interface Row { readonly fixed: readonly string[]; readonly gaps: readonly Gap[] }

/** Claims for the statements that a patch adds beside its authors' own blocks. */
export function adopted({ file, before, after, claims, isOpen, authors }: Alteration): readonly Claim[] {
  return holdersOf(claims, file).flatMap((name): readonly Claim[] => {
    const was = before.symbols.find((symbol) => symbol.name === name);
    const now = after.symbols.find((symbol) => symbol.name === name);
    if (!was || !now || was.text === now.text || isOpen(ownerOf(claims, file, name))) return [];
    const old = placed(was, claims, file);
    const known = new Set(rest(old).map(({ statement }) => heading(statement)));
    const owner = ({ names }: Placed): string | null => names.map((block) => ownerOf(claims, file, block)).find((each) => !isOpen(each)) ?? ownerOf(claims, file, names[0] ?? null);
    const first = rowOf(old, () => false, owner, isOpen, authors);
    const second = rowOf(placed(now, claims, file), (node) => rest([node]).every(({ statement }) => !known.has(heading(statement))), owner, isOpen, authors);
    if (first.fixed.length !== second.fixed.length || first.fixed.some((text, i) => text !== second.fixed[i])) return []; // N2
    return second.gaps.flatMap(({ owner: beside, fresh }, i) => {
      const whose = first.gaps[i]?.owner ?? beside; // N1
      return whose === null ? [] : fresh.map(({ statement }): Claim => ({ owner: whose, file, symbol: `${name}@=${spelling(statement)}`, line: 0 })); // N3
    });
  });
}

const rest = (nodes: readonly Placed[]): readonly Placed[] => nodes.flatMap((node) => [...(node.names.length === 0 ? [node] : []), ...rest(node.inside.flat())]);

/** What stands fast in a holder, in order, and what is between. */
function rowOf(nodes: readonly Placed[], isFresh: (node: Placed) => boolean, owner: (node: Placed) => string | null, isOpen: (owner: string | null) => boolean, authors: readonly string[]): Row {
  const fixed: string[] = [];
  let gap: Gap = { owner: null, fresh: [] };
  const gaps = [gap];
  const fix = (text: string): void => { fixed.push(text); gap = { owner: null, fresh: [] }; gaps.push(gap); };
  const walk = (node: Placed): void => {
    const isNamed = node.names.length > 0;
    if (isNamed && isOpen(owner(node))) {
      const whose = owner(node);
      if (gap.owner === null || (!authors.includes(gap.owner) && whose !== null && authors.includes(whose))) gap.owner = whose;
      return;
    }
    if (!isNamed && isFresh(node)) { gap.fresh.push(node); return; }
    fix(isNamed ? node.names.join(' ') : heading(node.statement));
    for (const suite of node.inside) { suite.forEach(walk); fix('⟩'); }
  };
  nodes.forEach(walk);
  return { fixed, gaps };
}
