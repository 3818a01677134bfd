import { describe, expect, test } from 'vitest';
import { initialTransition, transition, type EventFromLogic } from 'xstate';
import { getShortestPaths } from 'xstate/graph';
import { abandon, nothingFound, type Findings } from '../../src/actors/evaluator/decide.ts';
import { slotMachine } from '../../src/actors/evaluator/machine.ts';
import type { Work } from '../../src/actors/evaluator/work.ts';

const work: Work = {
  trial: 't0001', replicate: 's1', attempt: 1, purpose: 'search', slots: ['cpu0'], source: { kind: 'snapshot', snapshot: 'a'.repeat(64) },
  smoke: true, trainSeconds: null, ttlMs: 30_000, takenMs: 0,
};
const over: Findings = { ...nothingFound, isOver: true };
const ends = (id: string, output?: unknown) => ({ type: `xstate.done.actor.${id}`, output });
const fails = (id: string) => ({ type: `xstate.error.actor.${id}`, error: new Error('disk full') });

// The chart hears its own effects end; to the walker those endings are events like any other, where that effect runs.
const both = (id: string) => [ends(id, nothingFound), ends(id, over), fails(id)];
const endings: Readonly<Record<string, readonly { readonly type: string }[]>> = {
  entering: [ends('enter'), fails('enter')],
  staging: both('stage'), smoke: both('smoke'), training: both('train'), sealing: both('seal'), scoring: both('score'),
  publishing: [ends('publish'), fails('publish')], clearing: [ends('clear'), fails('clear')],
};
const eventsIn = ({ value }: { value: unknown }) => [
  { type: 'lease.granted', work }, { type: 'lease.granted', work: { ...work, smoke: false } }, { type: 'node.draining' }, { type: 'node.stopping' }, { type: 'slot.drained' },
  ...(typeof value === 'object' ? [ends('keepLease', 'the broker let it lapse'), { type: 'lease.lapsed' }] : []),
  ...(endings[typeof value === 'string' ? value : Object.values(value ?? {})[0] as string] ?? []),
];
type Walked = Parameters<typeof getShortestPaths<typeof slotMachine>>[1];
const paths = getShortestPaths(slotMachine, {
  events: eventsIn, serializeState: (state: { value: unknown; context: { work: Work | null; isDraining: boolean; found: Findings } }) =>
    JSON.stringify([state.value, state.context.work?.smoke ?? null, state.context.isDraining, state.context.found.failures.length]),
} as unknown as Walked);

const nameOf = (path: (typeof paths)[number]): string => path.steps.map(({ event }) => event.type.replace('xstate.', '').replace('.actor.', ' ')).slice(1).join(' > ') || 'nothing yet';

describe('one slot', () => {
  test('the chart has as many walks as we meant', () => { expect(paths).toHaveLength(42); });

  test.each(paths.map((path) => [nameOf(path), path] as const))('%s', (_, { state, steps }) => {
    const { work: holds, isDraining } = state.context;
    const word = typeof state.value === 'string' ? state.value : 'measuring';
    expect(state.status).toBe(word === 'stopped' ? 'done' : 'active');
    if (word === 'idle' || word === 'stopped') expect(holds).toBeNull();
    if (word === 'idle') expect(isDraining).toBe(false);
    if (word === 'measuring') expect(holds).not.toBeNull();
    const asked = steps.map(({ event }) => event.type);
    if (word === 'stopped') expect(asked.some((type) => type.startsWith('node.'))).toBe(true);
    if (JSON.stringify(state.value).includes('smoke')) expect(holds?.smoke).toBe(true);
    if (JSON.stringify(state.value).includes('scoring')) expect(asked).toContain('xstate.done.actor.seal');
  });

  test('a replicate whose seeds are not all scored goes back to training', () => {
    const said = [{ type: 'lease.granted', work: { ...work, smoke: false } }, ...['enter', 'stage', 'train', 'seal', 'score'].map((id) => ends(id, nothingFound))] as unknown as EventFromLogic<typeof slotMachine>[];
    const reached = said.reduce((state, event) => transition(slotMachine, state, event)[0], initialTransition(slotMachine)[0]);
    expect(reached.value).toEqual({ measuring: 'training' });
  });

  test('our own fault at any stage is published as one, never kept silent', () => {
    const published = paths.filter(({ state }) => JSON.stringify(state.value).includes('publishing') && state.context.found.failures.length > 0);
    expect(published.length).toBeGreaterThan(0);
    for (const { state } of published) expect(state.context.found).toEqual(abandon(nothingFound, 'disk full'));
  });
});
