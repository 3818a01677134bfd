import type { Branch } from './tree.ts';

// The one spelling of a piece of code.
//
//   S1. Two pieces have one spelling exactly if they differ in comments, blank lines, indentation width and line breaks only.
//   S2. Names are compared as Python compares them: under NFKC, two that look different can be one.

const OPEN = '⟨'; // no token of Python, so that a block can never be mistaken for a set or a dictionary
const CLOSE = '⟩';

/** Spells a branch without the branches in `except`, which belong to symbols of their own. */
export const spell = (branch: Branch, source: string, except: ReadonlySet<Branch> = new Set()): string => spellAround(branch, source, new Set(), except)[0] ?? '';

/** Spells what stands before, between and after the branches in `holes`. */
export function spellAround(branch: Branch, source: string, holes: ReadonlySet<Branch>, except: ReadonlySet<Branch> = new Set()): readonly string[] {
  const parts: string[] = [];
  let tokens: string[] = [];
  const walk = (at: Branch): void => {
    if (holes.has(at)) {
      parts.push(tokens.join(' '));
      tokens = [];
      return;
    }
    if (except.has(at) || at.type === 'comment' || at.type === 'line_continuation' || at.type === ';') return;
    if (at.type === 'string' || at.children.length === 0) {
      const text = source.slice(at.start, at.end);
      if (text !== '') tokens.push(at.type === 'identifier' ? text.normalize('NFKC') : text); // S2
      return;
    }
    const isBlock = at.type === 'block';
    if (isBlock) tokens.push(OPEN);
    for (const child of at.children) {
      if (isBlock && child.named && child.type !== 'comment' && !except.has(child)) tokens.push(';');
      walk(child);
    }
    if (isBlock) tokens.push(CLOSE);
  };
  walk(branch);
  return [...parts, tokens.join(' ')];
}

/** The text of a name, as Python compares it. */
export const nameOf = (branch: Branch, source: string): string => source.slice(branch.start, branch.end).normalize('NFKC'); // S2

/** The content of a plain string literal; null for one with a prefix, an escape or a part to be evaluated. */
export function literal(branch: Branch, source: string): string | null {
  if (branch.type !== 'string') return null;
  const text = source.slice(branch.start, branch.end);
  const quoted = /^(?:"([^"\\\n]*)"|'([^'\\\n]*)')$/.exec(text);
  return quoted ? (quoted[1] ?? quoted[2] ?? '') : null;
}
