import type { BodyOf, Fact, IdsOf, Word } from '../../domain/fact.ts';
import type { RunId } from '../../domain/ids.ts';
import { emptyLineage, grow, type Lineage, type Verify } from '../../domain/lineage.ts';
import type { Journal } from '../../ports.ts';

/** The broker's own fold of the journal, and the one way it writes: a write is over when it has come back and was folded. */
export interface Keeper {
  readonly lineage: Lineage;
  /** Records a fact and waits until the fold holds it; `taken` when somebody had said it, whose words are then folded too. */
  say<W extends Word>(word: W, ids: IdsOf<W>, body: BodyOf<W>): Promise<'recorded' | 'taken'>;
  folded(seq: number): Promise<void>;
  /** Waits until the fold holds everything the journal holds now. */
  upToDate(): Promise<void>;
  /** Does one thing at a time: what is decided by the fold and then said, with nothing said in between. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  /** Folds live facts until aborted; `onFact` sees each after it was applied. Whoever still waits then is told that there will be no more. */
  follow(onFact: (fact: Fact) => void, onUnreadable: (what: { seq: number; subject: string; reason: string }) => void, signal: AbortSignal): Promise<void>;
}

/** A keeper over one run's journal. */
export function openKeeper(run: RunId, journal: Journal, verify: Verify): Keeper {
  const lineage = emptyLineage();
  const waiting: { seq: number; resolve: () => void; reject: (why: Error) => void }[] = [];
  let passed = 0;
  let over: Error | null = null;
  const settle = (seq: number): void => {
    passed = Math.max(passed, seq);
    for (let i = waiting.length - 1; i >= 0; i--) {
      const waiter = waiting[i];
      if (waiter && waiter.seq <= passed) { waiting.splice(i, 1); waiter.resolve(); }
    }
  };
  let last: Promise<unknown> = Promise.resolve();
  const folded = (seq: number): Promise<void> => (seq <= passed ? Promise.resolve() : over ? Promise.reject(over) : new Promise((resolve, reject) => { waiting.push({ seq, resolve, reject }); }));
  return {
    lineage,
    folded,
    upToDate: async () => folded(await journal.position()),
    alone(work) {
      const next = last.then(work, work);
      last = next.catch(() => undefined);
      return next;
    },
    async say(word, ids, body) {
      const said = await journal.record(word, ids, body);
      await folded(said.kind === 'recorded' ? said.seq : await journal.position());
      return said.kind;
    },
    async follow(onFact, onUnreadable, signal) {
      try {
        for await (const fact of journal.follow({ after: lineage.applied, signal, onUnreadable: (what) => { onUnreadable(what); settle(what.seq); } })) {
          grow(lineage, fact, run, verify);
          onFact(fact);
          settle(fact.seq);
        }
      } finally {
        over = new Error(`the journal of ${run} is not followed any more`);
        for (const waiter of waiting.splice(0)) waiter.reject(over);
      }
    },
  };
}

/** The lineage as it stood at a position, folded afresh. */
export async function lineageAt(run: RunId, journal: Journal, verify: Verify, position: number): Promise<Lineage> {
  const lineage = emptyLineage();
  for await (const fact of journal.follow({ after: 0, until: position })) grow(lineage, fact, run, verify);
  return lineage;
}
