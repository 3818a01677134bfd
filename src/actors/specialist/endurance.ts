import type { Proposer, SpecialistView, Thought } from './proposer.ts';

// What becomes of a specialist whose proposer fails.
//
//   E1. A neighbour that does not answer is no failure of its own: it is asked for ever, for it comes back.
//   E2. A failure of its own is tried again, after pauses that grow, so many times in a row. Then another try would end alike: it gives up, says why,
//       and ends, and the others go on without it.

/** Half a minute of pauses: long enough for a full machine, too short to hide that nothing comes. */
const TRIES = 8;

interface Endured {
  /** E1. */
  readonly isNeighbours: (error: unknown) => boolean;
  readonly onFailure: (reason: string, view: SpecialistView) => void;
  /** Told when it begins, for an earlier process may have given up, and when it gives up. */
  readonly onTurn: (gaveUp: string | null) => Promise<void>;
}

/** Thinks through a proposer that may fail. */
export function endure(proposer: Proposer, { isNeighbours, onFailure, onTurn }: Endured): Proposer['propose'] {
  let inARow = 0;
  let hasBegun = false;
  return async (view, signal): Promise<Thought> => {
    if (!hasBegun) { hasBegun = true; void onTurn(null); }
    try {
      const thought = await proposer.propose(view, signal);
      inARow = 0;
      return thought;
    } catch (error) {
      if (signal.aborted || isNeighbours(error)) throw error; // E1
      const reason = error instanceof Error ? error.message : String(error);
      onFailure(reason, view);
      inARow += 1;
      if (inARow < TRIES) throw error;
      const why = `gave up after ${TRIES} failures in a row, the last: ${reason}`; // E2
      await onTurn(why);
      return { kind: 'nothing', reason: why, next: 'closed' };
    }
  };
}
