import type { Fact } from '../../domain/fact.ts';
import type { RunId } from '../../domain/ids.ts';
import { emptyLineage, grow, type Lineage, type Verify } from '../../domain/lineage.ts';
import type { Clock, FactStore, Journal } from '../../ports.ts';
import { emptyTimeline, note, worthOf, type Timeline, type Worth } from './decide.ts';

// The fold of one journal, in memory, with a copy of its facts.

/** How long an answer waits for a position the journal has and this keeper has not read yet. */
const AHEAD_MS = 2_000;
/** Earlier positions whose fold is kept at hand. */
const REMEMBERED = 4;

/** The reader is ahead of what the journal says. */
export class NotThereYet extends Error {
  readonly asOf: number;
  constructor(asOf: number, applied: number) {
    super(`position ${asOf} has not been read yet: the lineage stands at ${applied}`);
    this.name = 'NotThereYet';
    this.asOf = asOf;
  }
}

export interface Keeper {
  readonly lineage: Lineage;
  readonly timeline: Timeline;
  /** Everything up to here was read, unreadable messages too. */
  passed(): number;
  take(fact: Fact): void;
  pass(seq: number): void;
  /** Waits a little until a position was read. */
  reached(position: number, signal: AbortSignal): Promise<void>;
  /** The lineage as it stood at an earlier position, folded again. */
  at(position: number): Promise<Lineage>;
}

/** A fold that remembers when things changed. `facts` reads earlier ones again. */
export function openKeeper({ run, verify, clock, facts }: { run: RunId; verify: Verify; clock: Clock; facts: (upTo: number) => Iterable<Fact> | AsyncIterable<Fact> }): Keeper {
  const lineage = emptyLineage();
  const timeline = emptyTimeline();
  const earlier = new Map<number, Lineage>();
  const waiting = new Set<() => void>();
  let passed = 0;
  const pass = (seq: number): void => {
    passed = Math.max(passed, seq);
    for (const wake of [...waiting]) wake();
  };
  return {
    lineage, timeline, pass,
    passed: () => passed,
    take(fact) {
      const bests = lineage.bests.length;
      if (grow(lineage, fact, run, verify)) note(timeline, lineage, fact, bests);
      pass(fact.seq);
    },
    async reached(position, signal) {
      const stop = new AbortController();
      const late = clock.wait(AHEAD_MS, AbortSignal.any([signal, stop.signal])).then(() => { throw new NotThereYet(position, passed); });
      late.catch(() => {});
      try {
        while (passed < position) {
          let wake = (): void => {};
          const moved = new Promise<void>((resolve) => { wake = resolve; });
          waiting.add(wake);
          await Promise.race([moved, late]).finally(() => { waiting.delete(wake); });
        }
      } finally {
        stop.abort();
      }
    },
    async at(position) {
      const known = earlier.get(position) ?? await fold(run, verify, facts(position));
      earlier.delete(position);
      earlier.set(position, known);
      for (const oldest of earlier.keys()) if (earlier.size > REMEMBERED) earlier.delete(oldest);
      return known;
    },
  };
}

async function fold(run: RunId, verify: Verify, facts: Iterable<Fact> | AsyncIterable<Fact>): Promise<Lineage> {
  const lineage = emptyLineage();
  for await (const fact of facts) grow(lineage, fact, run, verify);
  return lineage;
}

/** Compares the copy with the journal, which must be asked for two facts only. */
export async function judgeCopy(store: FactStore, journal: Journal, signal: AbortSignal): Promise<{ readonly worth: Worth; readonly position: number }> {
  const position = await journal.position();
  const { applied } = store.position();
  if (applied === 0) return { worth: { kind: 'empty' }, position };
  const [first = null] = store.read(0, applied);
  const [last = null] = store.read(applied - 1, applied);
  return {
    worth: worthOf({ applied, first: textOf(first), last: textOf(last) },
      { position, first: position === 0 ? null : textOf(await nextFact(journal, 0, signal)), last: applied > position ? null : textOf(await nextFact(journal, applied - 1, signal)) }),
    position,
  };
}

async function nextFact(journal: Journal, after: number, signal: AbortSignal): Promise<Fact | null> {
  const stop = new AbortController();
  try {
    for await (const fact of journal.follow({ after, signal: AbortSignal.any([signal, stop.signal]) })) return fact;
    return null;
  } finally {
    stop.abort();
  }
}

const textOf = (fact: Fact | null): string | null => (fact === null ? null : JSON.stringify([fact.seq, fact.at, fact.word, fact.ids, fact.body]));
