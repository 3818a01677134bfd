import { trialNumber, type TrialId } from './ids.ts';
import { changedSymbols } from './partition.ts';
import type { Recipe } from './recipe.ts';
import { codeOf, isSegment, linesOf, membersOf, segment, type Segment, type Segmented } from './segment.ts';
import { covers, MODULE, type Tables } from './symbol.ts';
import { weave } from './weave.ts';

// Composing: what several trials changed is done to one recipe, by symbol and not by line.
//
//   C1. A change is what a trial's recipe has otherwise than the recipe it was kept over; comments and layout alone are none.
//   C2. Changes are merged in the order of their trials, so that one may build on another, and the order in which they are named is of no account.
//   C3. A symbol is taken as the trial has it where the recipe still has what the trial started from, and left where the recipe has it already.
//       Anything else is a conflict, named by file, symbol and trial; with one there is no recipe.
//   C4. What a trial added stands after what it stood after there.
//   C5. Code that nobody changed stays byte for byte.
//   C6. Where one definition holds symbols of its own (the keys of a dictionary, the blocks of a divided function) and the two changed different
//       ones, their lines are woven.

/** One trial's change. */
export interface Change { readonly trial: TrialId; readonly before: Recipe; readonly after: Recipe }

/** A symbol of which two have different ideas; `other` is null where the recipe itself is the other. */
export interface Conflict { readonly file: string; readonly symbol: string; readonly trial: TrialId; readonly other: TrialId | null }

export type Composition = { readonly kind: 'composed'; readonly recipe: Recipe } | { readonly kind: 'conflict'; readonly conflicts: readonly Conflict[] };

/** How recipes are read: by their definitions, and by what may have an owner of its own inside one. */
export interface Reading { readonly plain: (recipe: Recipe) => Tables; readonly divided: (recipe: Recipe) => Tables }

/** Merges the changes of some trials onto a recipe. */
export function compose(base: Recipe, changes: readonly Change[], { plain: tablesOf, divided }: Reading): Composition {
  const conflicts: Conflict[] = [];
  const writers = new Map<string, TrialId>();
  let recipe = base;
  for (const change of [...changes].sort((a, b) => trialNumber(a.trial) - trialNumber(b.trial))) { // C2
    const tables = { before: tablesOf(change.before), after: tablesOf(change.after), now: tablesOf(recipe) };
    const owned = { before: divided(change.before), after: divided(change.after), now: divided(recipe) };
    const merged: Record<string, string> = { ...recipe };
    for (const file of [...new Set([...Object.keys(change.before), ...Object.keys(change.after)])].sort()) {
      if (change.before[file] === change.after[file] || change.after[file] === recipe[file]) continue;
      const clash = (symbol: string): void => { conflicts.push({ file, symbol, trial: change.trial, other: writers.get(`${file}#${symbol}`) ?? null }); };
      const sides = { before: sideOf(change.before, tables.before, file), after: sideOf(change.after, tables.after, file), now: sideOf(recipe, tables.now, file) };
      const differing = (side: Tables): readonly string[] => changedSymbols(owned.before[file] ?? null, side[file] ?? null).map(({ name }) => name);
      const [theirs, ours] = [new Set(differing(owned.after)), differing(owned.now)];
      const both = ours.filter((name) => theirs.has(name));
      const text = mergeFile(sides, { clash, isApart: (keys) => !both.some((name) => keys.some((key) => covers(key, name))) });
      if (text === null) delete merged[file]; else merged[file] = text;
    }
    for (const file of Object.keys({ ...change.before, ...change.after })) {
      for (const { name } of changedSymbols(owned.before[file] ?? null, owned.after[file] ?? null)) writers.set(`${file}#${name}`, change.trial);
    }
    recipe = merged;
  }
  return conflicts.length === 0 ? { kind: 'composed', recipe } : { kind: 'conflict', conflicts };
}

/** A conflict in a sentence. */
export function describeConflict({ file, symbol, trial, other }: Conflict): string {
  const what = symbol === MODULE ? `the unnamed code of ${file}` : `\`${symbol}\` in ${file}`;
  return other === null ? `${trial} changes ${what}, which is not as it found it` : `${other} and ${trial} both change ${what}`;
}

interface Side { readonly text: string; readonly parts: Segmented }

const sideOf = (recipe: Recipe, tables: Tables, file: string): Side | null => {
  const [text, table] = [recipe[file], tables[file]];
  return text === undefined || table === undefined ? null : { text, parts: segment(text, table) };
};

