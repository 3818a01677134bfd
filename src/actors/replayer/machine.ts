import { assign, fromPromise, setup } from 'xstate';

// Whoever makes the proposals of an earlier run again.
//
//   R1. One proposal at a time, in the order of the recording, each when its turn has come.
//   R2. A neighbour that does not answer is asked again, after growing pauses, and the same proposal is made again under the same id.
//   R3. A proposal that got another number than it had ends the replay: every later one could build on the wrong trial.

/** What became of one proposal. */
export type Answer = { readonly kind: 'taken' } | { readonly kind: 'busy' } | { readonly kind: 'closed'; readonly reason: string } | { readonly kind: 'astray'; readonly reason: string };

interface Context { readonly next: number; readonly failures: number; readonly why: string }

const unprovided = (name: string) => async (): Promise<never> => { throw new Error(`no implementation provided for ${name}`); };

/** How long to leave a silent neighbour alone before asking again. */
export const pauseMs = (failures: number): number => Math.min(15_000, 250 * 2 ** Math.min(failures - 1, 10));

/** The chart of a replayer: wait for the turn, propose, and on to the next. */
export const replayerMachine = setup({
  types: { context: {} as Context },
  actors: {
    /** Resolves when the proposal of that number may be made, or the run is over. */
    turn: fromPromise<'due' | 'over', { next: number }>(unprovided('turn')),
    propose: fromPromise<Answer, { next: number }>(unprovided('propose')),
    /** Resolves at the next fact that could make a busy broker take it. */
    change: fromPromise<void>(unprovided('change')),
    pause: fromPromise<void, { ms: number }>(unprovided('pause')),
  },
  guards: {
    isOver: (_, { turn }: { turn: 'due' | 'over' }) => turn === 'over',
    isAnswer: (_, { answer, kind }: { answer: Answer; kind: Answer['kind'] }) => answer.kind === kind,
  },
  actions: {
    takeNext: assign(({ context }) => ({ next: context.next + 1, failures: 0 })),
    countFailure: assign(({ context }, { error }: { error: unknown }) => ({ failures: context.failures + 1, why: `${error instanceof Error ? error.message : String(error)}`.slice(0, 300) })),
    explain: assign((_, { why }: { why: string }) => ({ why })),
  },
}).createMachine({
  id: 'replayer',
  context: { next: 0, failures: 0, why: '' },
  initial: 'waiting',
  states: {
    waiting: {
      entry: { type: 'explain', params: { why: 'for the trials that had ended before the next proposal' } },
      invoke: {
        src: 'turn', input: ({ context }) => ({ next: context.next }),
        onDone: [{ guard: { type: 'isOver', params: ({ event }) => ({ turn: event.output }) }, target: 'closed' }, { target: 'proposing' }], // R1
      },
    },
    proposing: {
      invoke: {
        src: 'propose', input: ({ context }) => ({ next: context.next }),
        onDone: [
          { guard: { type: 'isAnswer', params: ({ event }) => ({ answer: event.output, kind: 'taken' }) }, target: 'waiting', actions: 'takeNext' },
          { guard: { type: 'isAnswer', params: ({ event }) => ({ answer: event.output, kind: 'closed' }) }, target: 'closed', actions: { type: 'explain', params: ({ event }) => ({ why: event.output.kind === 'closed' ? event.output.reason : '' }) } },
          { guard: { type: 'isAnswer', params: ({ event }) => ({ answer: event.output, kind: 'astray' }) }, target: 'astray', actions: { type: 'explain', params: ({ event }) => ({ why: event.output.kind === 'astray' ? event.output.reason : '' }) } }, // R3
          { target: 'blocked', actions: { type: 'explain', params: { why: 'for a result: the queue is long enough' } } },
        ],
        onError: { target: 'resting', actions: { type: 'countFailure', params: ({ event }) => ({ error: event.error }) } }, // R2
      },
    },
    blocked: { invoke: { src: 'change', onDone: 'proposing' } },
    resting: { invoke: { src: 'pause', input: ({ context }) => ({ ms: pauseMs(context.failures) }), onDone: 'proposing' } },
    closed: { type: 'final' },
    astray: { type: 'final' },
  },
});
