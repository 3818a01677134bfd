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
export function copyTree(tree: Tree): Branch | null {
  const cursor = tree.walk();
  try {
    const copy = (depth: number): Branch | null => {
      if (depth > DEEPEST) return null;
      const children: Branch[] = [];
      const { nodeType: type, currentFieldName: field, nodeIsNamed: named, startIndex: start, endIndex: end, startPosition, endPosition } = cursor;
      if (cursor.gotoFirstChild()) {
        do {
          const child = copy(depth + 1);
          if (!child) return null;
          children.push(child);
        } while (cursor.gotoNextSibling());
        cursor.gotoParent();
      }
      return { type, field, named, start, end, line: startPosition.row + 1, endLine: endPosition.row + 1, children };
    };
    return copy(0);
  } finally {
    cursor.delete();
  }
}

/** The child with a role. */
export const part = (branch: Branch, field: string): Branch | null => branch.children.find((child) => child.field === field) ?? null;

/** All children with a role. */
export const parts = (branch: Branch, field: string): readonly Branch[] => branch.children.filter((child) => child.field === field);

/** Children that are neither punctuation nor comments. */
export const members = (branch: Branch): readonly Branch[] =>
  branch.children.filter((child) => child.named && child.type !== 'comment' && child.type !== 'line_continuation');
