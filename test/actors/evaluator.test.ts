import { spawnSync } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { verifySignature } from '../../src/adapters/signature/index.ts';
import { loadEvaluator } from '../../src/adapters/surfaces/index.ts';
import type { Failure } from '../../src/domain/measurement.ts';
import { ActorState, Progress } from '../../src/protocols/actor.ts';
import { edit, lostBy, rig, root } from './evaluator-rig.ts';

// One node, through its real sandbox, on the surface that is measured in milliseconds.

test('a node that its canaries trust enrols, and what it measures is signed with the key it enrolled with', async () => {
  await using node = await rig('tiny', { canaries: 'declared' });
  await node.start({ boot: 'b1' });
  const enrolled = await node.fact((fact) => fact.word === 'node.enrolled');
  expect(enrolled.word === 'node.enrolled' && enrolled.body.canaries.map(({ name, ended }) => `${name} ${ended}`)).toEqual(['good scores', 'forger tampered', 'crasher crash']);
  await node.lease('t0000', node.baseline);
  const measured = await node.fact((fact) => fact.word === 'trial.measured');
  if (measured.word !== 'trial.measured' || enrolled.word !== 'node.enrolled') throw new Error('not what was asked for');
  const signed = { run: 'run', trial: 't0000', replicate: 's1', attempt: 1, node: 'atlas', measurement: measured.body.measurement };
  expect(verifySignature(enrolled.body.publicKey, signed, measured.body.signature)).toBe(true);
  expect(verifySignature(enrolled.body.publicKey, { ...signed, attempt: 2 }, measured.body.signature)).toBe(false);
  expect(verifySignature(enrolled.body.publicKey, { ...signed, measurement: { ...signed.measurement, score: 0 } }, measured.body.signature)).toBe(false);
  expect(measured.body.measurement).toMatchObject({ failure: null, scoreSource: 'evaluator', gates: [{ name: 'worst_error', passed: true }] });
  expect(measured.body.measurement.phases.map(({ name }) => name)).toEqual(['smoke', 'train', 'eval']);
});

test('canaries that passed are not run again while everything they depend on is the same', async () => {
  await using node = await rig('tiny', { canaries: 'declared' });
  await (await node.start({ boot: 'b1' }))[Symbol.asyncDispose]();
  await node.start({ boot: 'b2' });
  expect(node.ports.presence.logged.filter(({ message }) => message === 'canaries passed')).toHaveLength(1);
  expect((await node.facts()).filter(({ word }) => word === 'node.enrolled')).toHaveLength(2);
});

test('an evaluator whose canary ends otherwise than it should enrols nothing and says which and how', async () => {
  await using node = await rig('tiny', { canaries: [{ name: 'good', expect: 'tampered' }] });
  await expect(node.start()).rejects.toThrow(/^calibration refused: the canary `good` scored 0\.\d\d, and it should have ended as `tampered`\. The evaluator in evaluators\/tiny can be deceived: docs\/evaluators\.md/);
  expect(await node.facts()).toEqual([]);
});

