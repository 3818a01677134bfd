import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Language, Parser } from 'web-tree-sitter';
import type { SymbolTable } from '../../domain/symbol.ts';
import { assaultsOf } from './assault.ts';
import { outline } from './outline.ts';
import { copyTree, type Branch } from './tree.ts';

// Reading a Python source without running it.
//
//   Y1. What the parser cannot read, or might read otherwise than Python does, is said to be unreadable; nothing is guessed.

/** Reads sources into symbol tables, remembering the latest. */
export interface PythonParser { symbols(source: string): SymbolTable }

const REMEMBERED = 512; // tables of a run's recent files; one is a few kilobytes

/** Loads the grammar once. */
export async function openParser(): Promise<PythonParser> {
  await Parser.init();
  const grammar = join(dirname(createRequire(import.meta.url).resolve('tree-sitter-python/package.json')), 'tree-sitter-python.wasm');
  const parser = new Parser();
  parser.setLanguage(await Language.load(grammar));
  const tables = new Map<string, SymbolTable>();
  return {
    symbols(source) {
      const key = createHash('sha256').update(source).digest('base64');
      const known = tables.get(key);
      if (known) return known;
      const table = read(parser, source);
      tables.set(key, table);
      for (const oldest of tables.keys()) { if (tables.size <= REMEMBERED) break; tables.delete(oldest); }
      return table;
    },
  };
}

const UNREADABLE: SymbolTable = { symbols: [], assaults: [], pieces: [], unreadable: 1 };

function read(parser: Parser, original: string): SymbolTable {
  const source = original.replaceAll(/\r\n?/g, '\n'); // as Python's own reader does, which a comment could otherwise hide code from
  const tree = parser.parse(source);
  if (!tree) return UNREADABLE;
  try {
    const root = copyTree(tree, source);
    if (!root) return UNREADABLE;
    const { symbols, pieces } = outline(root, source);
    const assaults = assaultsOf(root, source, new Set(symbols.map(({ name }) => name)));
    return { symbols, pieces, assaults, unreadable: ambiguous(source) ?? (tree.rootNode.hasError ? firstError(root) : null) };
  } finally {
    tree.delete();
  }
}

/** Line of what Python and the grammar may read differently: tabs after spaces, form feeds, null bytes, a declared encoding other than UTF-8. */
function ambiguous(source: string): number | null {
  const lines = source.split('\n');
  const odd = lines.findIndex((line, i) =>
    /^ +\t/.test(line) || /[\f\v\0]/.test(line) || (i < 2 && /^[ \t]*#.*?coding[:=][ \t]*(?!utf-?8\b)[-\w.]+/i.test(line))); // Y1
  return odd < 0 ? null : odd + 1;
}

function firstError(root: Branch): number {
  const stack = [root];
  for (let at = stack.pop(); at; at = stack.pop()) {
    if (at.type === 'ERROR' || (at.named && at.children.length === 0 && at.start === at.end && at.type !== 'module' && at.type !== 'block')) return at.line;
    stack.push(...[...at.children].reverse());
  }
  return root.line;
}
