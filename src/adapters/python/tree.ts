import type { Tree } from 'web-tree-sitter';

/** A node of the concrete tree as a plain object: the parser's own nodes cost a call into WebAssembly for every question. */
export interface Branch {
  readonly type: string;
  /** Role under its parent, e.g. `left`; null when it has none. */
  readonly field: string | null;
  readonly named: boolean;
  readonly start: number;
  readonly end: number;
  /** First and last line, counted from 1. */
  readonly line: number;
  readonly endLine: number;
  readonly children: readonly Branch[];
}

const DEEPEST = 1500; // levels of nesting; beyond, whoever walks the tree would run out of stack

/** Copies a parsed tree in one walk; null when it is nested too deeply to be a person's code. */
export function copyTree(tree: Tree, source: string): Branch | null {
  const { language } = tree;
  const lineAt = lineCounter(source);
  const cursor = tree.walk();
  const copy = (depth: number): Branch | null => {
    if (depth > DEEPEST) return null;
    const { nodeTypeId: kind, currentFieldId: role, startIndex: start, endIndex: end } = cursor; // each of these is a call: ask for nothing that can be worked out
    const children: Branch[] = [];
    if (end > start && cursor.gotoFirstChild()) {
      do {
        const child = copy(depth + 1);
        if (!child) return null;
        children.push(child);
      } while (cursor.gotoNextSibling());
      cursor.gotoParent();
    }
    const type = kind === ERROR ? 'ERROR' : (language.types[kind] ?? 'ERROR');
    return { type, field: role === 0 ? null : (language.fields[role] ?? null), named: /^\w/.test(type) && isNamed(kind), start, end, line: lineAt(start), endLine: lineAt(end), children };
  };
  const named = new Map<number, boolean>();
  const isNamed = (kind: number): boolean => {
    const known = named.get(kind) ?? (kind === ERROR || language.nodeTypeIsNamed(kind));
    named.set(kind, known);
    return known;
  };
  try {
    return copy(0);
  } finally {
    cursor.delete();
  }
}

const ERROR = 65_535; // the parser's own number for what it could not read

/** Line of an offset, counted from 1. */
function lineCounter(source: string): (offset: number) => number {
  const starts = [0];
  for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle; else high = middle;
    }
    return low + 1;
  };
}

/** The child with a role. */
export const part = (branch: Branch, field: string): Branch | null => branch.children.find((child) => child.field === field) ?? null;

/** All children with a role. */
export const parts = (branch: Branch, field: string): readonly Branch[] => branch.children.filter((child) => child.field === field);

/** Children that are neither punctuation nor comments. */
export const members = (branch: Branch): readonly Branch[] =>
  branch.children.filter((child) => child.named && child.type !== 'comment' && child.type !== 'line_continuation');
