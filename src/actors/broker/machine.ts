import { setup } from 'xstate';
import type { Stage } from './decide.ts';

// Whether a broker decides, and where its run then stands. The journal decides; the chart only says which moves are possible at all.
//
//   R1. Nothing follows `stopped` but a resume.
//   R2. A claim is made only after every trial has ended.
//   R3. A broker that stands by sees nothing happen until it has a term; one that lost its term stands by, wherever the run was.

type Event = { type: 'lineage.advanced'; stage: Stage } | { type: 'term.taken' } | { type: 'term.lost' };

/** The chart of a run as its broker sees it. */
export const brokerMachine = setup({
  types: { events: {} as Event },
  guards: { is: ({ event }, params: { stage: Stage }) => event.type === 'lineage.advanced' && event.stage === params.stage },
}).createMachine({
  id: 'broker',
  initial: 'standby',
  on: { 'term.lost': '.standby' }, // R3
  states: {
    standby: { on: { 'term.taken': 'recovering' } }, // R3
    recovering: { on: { 'lineage.advanced': to('waiting', 'calibrating', 'running', 'paused', 'finishing', 'claiming', 'stopped') } },
    waiting: { on: { 'lineage.advanced': to('calibrating', 'running', 'paused', 'finishing', 'stopped') } },
    calibrating: { on: { 'lineage.advanced': to('running', 'paused', 'finishing', 'claiming', 'stopped') } },
    running: { on: { 'lineage.advanced': to('paused', 'finishing', 'claiming', 'stopped') } },
    paused: { on: { 'lineage.advanced': to('calibrating', 'running', 'finishing', 'claiming', 'stopped') } },
    finishing: { on: { 'lineage.advanced': to('paused', 'claiming', 'stopped', 'running', 'calibrating') } },
    claiming: { on: { 'lineage.advanced': to('paused', 'stopped', 'running', 'finishing') } }, // R2
    stopped: { on: { 'lineage.advanced': to('running', 'calibrating') } }, // R1
  },
});

function to<const S extends Stage>(...stages: readonly S[]) {
  return stages.map((stage) => ({ guard: { type: 'is' as const, params: { stage } }, target: stage }));
}
