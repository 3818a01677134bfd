import { CHAIN_START, chained, rowText } from '../../../src/adapters/lmdb/chain.ts';
import type { Fact } from '../../../src/domain/fact.ts';
import type { Invariant } from './evidence.ts';

// What lies on the hosts when all is over.

/** The chain over facts as a keeper makes it, up to a position. */
export const chainOf = (facts: readonly Fact[], upTo = Infinity): string => facts.reduce((chain, fact) => (fact.seq > upTo ? chain : chained(chain, fact.seq, rowText(fact))), CHAIN_START);

/** The first place where one copy is not the other. */
function differences(facts: readonly Fact[], held: readonly Fact[]): string[] {
  for (const [i, fact] of facts.entries()) {
    const other = held[i];
    if (other === undefined) return [`ends before ${fact.seq}`];
    if (other.seq !== fact.seq || rowText(other) !== rowText(fact)) return [`has at ${other.seq} what elsewhere is at ${fact.seq}: ${rowText(other).slice(0, 80).replaceAll('\n', ' ')} for ${rowText(fact).slice(0, 80).replaceAll('\n', ' ')}`];
  }
  return held.length > facts.length ? [`goes on after ${facts.at(-1)?.seq}`] : [];
}

export const clean: Invariant = { id: 'I4', says: 'nothing of a measurement is left', check: ({ boxes }) => [...(boxes?.left ?? [])] };

export const converged: Invariant = {
  id: 'I5', says: 'every server and every cache holds the same',
  check({ boxes, facts }) {
    if (boxes === null) return [];
    return [
      ...boxes.copies.flatMap(({ server, facts: held }) => (held === null ? [`${server} could not be made to tell what it holds`] : differences(facts, held).map((what) => `${server} ${what}`))),
      ...boxes.caches.filter(({ applied, chain }) => chain !== chainOf(facts, applied)).map(({ daemon, applied }) => `the cache of ${daemon} tells another story up to ${applied}`),
      ...boxes.caches.filter(({ applied }) => applied < (facts.at(-1)?.seq ?? 0)).map(({ daemon, applied }) => `the cache of ${daemon} ends at ${applied} of ${facts.at(-1)?.seq}`),
    ];
  },
};

export const whole: Invariant = {
  id: 'I7', says: 'every server has the journal from its first position without a gap',
  check({ boxes }) {
    if (boxes === null) return [];
    const last = Math.max(0, ...boxes.streams.map(({ lastSeq }) => lastSeq));
    return boxes.streams.flatMap(({ server, firstSeq, lastSeq, messages, deleted }) =>
      (firstSeq === 1 && deleted === 0 && messages === lastSeq && lastSeq === last ? [] : [`${server} has ${messages} messages from ${firstSeq} to ${lastSeq} of ${last}, ${deleted} deleted`]));
  },
};

const MOST_RESIDENT = 2 ** 30;
const MOST_FILES = 512;
const MOST_LOG = 64 * 2 ** 20;

export const bounded: Invariant = {
  id: 'I10', says: 'memory, open files and logs stay within bounds',
  check({ entries, boxes }) {
    const most = new Map<string, { residentBytes: number; files: number }>();
    for (const entry of entries) if (entry.kind === 'size') {
      const before = most.get(entry.daemon) ?? { residentBytes: 0, files: 0 };
      most.set(entry.daemon, { residentBytes: Math.max(before.residentBytes, entry.residentBytes), files: Math.max(before.files, entry.files) });
    }
    return [
      ...[...most].flatMap(([daemon, { residentBytes, files }]) => (residentBytes > MOST_RESIDENT || files > MOST_FILES ? [`${daemon} had ${Math.round(residentBytes / 2 ** 20)} MB resident and ${files} files open`] : [])),
      ...Object.entries(boxes?.logBytes ?? {}).filter(([, bytes]) => bytes > MOST_LOG).map(([daemon, bytes]) => `the log of ${daemon} has ${bytes} bytes`),
    ];
  },
};

export const secret: Invariant = { id: 'I11', says: 'a secret of a daemon is nowhere else', check: ({ boxes }) => [...(boxes?.leaks ?? [])] };