interface Sides<T> { readonly before: T | null; readonly after: T | null; readonly now: T | null }
interface Judge {
  readonly clash: (symbol: string) => void;
  /** Whether the two changed different symbols of what these keys define. */
  readonly isApart: (keys: readonly string[]) => boolean;
}

/** A file with a change in it; null where there is none any more. A conflict leaves it as it is. */
function mergeFile({ before, after, now }: Sides<Side>, judge: Judge): string | null {
  if (before === null || after === null || now === null) { // a whole file came or went
    if (now?.text === before?.text) return after?.text ?? null;
    if (now?.text !== after?.text) judge.clash(MODULE);
    return now?.text ?? null;
  }
  const lists = { before: before.parts.segments, after: after.parts.segments, now: now.parts.segments };
  const merged = mergeLists(lists, lists.now, lists.after, judge);
  return [...merged.flatMap(linesOf), ...now.parts.tail].join('\n');
}

/** Segments in the order of `frame`, with what only `other` has put in its place (C4). */
function mergeLists(sides: { readonly before: readonly Segment[]; readonly after: readonly Segment[]; readonly now: readonly Segment[] }, frame: readonly Segment[], other: readonly Segment[], judge: Judge): Segment[] {
  const find = (list: readonly Segment[], key: string): Segment | null => list.find((one) => one.key === key) ?? null;
  const mergedOf = (key: string): Segment | null => mergeSegment({ before: find(sides.before, key), after: find(sides.after, key), now: find(sides.now, key) }, judge);
  const out = frame.flatMap(({ key }) => mergedOf(key) ?? []);
  let previous: string | null = null;
  for (const { key } of other) {
    if (!frame.some((one) => one.key === key)) {
      const fresh = mergedOf(key);
      if (fresh !== null) {
        const follows = other.slice(other.findIndex((one) => one.key === key) + 1).map((one) => out.findIndex(({ key: there }) => there === one.key)).find((place) => place >= 0);
        const after = previous === null ? -1 : out.findIndex((one) => one.key === previous);
        out.splice(after >= 0 ? after + 1 : follows ?? out.length, 0, fresh);
      }
    }
    if (out.some((one) => one.key === key)) previous = key;
  }
  return out;
}

/** One segment with a change in it (C3). */
function mergeSegment({ before, after, now }: Sides<Segment>, judge: Judge): Segment | null {
  const code = (one: Segment | null): string | null => (one === null ? null : codeOf(one));
  if (code(before) === code(after) || code(after) === code(now)) return now; // C5
  if (code(before) === code(now)) return after;
  const symbol = (after ?? now ?? before)?.symbol ?? MODULE;
  if (before === null || after === null || now === null) { judge.clash(symbol); return now; }
  if (!before.holds || !after.holds || !now.holds) return wovenOf({ before, after, now }, judge);
  const [isChanged, isMoved] = [before.code !== after.code, before.code !== now.code];
  if (isChanged && isMoved && after.code !== now.code) { judge.clash(symbol); return now; }
  const lists = { before: membersOf(before), after: membersOf(after), now: membersOf(now) };
  const frame = isChanged && !isMoved ? after : now;
  const members = mergeLists(lists, membersOf(frame), frame === now ? lists.after : lists.now, judge);
  return { ...frame, body: framed(frame, members) };
}

/** A definition of which the two changed different symbols (C6); as it is now where they did not. */
function wovenOf({ before, after, now }: { readonly before: Segment; readonly after: Segment; readonly now: Segment }, { clash, isApart }: Judge): Segment {
  const own = (one: Segment): string[] => linesOf({ ...one, lead: [] });
  const woven = isApart(now.key.split(' ')) ? weave(own(before), own(now), own(after)) : null;
  if (woven === null) { clash(now.symbol); return now; }
  return { ...now, body: [woven] };
}

/** A holder's own lines with other members: those it has stand where they stood, the rest after the one they follow. */
function framed(frame: Segment, members: readonly Segment[]): Segment['body'] {
  const body: (readonly string[] | Segment)[] = [];
  const left = [...members];
  for (const part of frame.body) {
    if (!isSegment(part)) { body.push(part); continue; }
    const at = left.findIndex(({ key }) => key === part.key);
    if (at >= 0) body.push(...left.splice(0, at + 1));
  }
  const last = body.findLastIndex(isSegment);
  body.splice(last < 0 ? body.length : last + 1, 0, ...left);
  return body;
}
