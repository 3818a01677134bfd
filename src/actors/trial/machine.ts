import { fromPromise, setup } from 'xstate';
import type { Need } from '../../domain/need.ts';
import type { TrialResult } from '../../domain/trial.ts';

// The life of one trial, admission to result.
//
//   T1. Once its result is said nothing moves it any more.
//   T2. What it needs is weighed by the broker from the lineage; the machine never counts replicates itself.
//   T3. A keep says `run.best` first. Refused there, it was judged against a best that is no longer one, and waits to be weighed again.

interface Context { readonly trial: string }
type Event =
  | { type: 'trial.weighed'; need: Need; leased: number }
  | { type: 'trial.result' };

/** What became of an attempt to say the result. */
export type Said = 'said' | 'stale';

const unprovided = fromPromise<Said, { trial: string; result: TrialResult; newBest: number | null }>(() => { throw new Error('sayResult was not provided'); });

/** The chart of one trial, from admission to result. */
export const trialMachine = setup({
  types: { context: {} as Context, input: {} as { trial: string }, events: {} as Event },
  actors: { sayResult: unprovided },
  guards: {
    isDecided: (_, params: { need: Need }) => params.need.kind === 'end',
    isLeased: (_, params: { leased: number }) => params.leased > 0,
    wasSaid: (_, params: { said: Said }) => params.said === 'said',
  },
}).createMachine({
  id: 'trial',
  context: ({ input }) => ({ trial: input.trial }),
  initial: 'queued',
  on: { 'trial.result': '.ended' },
  states: {
    queued: {
      on: {
        'trial.weighed': [
          { guard: { type: 'isDecided', params: ({ event }) => event }, target: 'deciding' },
          { guard: { type: 'isLeased', params: ({ event }) => event }, target: 'measuring' },
        ],
      },
    },
    measuring: {
      on: {
        'trial.weighed': [
          { guard: { type: 'isDecided', params: ({ event }) => event }, target: 'deciding' },
          { guard: { type: 'isLeased', params: ({ event }) => event } },
          { target: 'queued' },
        ],
      },
    },
    deciding: {
      invoke: {
        src: 'sayResult',
        input: ({ context, event }) => {
          if (event.type === 'trial.weighed' && event.need.kind === 'end') return { trial: context.trial, result: event.need.result, newBest: event.need.newBest };
          throw new Error('a trial is decided only by being weighed');
        },
        onDone: [
          { guard: { type: 'wasSaid', params: ({ event }) => ({ said: event.output }) }, target: 'said' },
          { target: 'queued' }, // T3
        ],
        onError: 'queued',
      },
    },
    said: {},
    ended: { type: 'final' }, // T1
  },
});
