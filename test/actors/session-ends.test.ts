import { expect, test } from 'vitest';
import type { Fact } from '../../src/domain/fact.ts';
import { Pulse } from '../../src/protocols/actor.ts';
import { StopRun } from '../../src/protocols/run.ts';
import { EndSession } from '../../src/protocols/session.ts';
import { failing, say, use, type Script } from '../support/openai-server.ts';
import { STARTED } from '../support/story.ts';
import { byPatch, type WorldOptions } from '../support/world.ts';
import { rig, type Rig } from './session-rig.ts';

const bodies = <W extends Fact['word']>(facts: readonly Fact[], word: W): Extract<Fact, { word: W }>[] => facts.filter((fact): fact is Extract<Fact, { word: W }> => fact.word === word);
const edit = (replace: string) => use('edit', { edits: [{ file: 'recipe.py', search: 'baseline', replace }] });
const submit = use('submit', { hypothesis: 'a smaller loss is a smaller loss', expectedDelta: -0.1 });
const stop = (r: Rig, now: boolean) => r.world.ports.bus.ask(StopRun, { run: 'toy-1' }, { now }, { timeoutMs: 60_000 });
const transcriptOf = async (r: Rig, facts: readonly Fact[]): Promise<string> => new TextDecoder().decode(await r.world.ports.blobs.get(bodies(facts, 'session.ended')[0]?.body.transcript ?? '') ?? new Uint8Array());
const stopped = (facts: readonly Fact[]): boolean => facts.some(({ word }) => word === 'run.stopped');

test('a run that is stopped while a model thinks ends the session first, and keeps what was said in it; its specialist is done', async () => {
  await using r = await rig(({ last }) => (last.includes('make one change') ? use('read', { file: 'recipe.py' }) : { kind: 'hang', after: 'nothing' }));
  const { done } = r.think('data');
  await r.until(() => r.server.asked.length === 2);
  await stop(r, true);
  const facts = await r.until(stopped);
  await done;
  expect(bodies(facts, 'session.ended')[0]?.body).toMatchObject({ ending: 'gave_up', reason: 'the run stopped: stopped by its operator', trials: [] });
  expect(await transcriptOf(r, facts)).toMatch(/recipe\.py, lines 1 to 1 of 1/);
  expect(facts.findIndex(({ word }) => word === 'session.ended')).toBeLessThan(facts.findIndex(({ word }) => word === 'run.stopped'));
});

test('a run that is stopped while a trial is measured ends the session it came from with that trial', async () => {
  await using r = await rig(({ last }) => (last.includes('make one change') ? edit('loss=2.4') : submit), { durationMs: ({ trial }) => (trial === 't0000' ? 100 : 1e9) });
  r.think('data');
  await r.until((facts) => bodies(facts, 'lease.granted').some(({ ids }) => ids[0] === 't0001'));
  await stop(r, true);
  const facts = await r.until(stopped);
  expect(bodies(facts, 'session.ended')[0]?.body).toMatchObject({ ending: 'submitted', reason: 'the run stopped: stopped by its operator', trials: ['t0001'] });
  expect(await transcriptOf(r, facts)).toContain('a smaller loss is a smaller loss');
});

/** Finds nothing wrong with a patch when it is checked, and much when it is proposed: every second time it is asked. */
function capricious(): NonNullable<WorldOptions['surface']> {
  let asked = 0;
  return { recipe: { 'recipe.py': 'baseline' }, admit: async ({ patch }) => (++asked % 2 === 1 ? { kind: 'admitted', recipe: { 'recipe.py': `${patch} ${asked}` } } : { kind: 'rejected', rejection: { rule: 'syntax', file: null, symbol: null, owner: null, message: 'now it is wrong' } }) };
}

