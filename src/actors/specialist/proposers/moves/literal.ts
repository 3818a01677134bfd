// The literals of a source that have a name: what a person would turn first.
//
//   L1. A name is found once, where it stands first; what stands inside a string that runs over several lines is text, not code.
//   L2. A literal is the whole value: `0.1 * 2` has none. What an environment variable may set has its default: `float(os.environ.get("RATE", 0.1))`.
//   L3. Such a default of a parameter (`def train(rate=float(os.environ.get("RATE", "0.1")))`) goes by the variable, `$RATE`: a parameter's name is no symbol.

/** A literal with a name, and where it stands. */
export interface Literal {
  /** `WIDTH`, `learning_rate`, `Config.width`, `hyp["opt"]["lr"]`, `--width` for the default of a command-line option, or `$WIDTH` for that of a variable. */
  readonly name: string;
  /** Line it stands on, counted from 1. */
  readonly line: number;
  /** Where its text begins and ends in the source. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly isFloat: boolean;
  /** Every literal it may be, where the source says so; else empty. */
  readonly choices: readonly string[];
}

const NUMBER = String.raw`[-+]?(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][-+]?\d+)?`;
const STRING = String.raw`"[^"\\\n]*"|'[^'\\\n]*'`;
const LITERAL = String.raw`True|False|${NUMBER}|${STRING}`;
const ASSIGNED = new RegExp(String.raw`^([ \t]*)([A-Za-z_]\w*)\s*(?::([^=#]*))?=\s*(${LITERAL})(?=\s*(?:[;#]|$))`);
/** What an environment variable may set, up to the number that else counts; it may be quoted. */
const FROM_VARIABLE = String.raw`(int|float)\(\s*os\.(?:environ\.get|getenv)\(\s*(?:"([^"\\\n]*)"|'([^'\\\n]*)')\s*,\s*["']?(${NUMBER})(?=["']?\s*\)\s*\)\s*`;
const SETTABLE = new RegExp(String.raw`^([ \t]*)([A-Za-z_]\w*)\s*(?::[^=#]*)?=\s*${FROM_VARIABLE}(?:[;#]|$))`);
const FUNCTION = /^[ \t]*(?:async[ \t]+)?def[ \t]+\w+[ \t]*\(/gm;
const PARAMETER = new RegExp(String.raw`[(,]\s*\w+\s*(?::[^=,()]*)?=\s*${FROM_VARIABLE}[,)])`, 'g');
const DICTIONARY = /^([A-Za-z_]\w*)\s*(?::[^=\n]*)?=\s*\{/gm;
const PAIR = new RegExp(String.raw`^(?:"([^"\\\n]*)"|'([^'\\\n]*)')\s*:\s*(?:(${LITERAL})(?=\s*[,}#\n])|(\{))?`);
const OPTION = /\b(?:add_argument|option)\s*\(/g;

/** The named literals of a source, in its order. */
export function literalsOf(source: string): readonly Literal[] {
  const found = new Map<string, Literal>();
  const add = (literal: Literal): void => { if (!found.has(literal.name)) found.set(literal.name, literal); }; // L1
  const quoted = longStrings(source);
  const isQuoted = (at: number): boolean => quoted.some(([start, end]) => at > start && at < end);
  let holder: Holder | null = null;
  let at = 0;
  for (const [number, line] of source.split('\n').entries()) {
    const start = at;
    at += line.length + 1;
    if (isQuoted(start) || /^\s*(?:#|$)/.test(line)) continue;
    const settable = SETTABLE.exec(line);
    const [, indent = '', name = '', annotation = '', text = ''] = ASSIGNED.exec(line) ?? (settable ? [settable[0], settable[1], settable[2], '', settable[6]] : []);
    holder = holderAt(line, holder);
    if (text === '' || (indent !== '' && holder?.indent !== indent)) continue;
    const begin = start + line.indexOf('=', (indent + name + annotation).length) + 1;
    const from = settable ? start + settable[0].length - text.length : begin + (/^\s*/.exec(source.slice(begin))?.[0].length ?? 0);
    const choices = /Literal\[(.*)\]/.exec(annotation)?.[1]?.split(',').map((choice) => choice.trim()).filter((choice) => choice !== '') ?? [];
    add({ name: indent === '' || !holder ? name : `${holder.name}.${name}`, line: number + 1, start: from, end: from + text.length, text, isFloat: /[.eE]/.test(text) || settable?.[3] === 'float', choices });
  }
  for (const { index, 0: head } of source.matchAll(FUNCTION)) if (!isQuoted(index)) parametersAt(source, index + head.length - 1).forEach(add);
  for (const { index, 0: head, 1: name = '' } of source.matchAll(DICTIONARY)) if (!isQuoted(index)) keysAt(source, index + head.length - 1, name).forEach(add);
  for (const { index } of source.matchAll(OPTION)) {
    if (!isQuoted(index) && !/^[ \t]*#/.test(source.slice(source.lastIndexOf('\n', index) + 1, index))) { const option = optionAt(source, source.indexOf('(', index)); if (option) add(option); }
  }
  return [...found.values()];
}

/** The class whose body a line may stand in, and how far that body is indented; null at the top. */
interface Holder { readonly name: string; readonly indent: string | null }

function holderAt(line: string, before: Holder | null): Holder | null {
  const name = /^class\s+(\w+)/.exec(line)?.[1];
  if (name !== undefined) return { name, indent: null };
  if (/^\S/.test(line)) return null;
  return before?.indent === null ? { ...before, indent: /^\s*/.exec(line)?.[0] ?? '' } : before;
}

/** What variables may set among the defaults of a function whose parameters open at `open` (L3). */
function parametersAt(source: string, open: number): readonly Literal[] {
  return [...source.slice(open, closing(source, open) + 1).matchAll(PARAMETER)].map(({ index, 0: whole, 1: cast, 2: double, 3: single, 4: text = '' }) => {
    const end = open + index + whole.length;
    return { name: `$${double ?? single ?? ''}`, line: source.slice(0, end).split('\n').length, start: end - text.length, end, text, isFloat: cast === 'float', choices: [] };
  });
}

/** The default of `add_argument('--width', type=int, default=8)`; null when it has none that is a literal. */
function optionAt(source: string, open: number): Literal | null {
  const call = source.slice(open, closing(source, open) + 1);
  const name = /^\(\s*(?:["']-\w["']\s*,\s*)?["'](--[\w-]+)["']/.exec(call)?.[1];
  const given = new RegExp(String.raw`[,(\s]default\s*=\s*(${LITERAL})(?=\s*[,)])`).exec(call);
  if (name === undefined || given?.[1] === undefined) return null; // L2
  const text = given[1];
  const start = open + given.index + given[0].length - text.length;
  const choices = [.../\bchoices\s*=\s*[[(]([^\])]*)[\])]/.exec(call)?.[1]?.matchAll(new RegExp(LITERAL, 'g')) ?? []].map(([choice]) => choice);
  return { name, line: source.slice(0, start).split('\n').length, start, end: start + text.length, text, isFloat: /[.eE]/.test(text) || /\btype\s*=\s*float\b/.test(call), choices };
}

/** The plain keys with literals of a dictionary that opens at `open`, those of dictionaries in it included. */
function keysAt(source: string, open: number, holder: string): readonly Literal[] {
  const found: Literal[] = [];
  const end = closing(source, open);
  for (let at = open + 1; at < end; at++) {
    const character = source[at] ?? '';
    if (character === '#') { at = endOf(source, '\n', at); continue; }
    if ('([{'.includes(character)) { at = closing(source, at); continue; }
    if (character !== '"' && character !== "'") continue;
    const pair = PAIR.exec(source.slice(at, end + 1));
    if (!pair) { at = endOfString(source, at); continue; }
    const [whole, double, single, text, inner] = pair;
    const name = `${holder}["${double ?? single ?? ''}"]`;
    const last = at + whole.length - 1;
    if (text !== undefined) found.push({ name, line: source.slice(0, last).split('\n').length, start: last + 1 - text.length, end: last + 1, text, isFloat: /[.eE]/.test(text), choices: [] });
    if (inner !== undefined) { found.push(...keysAt(source, last, name)); at = closing(source, last); } else at = last;
  }
  return found;
}

/** Where the bracket that opens at `open` closes; strings and comments hold none. */
function closing(source: string, open: number): number {
  let depth = 0;
  for (let at = open; at < source.length; at++) {
    const character = source[at] ?? '';
    if (character === '#') at = endOf(source, '\n', at);
    else if (character === '"' || character === "'") at = endOfString(source, at);
    else if ('([{'.includes(character)) depth += 1;
    else if (')]}'.includes(character) && --depth === 0) return at;
  }
  return source.length;
}

/** The strings that run over several lines, each from its first quote to its last. */
function longStrings(source: string): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  for (let at = 0; at < source.length; at++) {
    const character = source[at];
    if (character === '#') at = endOf(source, '\n', at);
    else if (character === '"' || character === "'") {
      const end = endOfString(source, at);
      if (source.slice(at, at + 3) === character.repeat(3)) found.push([at, end]);
      at = end;
    }
  }
  return found;
}

function endOfString(source: string, start: number): number {
  const quote = source[start] ?? '';
  const whole = source.slice(start, start + 3) === quote.repeat(3) ? quote.repeat(3) : quote;
  for (let at = start + whole.length; at < source.length; at++) {
    if (source[at] === '\\') at += 1;
    else if (whole.length === 1 && source[at] === '\n') return at;
    else if (source.startsWith(whole, at)) return at + whole.length - 1;
  }
  return source.length;
}

const endOf = (source: string, mark: string, from: number): number => { const end = source.indexOf(mark, from); return end < 0 ? source.length : end; };
