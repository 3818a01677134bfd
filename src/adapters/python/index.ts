import { createHash } from 'node:crypto';
import type { Syntax } from '../../ports.ts';
import { openCompiler, type Verdict } from './compiler.ts';
import { openParser } from './parser.ts';

export { openParser, type PythonParser } from './parser.ts';

const REMEMBERED = 1024; // verdicts; most of a recipe's files do not change from trial to trial

/** Reads and checks Python sources; runs none of them. */
export async function openSyntax({ python }: { readonly python: string }): Promise<Syntax & AsyncDisposable> {
  const parser = await openParser();
  const compiler = openCompiler(python);
  const verdicts = new Map<string, Promise<Verdict>>();
  return {
    symbols: (source) => parser.symbols(source),
    check(path, source) {
      const key = createHash('sha256').update(path).update('\0').update(source).digest('base64');
      const known = verdicts.get(key);
      if (known) return known;
      const unreadable = parser.symbols(source).unreadable;
      const verdict = compiler.check(path, source).then((said): Verdict =>
        said.ok && unreadable !== null ? { ok: false, line: unreadable, message: 'the parser cannot read this line as Python does: write it plainly' } : said);
      verdicts.set(key, verdict);
      for (const oldest of verdicts.keys()) { if (verdicts.size <= REMEMBERED) break; verdicts.delete(oldest); }
      return verdict;
    },
    [Symbol.asyncDispose]: () => compiler[Symbol.asyncDispose](),
  };
}