describe('every way a recipe can fail', () => {
  const endings: readonly (readonly [string, readonly (readonly [string, string, string])[], (failure: Failure) => void, boolean])[] = [
    ['an exception in the smoke run is a preflight crash with its frame', [['model.py', 'DEGREE = 3', 'DEGREE = 0']],
      (failure) => expect(failure).toEqual({ kind: 'preflight_crash', phase: 'smoke', exception: 'ValueError: DEGREE must be at least 1, not 0', frame: 'model.py:10 in features' }), false],
    ['an exception in training is a crash with its frame', [['optimizer.py', 'RATE = 0.02', 'RATE = 10.0']],
      (failure) => expect(failure).toMatchObject({ kind: 'crash', phase: 'train', exception: 'OverflowError: the weights have diverged', frame: 'kernel.py:13 in pack' }), false],
    ['an artifact clearly over its cap is refused by projection, before training', [['kernel.py', 'PADDING = 0', 'PADDING = 20000']],
      (failure) => expect(failure).toMatchObject({ kind: 'size_blocked', cap: 6000, projected: true }), false],
    ['an artifact that grew past its cap keeps the score it would have had', [['kernel.py', 'KEEP_LOSSES = False', 'KEEP_LOSSES = True'], ['optimizer.py', 'STEPS = 40', 'STEPS = 400']],
      (failure) => expect(failure).toMatchObject({ kind: 'size_blocked', cap: 6000, projected: false }), true],
    ['training that does not end is killed and its time is censored', [['optimizer.py', 'STEPS = 40', 'STEPS = 100000000']],
      (failure) => expect(failure).toMatchObject({ kind: 'train_budget_overrun', phase: 'train', budget: 1.5, censored: true }), false],
    ['a gate that was missed says by how much', [['optimizer.py', 'RATE = 0.02', 'RATE = 0.0'], ['optimizer.py', 'INITIAL_SPREAD = 0.1', 'INITIAL_SPREAD = 3.0']],
      (failure) => expect(failure).toMatchObject({ kind: 'disqualified', gate: 'worst_error', limit: 2.5 }), true],
    ['a process that kills itself is a crash that names the signal', [['recipe.py', 'return pack(weights, losses)', 'import os; os.kill(os.getpid(), 9) if most_steps > 2 else None; return pack(weights, losses)']],
      (failure) => expect(failure).toMatchObject({ kind: 'crash', phase: 'train', exception: 'killed by SIGKILL' }), false],
    ['training that leaves no artifact is a crash', [['recipe.py', 'return pack(weights, losses)', 'import os; os._exit(0) if most_steps > 2 else None; return pack(weights, losses)']],
      (failure) => expect(failure).toMatchObject({ kind: 'crash', phase: 'train' }), false],
  ];
  test.concurrent.each(endings)('%s', async (_, edits, holds, isScored) => {
    await using node = await rig('tiny');
    await node.start();
    await node.lease('t0001', edits.reduce((recipe, [file, from, to]) => edit(recipe, file, from, to), node.baseline));
    const measurement = await node.measured('t0001');
    expect(measurement.failure).not.toBeNull();
    if (measurement.failure !== null) holds(measurement.failure);
    expect(measurement.score !== null).toBe(isScored);
  });
});

test('a scorer is told what the evaluator\'s own clock read of the earlier phases', async () => {
  const told = 'import json, sys; told = json.load(sys.stdin)["phases"]; print(json.dumps({"kind": "scored", "score": 0, "gates": [], "metrics": {"worst_error": 0, **{p["name"] + "_" + p["role"]: p["seconds"] for p in told}, **{p["name"] + "_wall": p["wallSeconds"] for p in told}}}))';
  const { phases } = await loadEvaluator(root, 'tiny', { dataDir: root });
  await using node = await rig('tiny', { spec: { phases: phases.map((phase) => (phase.scorer === null ? phase : { ...phase, scorer: ['python', '-I', '-S', '-c', told] })) } });
  await node.start();
  await node.lease('t0001', node.baseline);
  const { metrics, phases: read } = await node.measured('t0001');
  const [smoke, train] = read;
  expect(metrics).toEqual({ worst_error: 0, smoke_smoke: smoke?.seconds, train_train: train?.seconds, smoke_wall: smoke?.wallSeconds, train_wall: train?.wallSeconds });
});

test('a replicate of several seeds trains each with a seed and a folder of its own, and scores the clock\'s seconds', async () => {
  await using node = await rig('tiny', { spec: { seeds: 3, scoreSeconds: ['train', 'eval'] } });
  await node.start();
  const shows = 'import os; print("seed", seed, os.listdir(os.environ["BRIGADE_WORK"])); return pack(weights, losses)';
  await node.lease('t0001', edit(node.baseline, 'recipe.py', 'return pack(weights, losses)', shows));
  const { score, phases, seed, log, failure } = await node.measured('t0001');
  expect(failure).toBeNull();
  const seconds = Object.fromEntries(phases.map((phase) => [phase.name, phase.seconds]));
  expect(score).toBeCloseTo(((seconds['train'] ?? 0) + (seconds['eval'] ?? 0)) / 3, 9);
  const told = new TextDecoder().decode(await node.ports.blobs.get(log ?? '') ?? undefined).split('\n').filter((line) => /^(==|seed)/.test(line));
  expect(told).toEqual(['== smoke', `seed ${seed} []`, '== train', `seed ${seed} []`, '== train-2', `seed ${(seed + 1) % 2 ** 31} []`, '== train-3', `seed ${(seed + 2) % 2 ** 31} []`]);
});

