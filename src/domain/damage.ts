import type { Fact } from './fact.ts';

// What one server's copy of a journal lacks, or has otherwise than a reader who keeps what it read.
//
//   D1. Nothing may be missing: a journal is neither deleted from nor purged, so its positions follow one another.
//   D2. What a reader cannot read is no fact to anybody: that it lies there is all that is asked of it.
//   D3. What is written otherwise and read alike is alike: a fact is what its reader makes of it.

/** What lies at one position of a server's copy. */
export interface Stored {
  readonly seq: number;
  readonly at: number;
  /** The subject after the run. */
  readonly name: string;
  readonly text: string;
  /** As readers take it; null for what is no fact. */
  read(): Fact | null;
}

/** Positions of a copy that are gone, or hold something else. */
export interface Flaw { readonly from: number; readonly to: number; readonly what: 'gone' | 'changed' }

/** Compares positions after one up to another of a server's copy with the facts that were read there, both in order. */
export function flawsOf(read: Iterable<Fact>, stored: readonly Stored[], { after, upTo }: { readonly after: number; readonly upTo: number }): Flaw[] {
  const known = new Map<number, Fact>();
  for (const fact of read) known.set(fact.seq, fact);
  const lying = new Map(stored.map((each) => [each.seq, each]));
  const flaws: Flaw[] = [];
  for (let seq = after + 1; seq <= upTo; seq++) {
    const there = lying.get(seq);
    const what = there === undefined ? 'gone' : isAlike(known.get(seq) ?? null, there) ? null : 'changed'; // D1
    const last = flaws.at(-1);
    if (what === null) continue;
    if (last?.what === what && last.to === seq - 1) flaws[flaws.length - 1] = { ...last, to: seq }; else flaws.push({ from: seq, to: seq, what });
  }
  return flaws;
}

function isAlike(fact: Fact | null, stored: Stored): boolean {
  if (fact !== null && stored.at === fact.at && stored.name === nameOf(fact) && stored.text === JSON.stringify(fact.body)) return true; // most are as they were written
  const read = stored.read(); // D2, D3
  if (fact === null || read === null) return fact === read;
  return textOf(fact) === textOf(read);
}

/** The subject of a fact after the run. */
export const nameOf = ({ word, ids }: Fact): string => [word, ...ids].join('.');

const textOf = (fact: Fact): string => JSON.stringify([fact.at, nameOf(fact), fact.body]);

/** Flaws in words: `positions 61 to 120 are gone, position 7 is changed`. */
export function flawsText(flaws: readonly Flaw[]): string {
  const told = flaws.slice(0, MOST_TOLD).map(({ from, to, what }) => (from === to ? `position ${from} is ${what}` : `positions ${from} to ${to} are ${what}`));
  return [...told, ...(flaws.length > MOST_TOLD ? [`and ${flaws.length - MOST_TOLD} further gaps`] : [])].join(', ');
}

/** A line for whoever is woken has no room for more. */
const MOST_TOLD = 3;
