/** What a crash is known by: its exception, and the deepest place in the recipe. */
export interface CrashEvidence { readonly exception: string; readonly frame: string }

const HEAD = 'Traceback (most recent call last):';
const FRAME = /^\s+File "([^"]+)", line (\d+), in (.+)$/;

/** Text from a recipe's log, made fit for a terminal and a schema. */
export const tame = (text: string, most: number): string => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '?').slice(0, most);
const oneLine = (text: string, most: number): string => tame(text.replace(/\s+/g, ' ').trim(), most);

/** Reads the last Python traceback of a log. The log is the recipe's to write: this is evidence for its author, never a fact about its score. */
export function readTraceback(log: string): CrashEvidence | null {
  const lines = log.split('\n');
  const start = lines.lastIndexOf(HEAD);
  if (start < 0) return null;
  let frame = '';
  let end = start + 1;
  for (; end < lines.length; end++) {
    const text = lines[end] ?? '';
    const place = FRAME.exec(text);
    if (place !== null && isRecipe(place[1] ?? '')) frame = `${withinRecipe(place[1] ?? '')}:${place[2]} in ${place[3]}`;
    if (text !== '' && !/^\s/.test(text)) break;
  }
  const exception = lines.slice(end, end + 8).filter((text) => text.trim() !== '').join('\n');
  return { exception: tame(exception, 2000), frame: oneLine(frame, 400) };
}

const isRecipe = (path: string): boolean => path.includes('/recipe/');
const withinRecipe = (path: string): string => path.slice(path.lastIndexOf('/recipe/') + '/recipe/'.length);

/** The last words of a log, for an ending that left no traceback. */
export const lastLine = (log: string): string => oneLine(log.trimEnd().split('\n').at(-1) ?? '', 400);

/** Exceptions a crash may be known by while held-out text is at hand. A class of the recipe's own, or a file's name, could spell that text out. */
const KINDS: ReadonlySet<string> = new Set(['ArithmeticError', 'AssertionError', 'AttributeError', 'EOFError', 'Exception', 'FileNotFoundError', 'FloatingPointError', 'ImportError', 'IndexError', 'KeyError', 'LookupError', 'MemoryError', 'ModuleNotFoundError', 'NameError', 'NotImplementedError', 'OSError', 'OverflowError', 'PermissionError', 'RecursionError', 'RuntimeError', 'SyntaxError', 'TimeoutError', 'TypeError', 'UnicodeDecodeError', 'ValueError', 'ZeroDivisionError']);

/** What may be told of a crash while being scored: a predictor sees held-out text then, and what it prints would carry it to whoever reads the failure. Only a built-in kind of exception and a line number pass. */
export function bareEvidence(log: string, otherwise: string): CrashEvidence {
  const found = readTraceback(log);
  const kind = /^\w+/.exec(found?.exception ?? '')?.[0] ?? '';
  const line = /:(\d{1,4}) in /.exec(found?.frame ?? '')?.[1];
  return { exception: KINDS.has(kind) ? kind : otherwise, frame: line === undefined ? '' : `line ${line}` };
}