test.each([true, false])('a model whose every proposal is rejected is left to rest, longer each time, and then said to be of no use (lineage %s)', async (lineage) => {
  const script: Script = ({ last }) => (last.includes('make one change') ? edit('loss=2.4') : last.startsWith('Applied') ? submit : use('give_up', { reason: 'it will not have it' }));
  await using r = await rig(script, { lineage, surface: capricious(), measure: byPatch });
  r.think('data', { limits: { submissions: 1 } });
  const facts = await r.until((known) => bodies(known, 'specialist.stalled').length > 0);
  expect(bodies(facts, 'specialist.stalled')[0]?.body).toMatchObject({ cause: 'model', reason: expect.stringContaining('3 sessions led to no trial that was taken') });
  expect(bodies(facts, 'trial.rejected').length).toBe(3);
  const [first, second, third] = bodies(facts, 'session.opened').map(({ at }) => at);
  const gaps = [(second ?? 0) - (first ?? 0), (third ?? 0) - (second ?? 0)];
  expect(gaps[0]).toBeGreaterThanOrEqual(2_000);
  expect(gaps[1]).toBeGreaterThanOrEqual(4_000);
});

test('a model that gives up again and again, with a reason each time, is said to be of no use in the end', async () => {
  await using r = await rig(() => use('give_up', { reason: 'nothing comes to mind' }));
  r.think('data');
  const pulse = { actor: 'specialist', name: 'data', run: 'toy-1' };
  const over = new AbortController();
  const beating = (async () => { // as its process does, so that no run takes its rests for quiet
    for (;;) { r.world.ports.bus.tell(Pulse, pulse, { ...pulse, pid: 1, state: 'proposing', sinceMs: 0, why: '', context: {} }); await r.world.clock.wait(10_000, over.signal); }
  })().catch(() => undefined);
  const facts = await r.until((known) => bodies(known, 'specialist.stalled').length > 0);
  over.abort(new Error('enough'));
  await beating;
  expect(bodies(facts, 'specialist.stalled')[0]?.body).toMatchObject({ cause: 'model', reason: expect.stringMatching(/^6 sessions led to no trial that was taken, the last: s0006 ended: gave_up/) });
  expect(bodies(facts, 'session.ended').length).toBe(6);
});

test('an ending that its broker will not have is said in the log, and its session is let go of', async () => {
  await using r = await rig(({ last }) => (last.includes('make one change') ? use('give_up', { reason: 'nothing comes to mind' }) : say('hm')));
  let refusals = 0;
  const ask = r.world.ports.bus.ask.bind(r.world.ports.bus);
  const refusing: typeof ask = async (command, ids, request, options) => {
    if (command.pattern === EndSession.pattern && refusals < 2) { refusals += 1; return command.reply.parse({ kind: 'refused', reason: 't0001 did not come from s0001' }); }
    return ask(command, ids, request, options);
  };
  Object.assign(r.world.ports.bus, { ask: refusing });
  r.think('data');
  const facts = await r.until((known) => bodies(known, 'session.ended').length > 1);
  expect(bodies(facts, 'session.ended').map(({ ids, body }) => [ids[0], body.ending])).toEqual([['s0001', 'lost'], ['s0002', 'gave_up']]);
  expect(r.world.ports.presence.logged).toContainEqual(expect.objectContaining({ message: 'how s0001 ended is not recorded: t0001 did not come from s0001' }));
});

test('a run whose keys were all revoked ends aloud, with the remedy, though nothing limits it', async () => {
  let isTaken = true;
  await using r = await rig(({ last, attempt }) => (isTaken ? last.includes('make one change') ? edit(`loss=2.${attempt}`) : submit : failing(401, 'this key was revoked')), { started: { limits: { ...STARTED.limits, trials: null } } });
  r.think('data');
  r.think('optimizer');
  await r.until((facts) => bodies(facts, 'trial.result').length > 2);
  isTaken = false;
  const facts = await r.until(stopped);
  expect(bodies(facts, 'run.stopping')[0]?.body.reason).toMatch(/^nobody can think any more: (data|optimizer): .*401.*this key was revoked.*: put that right, then resume the run$/);
  expect(bodies(facts, 'session.opened').length).toBe(bodies(facts, 'session.ended').length);
});
