import type { RunId } from '../../domain/ids.ts';
import { NoAnswer, type Bus, type Journal, type Ports } from '../../ports.ts';
import { NamedActorState, Pulse } from '../../protocols/actor.ts';
import type { Keeper } from './keeper.ts';

// Who decides for a run: one broker at a time, whoever took the newest term.
//
//   T1. A term is taken by a fact that is said once, its ordinal one more than the newest: of two that take it at once one has it.
//   T2. None is taken while somebody has one and is at it. That nobody serves the run any more is known at once, so that a broker that was killed is followed at once by its next start; whoever is
//       only silent, paused or cut off, is given three pulses' time; whoever says that it leaves is followed when it has gone. None is taken of a run that has
//       not started or has stopped.
//   T3. Whoever has a term says and answers nothing by a fold that it has not compared with the journal for a while, a while shorter than the patience of those who
//       stand by: it may have been paused, or cut off, and been replaced meanwhile.
//   T4. Whoever was replaced says nothing more, not even what it was about to, and answers nothing: its asker finds the other by asking again.

/** A broker pulses every two seconds; one that is silent for as long as three of them is replaced, well within the 15 s that a run may stand still. */
const PATIENCE_MS = 6_000;
/** The time a broker that is there has to say so; most of its patience is over before it is asked. */
const ANSWER_MS = 2_000;
const GLANCE_MS = 500;
/** Much shorter than what those who stand by wait (T3). */
const FRESH_MS = 2_000;

/** Somebody else decides for the run now. */
export class Replaced extends Error {
  constructor(run: RunId) {
    super(`another broker decides for ${run} now`);
    this.name = 'Replaced';
  }
}

/** One broker's hold on its run. */
export interface Term {
  /** Whether it has the newest term that was folded. */
  isHeld(): boolean;
  /** Whether it has the newest term, by a fold no older than a while (T3). */
  holds(): Promise<boolean>;
  /** Waits until the run needs a broker and it is this one, whose term is then folded. `beSeenAs` is told by which name it goes meanwhile. */
  take(beSeenAs: (name: string) => Promise<void>, signal: AbortSignal): Promise<void>;
}

/** The state of a broker that was told to end, until it has gone. */
export const LEAVING = 'leaving';

/** The name that whoever has a term is seen by; who stands by has one of its own. */
export const IN_OFFICE = 'main';

/** A hold on a run, not taken yet. */
export function openTerm({ bus, clock, journal }: Ports, keeper: () => Keeper, { run, name, boot }: { readonly run: RunId; readonly name: string; readonly boot: string }): Term {
  let mine: number | null = null;
  let freshMs = -Infinity;
  let checking: Promise<void> | null = null;
  const isHeld = (): boolean => mine !== null && keeper().lineage.term === mine;
  const check = async (): Promise<void> => {
    const askedMs = clock.now();
    await keeper().upToDate();
    freshMs = askedMs;
  };
  const isNeeded = (): boolean => keeper().lineage.started !== null && keeper().lineage.stopped === null; // T2

  /** Whether somebody is at it: `nobody` serves the run, or one is there, or one that leaves, or one that says nothing. */
  const askRound = (signal: AbortSignal): Promise<'there' | 'leaving' | 'nobody' | 'silent'> =>
    bus.ask(NamedActorState, { actor: 'broker', run, name: IN_OFFICE }, {}, { timeoutMs: ANSWER_MS, signal }).then(({ state }) => (state === LEAVING ? 'leaving' : 'there'), (error: unknown) => {
      if (error instanceof NoAnswer) return error.reason === 'nobody' ? 'nobody' : 'silent';
      throw error;
    });

  return {
    isHeld,
    async holds() {
      while (isHeld() && clock.now() - freshMs >= FRESH_MS) await (checking ??= check().finally(() => { checking = null; })); // a check that a pause fell into is no check
      return isHeld();
    },
    async take(beSeenAs, signal) {
      mine = null;
      let heardMs = clock.now();
      await using _hearing = bus.listen(Pulse, { run, actor: 'broker', name: IN_OFFICE }, ({ state }) => { heardMs = state === LEAVING ? -Infinity : clock.now(); });
      for (;;) {
        await keeper().upToDate(); // a server that is away is waited for, and the other with it
        const n = keeper().lineage.term + 1; // of whoever takes it while we ask, this one is taken
        const other = isNeeded() ? await askRound(signal) : null;
        if (other === 'there') heardMs = clock.now();
        if (other === 'nobody' || (other === 'silent' && clock.now() - heardMs > PATIENCE_MS)) {
          await beSeenAs(IN_OFFICE); // before it can be known: whoever reads of it finds us there
          const said = await journal.record('broker.took', [String(n)], { name, boot });
          if (said.kind === 'recorded') {
            await keeper().folded(said.seq);
            mine = n;
            freshMs = clock.now();
            if (isHeld()) return; // T1
          }
          mine = null;
          heardMs = clock.now();
        }
        await beSeenAs(name);
        do await clock.wait(GLANCE_MS, signal); while (!isNeeded() || (other !== null && clock.now() - heardMs <= PATIENCE_MS));
      }
    },
  };
}

/** A journal that takes nothing from whoever was replaced (T4). */
export const fenced = (journal: Journal, isHeld: () => boolean): Journal => ({
  run: journal.run,
  record: async (...said) => {
    if (!isHeld()) throw new Replaced(journal.run);
    return journal.record(...said);
  },
  follow: (options) => journal.follow(options),
  position: () => journal.position(),
});

/** A bus on which commands are answered by whoever has the term, and by nobody else (T3, T4). */
export const inOffice = (bus: Bus, term: Term): Bus => {
  const never = <A>(): Promise<A> => new Promise(() => undefined);
  const serve: Bus['serve'] = (command, ids, handler) => bus.serveEach(command, ids, async (request, named, by) => { // a paused one must not keep its share of the questions to itself
    if (!await term.holds()) return never();
    try {
      return await handler(request, named, by);
    } catch (error) {
      if (!term.isHeld()) return never();
      throw error;
    }
  });
  return { ask: (...asked) => bus.ask(...asked), tell: (...said) => bus.tell(...said), listen: (...heard) => bus.listen(...heard), serve, serveEach: serve };
};
