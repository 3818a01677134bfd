import { createActor, fromPromise } from 'xstate';
import type { TrialId } from '../../domain/ids.ts';
import type { Need } from '../../domain/need.ts';
import type { TrialResult } from '../../domain/trial.ts';
import type { Journal } from '../../ports.ts';
import { trialMachine, type Said } from './machine.ts';

/** The trial machine with its one effect: saying how it ended, the new best first. */
const trialActor = (journal: Journal, onFailure: (error: unknown) => void) =>
  trialMachine.provide({
    actors: {
      sayResult: fromPromise<Said, { trial: string; result: TrialResult; newBest: number | null }>(async ({ input: { trial, result, newBest } }) => {
        try {
          if (newBest !== null) {
            const best = await journal.record('run.best', [String(newBest)], { trial, score: result.score, snapshot: result.snapshot, judgedAt: result.judgedAt });
            if (best.kind === 'taken') return 'stale'; // T3
          }
          await journal.record('trial.result', [trial], result);
          return 'said';
        } catch (error) {
          onFailure(error); // the machine goes back to its queue and would say nothing
          throw error;
        }
      }),
    },
  });

/** One trial, alive until its result was folded. */
export interface OpenTrial {
  /** Tells it what it needs by the newest lineage, and how many of its leases are out. */
  weighed(need: Need, leased: number): void;
  /** Its result came back from the journal. */
  ended(): void;
  /** Whether it is telling the journal how it ended, or has told it what was not folded yet. */
  isSaying(): boolean;
}

/** Starts the actor of one trial. `onFailure` hears why a result could not be said; the trial is then weighed again. */
export function openTrial(journal: Journal, trial: TrialId, onFailure: (error: unknown) => void): OpenTrial {
  const actor = createActor(trialActor(journal, onFailure), { input: { trial } });
  actor.subscribe({ error: onFailure });
  actor.start();
  return {
    weighed: (need, leased) => actor.send({ type: 'trial.weighed', need, leased }),
    ended: () => actor.send({ type: 'trial.result' }),
    isSaying: () => ['deciding', 'said'].includes(actor.getSnapshot().value),
  };
}
