import { createHash } from 'node:crypto';
import type { SymbolTable } from '../../domain/symbol.ts';
import type { Syntax } from '../../ports.ts';
import { openCompiler, type Verdict } from './compiler.ts';
import { openParser } from './parser.ts';

export { openParser, type PythonParser } from './parser.ts';

const REMEMBERED = 1024; // most of a recipe's files do not change from trial to trial, and admission reads all of them

/** Reads and checks Python sources; runs none of them. */
export async function openSyntax({ python }: { readonly python: string }): Promise<Syntax & AsyncDisposable> {
  const parser = await openParser();
  const compiler = openCompiler(python);
  const verdicts = new Map<string, Promise<Verdict>>();
  const tables = new Map<string, SymbolTable>();
  const symbols = (source: string): SymbolTable => {
    const known = tables.get(source);
    if (known) return known;
    const table = parser.symbols(source);
    tables.set(source, table);
    forgetOldest(tables);
    return table;
  };
  return {
    symbols,
    check(path, source) {
      const key = createHash('sha256').update(path).update('\0').update(source).digest('base64');
      const known = verdicts.get(key);
      if (known) return known;
      const { unreadable } = symbols(source);
      const verdict = compiler.check(path, source).then((said): Verdict =>
        said.ok && unreadable !== null ? { ok: false, line: unreadable, message: 'the parser cannot read this line as Python does: write it plainly' } : said);
      verdicts.set(key, verdict);
      forgetOldest(verdicts);
      return verdict;
    },
    [Symbol.asyncDispose]: () => compiler[Symbol.asyncDispose](),
  };
}

function forgetOldest(memory: Map<string, unknown>): void {
  for (const oldest of memory.keys()) { if (memory.size <= REMEMBERED) break; memory.delete(oldest); }
}
