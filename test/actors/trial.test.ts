import { describe, expect, test } from 'vitest';
import { createActor, fromPromise, waitFor } from 'xstate';
import { getShortestPaths } from 'xstate/graph';
import { weigh, weighClaim } from '../../src/actors/trial/decide.ts';
import { trialMachine } from '../../src/actors/trial/machine.ts';
import type { Need } from '../../src/domain/need.ts';
import { calibrated, story, type Story } from '../support/story.ts';

const row = (told: Story, trial: string) => {
  const found = told.lineage.trials.get(trial);
  if (!found) throw new Error(`no ${trial}`);
  return found;
};
const need = (told: Story, trial = 't0001'): Need => weigh(told.lineage, row(told, trial));
const wanted = (n: Need): string[] => (n.kind === 'measure' ? n.wanted.map((w) => `${w.trial}.${w.replicate}`) : []);
const result = (n: Need) => { if (n.kind !== 'end') throw new Error('not ended'); return n.result; };
const confirmAll = (told: Story, trial: string, scores: readonly number[]): void => scores.forEach((score, i) => { told.measure(trial, `c${i + 1}`, score); });

describe('what a trial needs', () => {
  test('the baseline is measured as often as the run says before anything else', () => expect(wanted(need(story(), 't0000'))).toEqual(['t0000.s1', 't0000.s2', 't0000.s3']));
  test('a new trial is screened once', () => expect(wanted(need(calibrated().admit('t0001')))).toEqual(['t0001.s1']));
  test('a screening that is not ahead discards', () => {
    const ended = result(need(calibrated().admit('t0001').measure('t0001', 's1', 2.6)));
    expect([ended.status, ended.why, ended.n]).toEqual(['discard', 'screened', 1]);
    expect(ended.deltaVsBest).toBeCloseTo(0.1, 12);
  });
  test('a tie discards: a change must earn its place', () => expect(result(need(calibrated().admit('t0001').measure('t0001', 's1', 2.5))).status).toBe('discard'));
  test('one screening alone never keeps: contender and incumbent go to fresh seeds, interleaved', () => {
    expect(wanted(need(calibrated().admit('t0001').measure('t0001', 's1', 1)))).toEqual(['t0001.c1', 't0000.c1', 't0001.c2', 't0000.c2', 't0001.c3', 't0000.c3', 't0001.c4', 't0000.c4', 't0001.c5', 't0000.c5']);
  });
  test('a clear gain on five fresh seeds is kept, with its p and its delta on confirm text', () => {
    const told = calibrated().admit('t0001').measure('t0001', 's1', 2.1);
    confirmAll(told, 't0000', [2.6, 2.58, 2.62, 2.61, 2.59]);
    confirmAll(told, 't0001', [2.1, 2.12, 2.08, 2.11, 2.09]);
    const decided = need(told);
    const ended = result(decided);
    expect([ended.status, ended.n, ended.judgedAt]).toEqual(['keep', 5, told.lineage.applied]);
    expect(decided.kind === 'end' && decided.newBest).toBe(1);
    expect(ended.deltaVsBest).toBeCloseTo(-0.5, 9);
    expect(ended.p).toBeLessThan(0.001);
  });
  test('a small gain inside the noise is discarded however lucky its screening was', () => {
    const told = calibrated().admit('t0001').measure('t0001', 's1', 1.5);
    confirmAll(told, 't0000', [2.6, 2.5, 2.7, 2.55, 2.65]);
    confirmAll(told, 't0001', [2.58, 2.48, 2.68, 2.54, 2.63]);
    expect(result(need(told)).status).toBe('discard');
  });
  test('two fresh seeds behind are enough to give up', () => {
    const told = calibrated().admit('t0001').measure('t0001', 's1', 2.1);
    confirmAll(told, 't0000', [2.5, 2.5]);
    confirmAll(told, 't0001', [2.6, 2.6]);
    expect(result(need(told)).why).toBe('futile after 2 seeds');
  });
  test('a recipe without variance is not kept for a gain that the run could not tell from luck', () => {
    const told = calibrated().admit('t0001').measure('t0001', 's1', 2.4);
    confirmAll(told, 't0000', [2.5, 2.5, 2.5, 2.5, 2.5]);
    confirmAll(told, 't0001', [2.46, 2.46, 2.46, 2.46, 2.46]);
    expect(result(need(told)).status).toBe('discard');
  });
  test('an incumbent that has its confirm seeds is not measured again', () => {
    const told = calibrated().admit('t0001').measure('t0001', 's1', 2.1);
    confirmAll(told, 't0000', [2.6, 2.58, 2.62, 2.61, 2.59]);
    expect(wanted(need(told)).every((w) => w.startsWith('t0001'))).toBe(true);
  });
  test('where the objective says fresh, every contender has the incumbent measured anew beside it, and is judged by those alone', () => {
    const objective = { metric: 'seconds', unit: 's', direction: 'minimize', range: [0, 100], confirm: 'fresh' } as const;
    const told = calibrated({ objective }).admit('t0001').measure('t0001', 's1', 2.1);
    expect(wanted(need(told)).slice(0, 4)).toEqual(['t0001.c1', 't0000.c1-1', 't0001.c2', 't0000.c1-2']);
    [2.6, 2.58, 2.62, 2.61, 2.59].forEach((score, k) => { told.measure('t0000', `c1-${k + 1}`, score); });
    confirmAll(told, 't0001', [2.7, 2.7]);
    told.tell('trial.result', ['t0001'], result(need(told)));
    told.admit('t0002').measure('t0002', 's1', 2.1);
    expect(wanted(need(told, 't0002')).filter((w) => w.startsWith('t0000'))).toEqual([1, 2, 3, 4, 5].map((k) => `t0000.c2-${k}`));
    [3.6, 3.58, 3.62, 3.61, 3.59].forEach((score, k) => { told.measure('t0000', `c2-${k + 1}`, score); }); // the machine has become slower
    confirmAll(told, 't0002', [3.6, 3.58, 3.62, 3.61, 3.59]);
    expect(result(need(told, 't0002'))).toMatchObject({ status: 'discard', deltaVsBest: 0 });
  });
  test('where the objective says fresh, a contender that another was kept before is measured again, beside that one', () => {
    const objective = { metric: 'seconds', unit: 's', direction: 'minimize', range: [0, 100], confirm: 'fresh' } as const;
    const told = calibrated({ objective }).admit('t0001').measure('t0001', 's1', 2.1).admit('t0002').measure('t0002', 's1', 1.9);
    confirmAll(told, 't0001', [2.1, 2.12, 2.08, 2.11, 2.09]);
    confirmAll(told, 't0002', [2.1, 2.12, 2.08, 2.11, 2.09]);
    [2.6, 2.58, 2.62, 2.61, 2.59].forEach((score, k) => { told.measure('t0000', `c1-${k + 1}`, score).measure('t0000', `c2-${k + 1}`, score); });
    const kept = result(need(told, 't0001'));
    told.tell('run.best', ['1'], { trial: 't0001', score: 2.1, snapshot: 'b'.repeat(64), judgedAt: kept.judgedAt }).tell('trial.result', ['t0001'], kept);
    expect(wanted(need(told, 't0002'))).toEqual([1, 2, 3, 4, 5].flatMap((k) => [`t0002.c1-${k}`, `t0001.c2-${k}`]));
    [3.1, 3.12, 3.08, 3.11, 3.09].forEach((score, k) => { told.measure('t0001', `c2-${k + 1}`, score).measure('t0002', `c1-${k + 1}`, score); }); // the machine has become slower
    expect(result(need(told, 't0002'))).toMatchObject({ status: 'discard', judgedAgainst: 't0001', deltaVsBest: 0, score: kept.score === null ? null : kept.score + 1 });
  });
  test('under strict any improvement is kept at once', () => expect(result(need(calibrated({ keep: { kind: 'strict', alpha: 0.01, replicates: 5 } }).admit('t0001').measure('t0001', 's1', 2.499))).status).toBe('keep'));
  test('maximizing turns the comparison round', () => {
    const objective = { metric: 'acc', unit: '', direction: 'maximize', range: [0, 10] } as const;
    expect(result(need(calibrated({ objective }).admit('t0001').measure('t0001', 's1', 2.4))).status).toBe('discard');
    expect(wanted(need(calibrated({ objective }).admit('t0001').measure('t0001', 's1', 2.6)))).toHaveLength(10);
  });
  test('a failure is the status and keeps its evidence', () => {
    const ended = result(need(calibrated().admit('t0001').measure('t0001', 's1', 2.1, { kind: 'size_blocked', bytes: 109_104, cap: 80_000, projected: false })));
    expect([ended.status, ended.score, ended.failure]).toEqual(['size_blocked', 2.1, { kind: 'size_blocked', bytes: 109_104, cap: 80_000, projected: false }]);
  });
  test('a failed confirmation ends a contender, and of two failures the graver is the status', () => {
    const told = calibrated().admit('t0001').measure('t0001', 's1', 2.1);
    told.measure('t0001', 'c1', null, { kind: 'crash', phase: 'train', exception: 'x', frame: '' });
    told.measure('t0001', 'c2', null, { kind: 'tampered', what: 'x', where: 'y' });
    expect(result(need(told)).status).toBe('tampered');
  });
  test('three lapsed attempts lose the trial', () => {
    const told = calibrated().admit('t0001');
    for (const attempt of [1, 2, 3]) told.lease('t0001', 's1', attempt).tell('lease.lapsed', ['t0001', 's1', String(attempt)], { reason: 'silent' });
    expect(result(need(told)).status).toBe('lost');
  });
  test('our own fault is tried again twice and then said', () => {
    const told = calibrated().admit('t0001');
    const fault = { kind: 'harness_abort', reason: 'disk full' } as const;
    told.measure('t0001', 's1', null, fault).measure('t0001', 's1', null, fault);
    expect(wanted(need(told))).toEqual(['t0001.s1']);
    expect(result(need(told.measure('t0001', 's1', null, fault))).status).toBe('harness_abort');
  });
  test('a later best is compared by its confirmed mean, carried over to search text by the baseline', () => {
    const told = calibrated().admit('t0001').measure('t0001', 's1', 2.0);
    confirmAll(told, 't0000', [2.6, 2.58, 2.62, 2.61, 2.59]); // 0.1 above its search mean of 2.5
    confirmAll(told, 't0001', [2.1, 2.12, 2.08, 2.11, 2.09]); // 2.1 on confirm text: 2.0 on search text
    told.tell('run.best', ['1'], { trial: 't0001', score: 2.1, snapshot: 'b'.repeat(64), judgedAt: told.lineage.applied });
    told.admit('t0002', 't0001').admit('t0003', 't0001');
    expect(result(need(told.measure('t0002', 's1', 2.01), 't0002')).status).toBe('discard');
    expect(wanted(need(told.measure('t0003', 's1', 1.99), 't0003'))).toHaveLength(5);
  });
  test('a baseline that misses its gate is an unscored root, and the first to pass is the first keep', () => {
    const missed = { kind: 'disqualified', gate: 'accuracy', value: 0.95, limit: 0.96, deficit: 0.01 } as const;
    const told = story();
    for (const i of [1, 2, 3]) told.measure('t0000', `s${i}`, null, missed);
    told.tell('run.calibrated', [], { reusedFrom: null, device: 'cpu/test', evaluatorHash: 'a'.repeat(64), environmentHash: 'a'.repeat(64), mean: null, sd: 0, measurements: [...row(told, 't0000').replicates.values()].flatMap((r) => (r.measured ? [r.measured.measurement] : [])) });
    expect(result(need(told, 't0000'))).toMatchObject({ status: 'baseline', score: null, failure: missed });
    told.tell('run.best', ['0'], { trial: 't0000', score: null, snapshot: 'a'.repeat(64), judgedAt: 1 });
    told.admit('t0001').measure('t0001', 's1', 9);
    confirmAll(told, 't0001', [9, 9, 9, 9, 9]);
    expect(result(need(told))).toMatchObject({ status: 'keep', why: 'first to pass' });
  });
  test('a best whose result is still to come is judged by nobody else, neither while it is the newest nor after another was', () => {
    const root = story();
    [2.5, 2.52, 2.48].forEach((score, i) => { root.measure('t0000', `s${i + 1}`, score); });
    const decided = need(root, 't0000');
    root.tell('run.best', ['0'], { trial: 't0000', score: 2.5, snapshot: '0'.repeat(64), judgedAt: root.lineage.applied });
    expect([decided.kind, need(root, 't0000')]).toEqual(['end', { kind: 'measure', wanted: [] }]);
    const told = calibrated({ keep: { kind: 'strict', alpha: 0.01, replicates: 5 } }).admit('t0001').admit('t0002').measure('t0001', 's1', 2.1).measure('t0002', 's1', 2.2);
    for (const n of [1, 2]) told.tell('run.best', [String(n)], { trial: `t000${n}`, score: 2.1, snapshot: '0'.repeat(64), judgedAt: told.lineage.applied });
    expect(['t0001', 't0002'].map((trial) => need(told, trial))).toEqual([{ kind: 'measure', wanted: [] }, { kind: 'measure', wanted: [] }]);
  });
  test('the final claim measures best and baseline on final text, and nothing when the baseline is still the best', () => {
    const told = calibrated();
    expect(weighClaim(told.lineage)).toBeNull();
    told.admit('t0001').tell('run.best', ['1'], { trial: 't0001', score: 2.1, snapshot: 'b'.repeat(64), judgedAt: 1 });
    const asked = weighClaim(told.lineage);
    expect(asked?.kind === 'measure' && asked.wanted.map((w) => w.replicate)).toEqual(['f1', 'f1', 'f2', 'f2', 'f3', 'f3', 'f4', 'f4', 'f5', 'f5']);
    for (const i of [1, 2, 3, 4, 5]) told.measure('t0001', `f${i}`, 2 + i / 100).measure('t0000', `f${i}`, 2.5 + i / 100);
    const claim = weighClaim(told.lineage);
    expect(claim?.kind === 'claim' && claim.claim).toMatchObject({ best: 't0001', n: 5 });
    expect(claim?.kind === 'claim' && claim.claim.delta).toBeCloseTo(-0.5, 9);
  });
});

