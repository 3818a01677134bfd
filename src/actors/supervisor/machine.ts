import { assign, fromPromise, setup } from 'xstate';
import { NEVER_AGAIN, restart } from './decide.ts';

// One daemon under its supervisor: alive, pausing before it is started again, or given up.
//
//   W1. A daemon that was told to stop is never started again.
//   W2. A daemon that ended by itself with code 0 has done its work, and is let go.
//   W3. Its death is the only thing that moves it: nobody asks it how it feels.

/** How a daemon ended. */
export interface Death { readonly livedMs: number; readonly code: number | null }
interface Context { readonly name: string; deaths: number; afterMs: number }
type Event = { type: 'run.stopped' };

const unprovided = (name: string) => () => { throw new Error(`${name} was not provided`); };

/** The chart of one daemon under the supervisor: running, dead, started again, given up. */
export const wardMachine = setup({
  types: { context: {} as Context, input: {} as { name: string }, events: {} as Event },
  actors: {
    /** Lives as long as the daemon does. */
    daemon: fromPromise<Death, { name: string }>(unprovided('daemon')),
    pause: fromPromise<void, { afterMs: number }>(unprovided('pause')),
  },
  guards: {
    isDone: (_, params: Death) => params.code === 0,
    isHopeless: ({ context }, params: Death) => params.code === NEVER_AGAIN || restart(params.livedMs, context.deaths).kind === 'give-up',
  },
  actions: {
    countDeath: assign(({ context }, params: { livedMs: number }) => {
      const next = restart(params.livedMs, context.deaths);
      return { deaths: next.deaths, afterMs: next.kind === 'restart' ? next.afterMs : 0 };
    }),
  },
}).createMachine({
  id: 'ward',
  context: ({ input }) => ({ name: input.name, deaths: 0, afterMs: 0 }),
  initial: 'alive',
  on: { 'run.stopped': '.released' }, // W1
  states: {
    alive: {
      invoke: {
        src: 'daemon', input: ({ context }) => ({ name: context.name }),
        onDone: [ // W3
          { guard: { type: 'isDone', params: ({ event }) => event.output }, target: 'released' }, // W2
          { guard: { type: 'isHopeless', params: ({ event }) => event.output }, target: 'lost', actions: { type: 'countDeath', params: ({ event }) => event.output } },
          { target: 'pausing', actions: { type: 'countDeath', params: ({ event }) => event.output } },
        ],
        onError: 'lost',
      },
    },
    pausing: { invoke: { src: 'pause', input: ({ context }) => ({ afterMs: context.afterMs }), onDone: 'alive', onError: 'released' } },
    lost: { type: 'final' },
    released: { type: 'final' },
  },
});