test('a smoke run is made once for a recipe, not once for a replicate', async () => {
  await using node = await rig('tiny');
  await node.start();
  for (const replicate of ['s1', 's2']) await node.lease('t0001', node.baseline, { replicate });
  expect((await node.measured('t0001', 's1')).phases.map(({ name }) => name)).toEqual(['smoke', 'train', 'eval']);
  expect((await node.measured('t0001', 's2')).phases.map(({ name }) => name)).toEqual(['train', 'eval']);
});

test('two replicates of one recipe get seeds of their own', async () => {
  await using node = await rig('tiny');
  await node.start({ slots: 2 });
  await node.lease('t0001', node.baseline, { replicate: 's1' });
  await node.lease('t0001', node.baseline, { replicate: 's2', slots: ['cpu1'] });
  expect((await node.measured('t0001', 's1')).seed).not.toBe((await node.measured('t0001', 's2')).seed);
});

test('a measurement that no journal would take frees its slot and is told, and one that finds the journal away is said when it is back', async () => {
  await using node = await rig('tiny');
  const record = node.ports.journal.record.bind(node.ports.journal);
  let away = 2;
  node.ports.journal.record = (async (...said: Parameters<typeof record>) => {
    if (said[0] === 'trial.measured' && said[1][0] === 't0001') throw new TypeError('a fact may have fewer bytes');
    if (said[0] === 'trial.measured' && away-- > 0) throw new Error('the journal is away');
    return record(...said);
  }) as typeof record;
  await node.start();
  await node.lease('t0001', node.baseline);
  await node.lease('t0002', node.baseline);
  expect((await node.measured('t0002')).failure).toBeNull();
  expect(lostBy(node)).toMatchObject([{ trial: 't0001', reason: 'TypeError: a fact may have fewer bytes' }]);
  expect(node.ports.presence.logged.filter(({ message }) => message.includes('could not be recorded'))).toMatchObject([{ fields: { trial: 't0002', error: 'Error: the journal is away' } }]);
});

test('a node with a slot that cannot be cleared says so and goes on with the others; when none is left it fails, so that it is started again', async () => {
  await using node = await rig('tiny');
  const stage = node.workbench.stage.bind(node.workbench);
  let stuck = true;
  let stuckOn = 'cpu0';
  node.workbench.stage = async (slot, recipe) => {
    const bench = await stage(slot, recipe);
    const dispose = bench[Symbol.asyncDispose].bind(bench);
    return slot !== stuckOn ? bench : { ...bench, [Symbol.asyncDispose]: async () => { if (stuck) throw new Error('device busy'); await dispose(); } };
  };
  const evaluator = await node.start({ slots: 2 });
  await node.lease('t0002', edit(node.baseline, 'optimizer.py', 'STEPS = 40', 'STEPS = 4000'), { slots: ['cpu1'] });
  await node.lease('t0001', node.baseline);
  const again = await node.fact((fact) => fact.word === 'node.enrolled' && fact.body.drained !== undefined);
  expect(again.body).toMatchObject({ publicKey: node.signer.publicKey, slots: [{ slot: 'cpu1' }], drained: [{ slot: 'cpu0', why: 'device busy' }] });
  expect((await node.measured('t0002')).failure).toBeNull();
  stuckOn = 'cpu1';
  await node.lease('t0003', node.baseline, { slots: ['cpu1'] });
  await expect(evaluator.done).rejects.toThrow(/cpu0 could not be cleared \(device busy\), cpu1 could not be cleared .*a new start clears it/);
  expect((await node.facts()).flatMap((fact) => (fact.word === 'trial.measured' ? [fact.ids[0]] : [])).sort()).toEqual(['t0001', 't0002', 't0003']);
  stuck = false;
});

