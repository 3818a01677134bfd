import { covers, MODULE, type SymbolTable } from './symbol.ts';

// A source as a tree of definitions with their own lines, so that one can be exchanged without touching another.
//
//   G1. Every line belongs to exactly one segment; written out in order they are the source again.
//   G2. Comments and blank lines above a definition go with it.
//   G3. What shares a line cannot be told apart by line and is one segment.
//   G4. The members of a class are segments of their own; everything below a member is part of it.

/** One definition, or one nameless statement, with the lines it takes. */
export interface Segment {
  /** What it defines, or for a nameless statement its text: the same in every version of a file. */
  readonly key: string;
  /** The symbol to name when something is wrong with it. */
  readonly symbol: string;
  /** Comments and blank lines above it (G2). */
  readonly lead: readonly string[];
  /** Whether it is a class, whose members can be exchanged one by one. */
  readonly holds: boolean;
  /** Its own code in one spelling, without that of its members. */
  readonly code: string;
  /** Its lines: those of its own, and its members where they stand. */
  readonly body: readonly (readonly string[] | Segment)[];
}

/** A source in segments, and what follows the last. */
export interface Segmented { readonly segments: readonly Segment[]; readonly tail: readonly string[] }

interface Place { readonly keys: readonly string[]; readonly symbol: string; readonly start: number; readonly end: number }

/** Divides a source by its symbol table. */
export function segment(source: string, table: SymbolTable): Segmented {
  const lines = source.split('\n');
  if (table.unreadable !== null) return { segments: [whole(lines, source)], tail: [] };
  const at = divide(lines, 1, lines.length, topPlaces(lines, table), (place) => fill(lines, table, place));
  return { segments: at.body.map((part) => (isSegment(part) ? part : { key: `${MODULE} ${part.join(' ')}`, symbol: MODULE, lead: [], holds: false, code: part.join('\n'), body: [part] })), tail: at.tail };
}

/** The lines of a segment, its lead included (G1). */
export const linesOf = (segmentOf: Segment): string[] => [...segmentOf.lead, ...segmentOf.body.flatMap((part) => (isSegment(part) ? linesOf(part) : part))];

/** Everything a segment says in code, its members included. */
export const codeOf = (segmentOf: Segment): string => [segmentOf.code, ...membersOf(segmentOf).map((member) => `${member.key} ${codeOf(member)}`)].join('\n');

/** The segments inside a segment. */
export const membersOf = (segmentOf: Segment): Segment[] => segmentOf.body.filter(isSegment);

/** Whether a part of a body is a segment rather than lines. */
export const isSegment = (part: readonly string[] | Segment): part is Segment => !Array.isArray(part);

const whole = (lines: readonly string[], source: string): Segment => ({ key: MODULE, symbol: MODULE, lead: [], holds: false, code: source, body: [lines] });

function topPlaces(lines: readonly string[], table: SymbolTable): Place[] {
  const pieces = table.pieces.filter(({ names }) => names.every((name) => name === MODULE || /^[^.[@]+$/.test(name)));
  const places = pieces.map((piece, i): Place => {
    const [symbol = MODULE] = piece.names;
    if (symbol !== MODULE) return { keys: piece.names, symbol, start: piece.line, end: Math.max(piece.line, ...table.symbols.filter(({ name }) => piece.names.includes(name)).map(({ endLine }) => endLine)) };
    return { keys: [`${MODULE} ${piece.text}`], symbol, start: piece.line, end: lastCode(lines, piece.line, (pieces[i + 1]?.line ?? lines.length + 1) - 1) };
  });
  return joined(places);
}

/** Places that share lines as one (G3). */
function joined(places: readonly Place[]): Place[] {
  const out: Place[] = [];
  for (const place of [...places].sort((a, b) => a.start - b.start || a.end - b.end)) {
    const last = out.at(-1);
    if (last === undefined || place.start > last.end) out.push(place);
    else out[out.length - 1] = { keys: [...new Set([...last.keys, ...place.keys])], symbol: last.symbol, start: last.start, end: Math.max(last.end, place.end) };
  }
  return out;
}

function fill(lines: readonly string[], table: SymbolTable, place: Place): Pick<Segment, 'code' | 'body' | 'holds'> {
  const symbols = table.symbols.filter(({ name }) => place.keys.some((key) => covers(key, name)));
  const [only, ...others] = place.keys;
  const holder = symbols.find(({ name, kind }) => name === only && kind === 'class');
  const members = holder === undefined || others.length > 0 ? [] : joined(symbols.filter(({ name }) => name.startsWith(`${holder.name}.`) && /^[^.[@]+$/.test(name.slice(holder.name.length + 1)))
    .map(({ name, line, endLine }) => ({ keys: [name], symbol: name, start: line, end: endLine })));
  if (holder === undefined || others.length > 0 || members.some(({ start }) => start <= place.start)) { // G4
    const named = symbols.map(({ name, text }) => `${name} ${text}`);
    return { code: named.length > 0 ? named.join('\n') : place.keys.join('\n'), holds: false, body: [lines.slice(place.start - 1, place.end)] };
  }
  const { body, tail } = divide(lines, place.start, place.end, members, (member) => {
    const inside = table.symbols.filter(({ name }) => member.keys.some((key) => covers(key, name))).map(({ name, text }) => `${name} ${text}`);
    return { code: inside.join('\n'), holds: false, body: [lines.slice(member.start - 1, member.end)] };
  });
  return { code: holder.text, holds: true, body: tail.length > 0 ? [...body, tail] : body };
}

/** Lines from `first` to `last` as segments and the lines between them that are nobody's. */
function divide(lines: readonly string[], first: number, last: number, places: readonly Place[], fillOf: (place: Place) => Pick<Segment, 'code' | 'body' | 'holds'>): { body: (readonly string[] | Segment)[]; tail: readonly string[] } {
  const body: (readonly string[] | Segment)[] = [];
  let at = first;
  for (const place of places) {
    const between = lines.slice(at - 1, place.start - 1);
    const loose = between.findLastIndex((line) => !isTrivia(line)) + 1; // a class's own header and docstring stand before its first member
    if (loose > 0) body.push(between.slice(0, loose));
    body.push({ key: [...place.keys].sort().join(' '), symbol: place.symbol, lead: between.slice(loose), ...fillOf(place) });
    at = place.end + 1;
  }
  return { body, tail: lines.slice(at - 1, last) };
}

const isTrivia = (line: string): boolean => /^\s*(?:#.*)?$/.test(line);

function lastCode(lines: readonly string[], start: number, end: number): number {
  let at = end;
  while (at > start && isTrivia(lines[at - 1] ?? '')) at--;
  return at;
}
