import { assign, setup } from 'xstate';
import type { Worth } from './decide.ts';

// The life of a lineage keeper.
//
//   M1. Nothing is answered before the journal was read up to where it stood at the start.
//   M2. A copy that is not of this journal is put aside before the first fact is read.
//   M3. It is alarmed as long as a server's copy of the journal is damaged, and answers all the while.

interface Context { worth: string; applied: number; target: number; unreadable: number; damage: string | null; reason: string }
type Event =
  | { type: 'copy.judged'; worth: Worth; target: number }
  | { type: 'facts.applied'; applied: number }
  | { type: 'fact.unreadable' }
  | { type: 'copies.compared'; damage: string | null }
  | { type: 'journal.failed'; reason: string }
  | { type: 'keeper.closed' };

/** The chart of the lineage keeper. */
export const lineageMachine = setup({
  types: { context: {} as Context, events: {} as Event },
  guards: {
    isUseless: (_, params: { worth: Worth }) => params.worth.kind === 'useless',
    isDamaged: (_, params: { damage: string | null }) => params.damage !== null,
    isCaughtUp: ({ context }, params: { applied: number }) => params.applied >= context.target,
  },
  actions: {
    rememberWorth: assign((_, params: { worth: Worth; target: number }) => ({ worth: params.worth.kind === 'useless' ? params.worth.why : params.worth.kind, target: params.target })),
    rememberPosition: assign((_, params: { applied: number }) => ({ applied: params.applied })),
    countUnreadable: assign(({ context }) => ({ unreadable: context.unreadable + 1 })),
    rememberDamage: assign((_, params: { damage: string | null }) => ({ damage: params.damage })),
    rememberReason: assign((_, params: { reason: string }) => ({ reason: params.reason })),
  },
}).createMachine({
  id: 'lineage',
  context: { worth: 'unknown', applied: 0, target: 0, unreadable: 0, damage: null, reason: '' },
  initial: 'probing',
  on: {
    'fact.unreadable': { actions: 'countUnreadable' },
    'journal.failed': { target: '.failed', actions: { type: 'rememberReason', params: ({ event }) => event } },
    'keeper.closed': '.closed',
  },
  states: {
    probing: {
      on: {
        'copy.judged': [
          { guard: { type: 'isUseless', params: ({ event }) => event }, target: 'rebuilding', actions: { type: 'rememberWorth', params: ({ event }) => event } }, // M2
          { target: 'catchingUp', actions: { type: 'rememberWorth', params: ({ event }) => event } },
        ],
      },
    },
    rebuilding: { on: applied() },
    catchingUp: { on: applied() },
    following: { on: { 'facts.applied': { actions: { type: 'rememberPosition', params: ({ event }) => event } }, 'copies.compared': compared() } },
    alarmed: { on: { 'facts.applied': { actions: { type: 'rememberPosition', params: ({ event }) => event } }, 'copies.compared': compared() } }, // M3
    failed: { type: 'final' },
    closed: { type: 'final' },
  },
});

function compared() {
  const params = ({ event }: { event: { damage: string | null } }) => event;
  return [
    { guard: { type: 'isDamaged' as const, params }, target: 'alarmed' as const, actions: { type: 'rememberDamage' as const, params } },
    { target: 'following' as const, actions: { type: 'rememberDamage' as const, params } },
  ];
}

function applied() {
  return {
    'facts.applied': [
      { guard: { type: 'isCaughtUp' as const, params: ({ event }: { event: { applied: number } }) => event }, target: 'following' as const, actions: { type: 'rememberPosition' as const, params: ({ event }: { event: { applied: number } }) => event } }, // M1
      { actions: { type: 'rememberPosition' as const, params: ({ event }: { event: { applied: number } }) => event } },
    ],
  };
}
