import { assign, fromPromise, setup } from 'xstate';
import type { PhaseSpec } from '../../domain/surface.ts';
import { abandon, nothingFound, type Findings } from './decide.ts';
import type { Work } from './work.ts';

// One slot of a node.
//
//   S1. A slot holds one measurement at a time; work that comes while it is busy is not its business.
//   S2. A lapsed lease kills whatever runs, and nothing is said about it.
//   S3. A slot is idle again only when everything of the last measurement is dead and gone; one that was found unclean by another's measurement is not.
//   S4. A draining slot finishes what it holds and takes nothing more.
//   S5. A replicate of several seeds goes back to training until every seed was scored.

interface Context { readonly work: Work | null; readonly found: Findings; readonly isDraining: boolean }
type Event =
  | { type: 'lease.granted'; work: Work }
  | { type: 'lease.lapsed' }
  | { type: 'slot.drained' }
  | { type: 'node.draining' }
  | { type: 'node.stopping' };

interface PhaseInput { readonly work: Work; readonly role: PhaseSpec['role']; readonly found: Findings }

const unprovided = <Output, Input>(name: string) => fromPromise<Output, Input>(() => { throw new Error(`${name} was not provided`); });
const held = (work: Work | null): Work => {
  if (work === null) throw new Error('a slot measures only what it was given');
  return work;
};

/** The chart of one slot: idle, at work on a lease, saying what it measured, clearing up. */
export const slotMachine = setup({
  types: { context: {} as Context, events: {} as Event },
  actors: {
    /** Takes the slots of the lease among all processes of this machine. */
    enter: unprovided<void, { work: Work }>('enter'),
    stage: unprovided<Findings, { work: Work }>('stage'),
    runPhase: unprovided<Findings, PhaseInput>('runPhase'),
    seal: unprovided<Findings, { work: Work; found: Findings }>('seal'),
    publish: unprovided<void, { work: Work; found: Findings }>('publish'),
    /** Resolves when the lease is lost, with the reason. */
    keepLease: unprovided<string, { work: Work }>('keepLease'),
    clear: unprovided<void, { work: Work | null }>('clear'),
  },
  guards: {
    isOver: (_, params: { found: Findings }) => params.found.isOver,
    needsSmoke: (_, params: { work: Work | null }) => params.work?.smoke === true,
    isDraining: ({ context }) => context.isDraining,
  },
  actions: {
    take: assign((_, params: { work: Work }) => ({ work: params.work, found: nothingFound })),
    learn: assign((_, params: { found: Findings }) => ({ found: params.found })),
    blameOurselves: assign(({ context }, params: { error: unknown }) => ({ found: abandon(context.found, params.error instanceof Error ? params.error.message : String(params.error)) })),
    drain: assign(() => ({ isDraining: true })),
    forget: assign(() => ({ work: null, found: nothingFound })),
  },
}).createMachine({
  id: 'slot',
  context: () => ({ work: null, found: nothingFound, isDraining: false }),
  initial: 'idle',
  on: { 'node.draining': { actions: 'drain' }, 'node.stopping': { target: '.clearing', actions: 'drain' } },
  states: {
    idle: {
      always: { guard: 'isDraining', target: 'stopped' },
      on: { 'lease.granted': { target: 'measuring', actions: { type: 'take', params: ({ event }) => event } }, 'slot.drained': 'broken' }, // S3
    },
    measuring: { // S1
      invoke: { id: 'keepLease', src: 'keepLease', input: ({ context }) => ({ work: held(context.work) }), onDone: 'clearing', onError: 'clearing' }, // S2
      on: { 'lease.lapsed': 'clearing' }, // S2
      initial: 'entering',
      states: {
        entering: {
          invoke: { id: 'enter', src: 'enter', input: ({ context }) => ({ work: held(context.work) }), onDone: 'staging', onError: '#slot.clearing' }, // nothing ran: another attempt may
        },
        staging: {
          invoke: {
            id: 'stage', src: 'stage', input: ({ context }) => ({ work: held(context.work) }),
            onDone: [
              { guard: { type: 'isOver', params: ({ event }) => ({ found: event.output }) }, target: 'publishing', actions: { type: 'learn', params: ({ event }) => ({ found: event.output }) } },
              { guard: { type: 'needsSmoke', params: ({ context }) => context }, target: 'smoke' },
              { target: 'training' },
            ],
            onError: { target: 'publishing', actions: { type: 'blameOurselves', params: ({ event }) => event } },
          },
        },
        smoke: {
          invoke: {
            id: 'smoke', src: 'runPhase', input: ({ context }) => ({ work: held(context.work), role: 'smoke', found: context.found }),
            onDone: [
              { guard: { type: 'isOver', params: ({ event }) => ({ found: event.output }) }, target: 'publishing', actions: { type: 'learn', params: ({ event }) => ({ found: event.output }) } },
              { target: 'training', actions: { type: 'learn', params: ({ event }) => ({ found: event.output }) } },
            ],
            onError: { target: 'publishing', actions: { type: 'blameOurselves', params: ({ event }) => event } },
          },
        },
        training: {
          invoke: {
            id: 'train', src: 'runPhase', input: ({ context }) => ({ work: held(context.work), role: 'train', found: context.found }),
            onDone: [
              { guard: { type: 'isOver', params: ({ event }) => ({ found: event.output }) }, target: 'publishing', actions: { type: 'learn', params: ({ event }) => ({ found: event.output }) } },
              { target: 'sealing', actions: { type: 'learn', params: ({ event }) => ({ found: event.output }) } },
            ],
            onError: { target: 'publishing', actions: { type: 'blameOurselves', params: ({ event }) => event } },
          },
        },
        sealing: {
          invoke: {
            id: 'seal', src: 'seal', input: ({ context }) => ({ work: held(context.work), found: context.found }),
            onDone: [
              { guard: { type: 'isOver', params: ({ event }) => ({ found: event.output }) }, target: 'publishing', actions: { type: 'learn', params: ({ event }) => ({ found: event.output }) } },
              { target: 'scoring', actions: { type: 'learn', params: ({ event }) => ({ found: event.output }) } },
            ],
            onError: { target: 'publishing', actions: { type: 'blameOurselves', params: ({ event }) => event } },
          },
        },
        scoring: {
          invoke: {
            id: 'score', src: 'runPhase', input: ({ context }) => ({ work: held(context.work), role: 'eval', found: context.found }),
            onDone: [
              { guard: { type: 'isOver', params: ({ event }) => ({ found: event.output }) }, target: 'publishing', actions: { type: 'learn', params: ({ event }) => ({ found: event.output }) } },
              { target: 'training', actions: { type: 'learn', params: ({ event }) => ({ found: event.output }) } }, // S5
            ],
            onError: { target: 'publishing', actions: { type: 'blameOurselves', params: ({ event }) => event } },
          },
        },
        publishing: {
          invoke: { id: 'publish', src: 'publish', input: ({ context }) => ({ work: held(context.work), found: context.found }), onDone: '#slot.clearing', onError: '#slot.clearing' },
        },
      },
    },
    clearing: { // S3
      invoke: { id: 'clear', src: 'clear', input: ({ context }) => ({ work: context.work }), onDone: { target: 'idle', actions: 'forget' }, onError: 'broken' },
    },
    broken: { entry: 'forget', always: { guard: 'isDraining', target: 'stopped' } }, // the other slots of what it held are free again
    stopped: { type: 'final' }, // S4
  },
});