test('a second evaluator of one name is refused before it enrols, and may come when the first has gone', async () => {
  await using node = await rig('tiny');
  const first = await node.start({ boot: 'b1' });
  await expect(node.start({ boot: 'b2' })).rejects.toThrow(/run has a node atlas already .*another --node/);
  expect((await node.facts()).filter(({ word }) => word === 'node.enrolled')).toHaveLength(1);
  await first[Symbol.asyncDispose]();
  await node.start({ boot: 'b3' });
  expect((await node.facts()).filter(({ word }) => word === 'node.enrolled')).toHaveLength(2);
});

test('a start of a node removes what dead starts of it left and nothing of a living one', async () => {
  await using node = await rig('tiny');
  const ours = dirname(node.workbench.evaluator);
  const { pid } = spawnSync('true');
  await mkdir(join(dirname(ours), `${pid}-dead`, 'evaluator'), { recursive: true });
  const next = await node.openWorkbench();
  expect((await readdir(dirname(ours))).sort()).toEqual([basename(ours), basename(dirname(next.evaluator))].sort());
  expect(await readdir(node.workbench.evaluator)).toEqual(await readdir(next.evaluator));
});

test('a draining node finishes what it holds and takes nothing more', async () => {
  await using node = await rig('tiny');
  const ending = new AbortController();
  const evaluator = await node.start({ signal: ending.signal });
  const training = new Promise<void>((resolve) => { node.ports.bus.listen(Progress, {}, ({ phase }) => { if (phase === 'train') resolve(); }); });
  await node.lease('t0001', node.baseline);
  await training;
  ending.abort(new Error('enough'));
  await node.lease('t0002', node.baseline);
  await evaluator.done;
  const measured = (await node.facts()).filter((fact) => fact.word === 'trial.measured');
  expect(measured.map(({ ids }) => ids[0])).toEqual(['t0001']);
});

test('a node that is stopped at once leaves its lease unmeasured', async () => {
  await using node = await rig('tiny');
  const evaluator = await node.start();
  const training = new Promise<void>((resolve) => { node.ports.bus.listen(Progress, {}, ({ phase }) => { if (phase === 'train') resolve(); }); });
  await node.lease('t0001', edit(node.baseline, 'optimizer.py', 'STEPS = 40', 'STEPS = 100000000'));
  await training;
  await evaluator[Symbol.asyncDispose]();
  expect((await node.facts()).some(({ word }) => word === 'trial.measured')).toBe(false);
});

test('a snapshot that is not in the store is our fault, not the recipe\'s', async () => {
  await using node = await rig('tiny');
  await node.start();
  await node.lease('t0001', node.baseline, { snapshot: 'b'.repeat(64) });
  expect((await node.measured('t0001')).failure).toMatchObject({ kind: 'harness_abort' });
});

test('what a recipe prints is kept as a blob and named by the measurement', async () => {
  await using node = await rig('tiny');
  await node.start();
  await node.lease('t0001', edit(node.baseline, 'recipe.py', 'return pack(weights, losses)', 'print("error: 0.0001"); return pack(weights, losses)'));
  const { log, score } = await node.measured('t0001');
  expect(new TextDecoder().decode(await node.ports.blobs.get(log ?? '') ?? undefined)).toContain('== train\nerror: 0.0001');
  expect(score).toBeGreaterThan(0.01);
});

test('one can ask a node what its slots do', async () => {
  await using node = await rig('tiny');
  await node.start();
  expect(await node.ports.bus.ask(ActorState, { actor: 'evaluator' }, {}, { timeoutMs: 10_000 }))
    .toMatchObject({ actor: 'evaluator', name: 'atlas', state: 'serving', why: '1 of 1 slots wait for a lease', context: { cpu0: 'idle' } });
});