describe('the life of a trial', () => {
  const decided = need(calibrated().admit('t0001').measure('t0001', 's1', 2.6));
  const asks: Need = { kind: 'measure', wanted: [] };
  const machine = (said: 'said' | 'stale') => trialMachine.provide({ actors: { sayResult: fromPromise(async () => said) } });

  const paths = getShortestPaths(trialMachine, {
    input: { trial: 't0001' },
    events: [{ type: 'trial.weighed', need: asks, leased: 0 }, { type: 'trial.weighed', need: asks, leased: 1 }, { type: 'trial.weighed', need: decided, leased: 0 }, { type: 'trial.result' }],
    serializeState: (state) => JSON.stringify(state.value) as never,
  });
  test('the chart reaches as many states as we meant', () => expect(paths.map((path) => path.state.value).sort()).toEqual(['deciding', 'ended', 'measuring', 'queued']));
  test('a trial is decided only by being weighed', () => {
    for (const path of paths) if (path.state.value === 'deciding') expect(path.steps.at(-1)?.event).toMatchObject({ need: { kind: 'end' } });
  });
  test('a result that was said waits for its fact, and nothing else moves it', async () => {
    const actor = createActor(machine('said'), { input: { trial: 't0001' } }).start();
    actor.send({ type: 'trial.weighed', need: decided, leased: 0 });
    await waitFor(actor, (s) => s.value === 'said');
    actor.send({ type: 'trial.weighed', need: decided, leased: 0 });
    expect(actor.getSnapshot().value).toBe('said');
    actor.send({ type: 'trial.result' });
    expect(actor.getSnapshot().status).toBe('done');
  });
  test('a keep judged against a stale best is weighed again', async () => {
    const actor = createActor(machine('stale'), { input: { trial: 't0001' } }).start();
    actor.send({ type: 'trial.weighed', need: decided, leased: 0 });
    await waitFor(actor, (s) => s.value === 'queued');
  });
});
