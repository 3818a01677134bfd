import type { Clock, Presence } from '../../../ports.ts';
import { Unreachable, type Bursar } from './bursar.ts';
import type { SessionGraph } from './graph.ts';
import type { Session } from './state.ts';

// When a specialist that thinks with a model rests, and what it makes of sessions that come to naught.
//
//   S1. An endpoint that is down, or a limit that is reached, stops this specialist alone, says so once, and is tried again after growing rests. After so many
//       of them the question is given up with its session, for it may be the question: the next begins afresh, and with less to read where that was too long.
//   S2. A session without a trial that was taken is followed by a rest that grows, or a model that says nothing usable would say it all day; after so many
//       in a row the journal says that the model is of no use.

const FIRST_MS = 2_000;
const LONGEST_MS = 300_000;
/** So many sessions without a trial that was taken, and the journal says that this specialist cannot think. One that it gave up, with a reason, counts as so much of one. */
const TOO_MANY = 3;
const GIVEN_UP = 1 / 2;
/** Halvings of what a session is told first: less than a sixteenth tells nothing. */
const MOST_HALVINGS = 4;

/** How long a specialist that cannot think rests before it tries again: twice as long each time, five minutes at most. */
export const restLongMs = (rests: number): number => Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(20, Math.max(0, rests - 1)));

/** Rests after which a question that gets no answer is given up with its session: what was refused is refused again, what is down comes back, and a limit of the run may be raised. */
export function mostRests(kind: string): number {
  if (kind === 'limit') return Infinity;
  return kind === 'refused' || kind === 'garbled' ? 2 : 8;
}

/** How a session ended, in words for the journal. */
export const endOf = ({ session, ending }: Session): string => `${session} ended: ${ending?.ending ?? 'over'}, ${ending?.reason ?? ''}`;

/** The rests of one specialist. */
export interface Rests {
  /** What a session does that can make no attempt now: wait for a rest, try once more, or give its question up; asked once an attempt. */
  whenStuck(): 'wait' | 'probe' | 'give-up';
  /** How much of its length the next session is told first. */
  share(): number;
  /** An answer came: it can think, unless what it thinks is of no use. */
  answered(signal: AbortSignal): Promise<void>;
  /** A trial of its was taken. */
  taken(signal: AbortSignal): Promise<void>;
  /** Runs a session on, resting where it cannot go on, until it waits for a trial or is over. */
  through(graph: SessionGraph, thread: string, step: () => Promise<Session>, signal: AbortSignal): Promise<Session>;
  /** The rest after a session without a trial that was taken. */
  after(session: Session, signal: AbortSignal): Promise<void>;
}

/** Keeps one specialist's rests. What it counts is learnt again by a new process. */
export function openRests({ bursar, clock, presence }: { readonly bursar: Bursar; readonly clock: Clock; readonly presence: Pick<Presence, 'log'> }, { run, specialist }: { readonly run: string; readonly specialist: string }): Rests {
  let stuck: ReturnType<Rests['whenStuck']> = 'wait';
  let halvings = 0;
  let fruitless = 0; // sessions in a row that led to no trial that was taken
  let useless = 0; // among them, those that ended otherwise than by giving up
  const isWell = async (signal: AbortSignal): Promise<void> => { if (bursar.spent() === null) await bursar.stall(null, signal); };

  return {
    whenStuck() {
      const now = stuck;
      stuck = 'wait';
      return now;
    },
    share: () => 1 / 2 ** halvings,
    answered: async (signal) => { if (useless < TOO_MANY) await isWell(signal); },
    async taken(signal) {
      [fruitless, useless] = [0, 0];
      await isWell(signal);
    },
    async through(graph, thread, step, signal) { // S1
      let go = step;
      let [rests, answers] = [0, -1];
      for (;;) {
        try {
          const session = await go();
          if (session.isOver && session.ending?.ending === 'failed' && session.trouble?.kind === 'length') halvings = Math.min(MOST_HALVINGS, halvings + 1);
          return session;
        } catch (error) {
          if (!(error instanceof Unreachable)) throw error;
          const cause = error.kind === 'limit' || error.kind === 'key' ? error.kind : error.kind === 'refused' ? 'model' : 'endpoint';
          const had = (await graph.look(thread))?.answers ?? 0;
          [rests, answers] = [had === answers ? rests + 1 : 1, had];
          presence.log('warn', `${specialist} cannot think for now: ${error.message}`, { run, cause, rests });
          await bursar.stall({ cause, reason: error.message }, signal);
          stuck = rests > mostRests(error.kind) ? 'give-up' : 'probe';
          if (stuck === 'probe') await clock.wait(restLongMs(rests), signal);
          go = () => graph.run(thread, null, signal);
        }
      }
    },
    async after(session, signal) { // S2
      fruitless += 1;
      const isSilent = session.ending?.ending === 'failed' && session.trouble?.kind !== 'length'; // its endpoint is what is stalled, and that is said
      const before = useless;
      if (!isSilent) useless += session.ending?.ending === 'gave_up' ? GIVEN_UP : 1;
      if (before < TOO_MANY && useless >= TOO_MANY) await bursar.stall({ cause: 'model', reason: `${fruitless} sessions led to no trial that was taken, the last: ${endOf(session)}` }, signal);
      await clock.wait(restLongMs(fruitless), signal);
    },
  };
}
