import { describe, expect, test } from 'vitest';
import { abandon, afterPhase, afterSeal, conclude, nothingFound, type Findings, type PhaseSeen } from '../../src/actors/evaluator/decide.ts';
import { describeFailure } from '../../src/domain/evidence.ts';
import { judgeCanaries } from '../../src/actors/evaluator/canary.ts';
import { lastLine, readTraceback } from '../../src/actors/evaluator/traceback.ts';
import type { Failure, Measurement } from '../../src/domain/measurement.ts';
import type { EvaluatorSpec, PhaseSpec } from '../../src/domain/surface.ts';
import type { PhaseEnd } from '../../src/ports.ts';
import type { Scored } from '../../src/protocols/scored.ts';
import { MeasurementSchema } from '../../src/protocols/measurement.ts';

const phase = (role: PhaseSpec['role']): PhaseSpec => ({
  name: role, role, command: ['python'], scorer: role === 'eval' ? ['python'] : null, auditor: null, clock: 'wall', budgetSeconds: 10, toleranceSeconds: 0.5, wallSeconds: 60, milestones: [], data: [],
});
const spec: EvaluatorSpec = {
  name: 'mine', objective: { metric: 'loss', unit: 'x', direction: 'minimize', range: [0, 16] }, scoreSource: 'evaluator', seeds: 1, scoreSeconds: null, python: null, mounts: {}, folders: [], phases: [phase('smoke'), phase('train'), phase('eval')],
  artifact: { file: 'artifact.bin', capBytes: 1000 }, gates: [{ name: 'accuracy', limit: 0.96, at: 'least' }],
  limits: { memoryBytes: 1, processes: 1, openFiles: 1, scratchBytes: 10_000, logBytes: 1 }, canaries: [], columns: [], hash: 'e'.repeat(64),
};
const provenance = { seed: 1, scoreSource: 'evaluator', device: 'cpu/x', evaluatorHash: spec.hash, environmentHash: 'f'.repeat(64), sandbox: 'bubblewrap', log: null } as const;
const exited = (code = 0, logTail = ''): PhaseEnd => ({ kind: 'exited', code, seconds: 2, wallSeconds: 3, scored: null, logTail });
const good: Scored = { kind: 'scored', score: 2.5, metrics: { accuracy: 0.97 }, gates: [] };
const seen = (end: PhaseEnd, more: Partial<PhaseSeen> = {}): PhaseSeen => ({ end, scored: null, unreadable: null, changed: null, sealed: null, recipeBytes: 100, ...more });
const sealed = (bytes: number) => ({ kind: 'sealed', path: '/x', file: 'artifact.bin', bytes, sha256: 'a'.repeat(64) }) as const;
const failureOf = (found: Findings): Failure | null => conclude(found, provenance).failure;
const ended = (role: PhaseSpec['role'], end: PhaseEnd, more: Partial<PhaseSeen> = {}): Failure | null => failureOf(afterPhase(nothingFound, spec, phase(role), seen(end, more)));

const TRACE = 'starting\nTraceback (most recent call last):\n  File "/eval/harness.py", line 9, in main\n    run()\n  File "/recipe/model.py", line 4, in forward\n    return x @ y\n  File "/usr/lib/torch.py", line 1, in matmul\nRuntimeError: shapes do not fit\n';
const lines = { seconds: 2, wallSeconds: 3, scored: null, logTail: TRACE };

describe('how a phase that did not end well is called', () => {
  const cases: readonly (readonly [string, Failure | null, Partial<Failure> | null])[] = [
    ['a smoke run that raises is a preflight crash', ended('smoke', exited(1, TRACE)), { kind: 'preflight_crash', exception: 'RuntimeError: shapes do not fit', frame: 'model.py:4 in forward' }],
    ['a smoke run that does not end is a preflight crash', ended('smoke', { ...lines, kind: 'over-budget', by: 'clock' }), { kind: 'preflight_crash', exception: 'the smoke run was not done after 10 s' }],
    ['training that raises is a crash', ended('train', exited(1, TRACE)), { kind: 'crash', phase: 'train' }],
    ['training past its budget is an overrun by its own clock', ended('train', { ...lines, kind: 'over-budget', by: 'clock' }), { kind: 'train_budget_overrun', seconds: 2, budget: 10, censored: true }],
    ['training that sleeps is an overrun by the wall', ended('train', { ...lines, kind: 'over-budget', by: 'wall' }), { kind: 'train_budget_overrun', seconds: 3, budget: 60, censored: true }],
    ['scoring past its budget is an overrun of its own', ended('eval', { ...lines, kind: 'over-budget', by: 'clock' }), { kind: 'eval_budget_overrun' }],
    ['memory over the limit is a crash that says so', ended('train', { ...lines, logTail: '', kind: 'signalled', signal: 'SIGKILL', outOfMemory: true }), { kind: 'crash', exception: 'out of memory' }],
    ['a warden that heard nothing is our fault', ended('train', { ...lines, kind: 'killed', why: 'silence' }), { kind: 'harness_abort' }],
    ['a sandbox that did not start is our fault', ended('train', { ...lines, kind: 'not-started', reason: 'no space left on device' }), { kind: 'harness_abort', reason: 'the sandbox did not start: no space left on device' }],
    ['a scorer that broke is our fault', ended('eval', { ...lines, kind: 'scorer-failed', message: 'ended with exit code 1' }), { kind: 'harness_abort' }],
    ['a scorer that cannot be read is our fault', ended('eval', exited(), { unreadable: 'score: must be finite' }), { kind: 'harness_abort' }],
    ['a predictor that left before it was scored crashed', ended('eval', exited()), { kind: 'crash', exception: 'the predictor ended before it was scored' }],
    ['a predictor that hung up crashed, and of what it says only the kind and the line pass', ended('eval', exited(1, TRACE), { scored: { kind: 'hung-up', who: 'predictor' } }), { kind: 'crash', exception: 'RuntimeError', frame: 'line 4' }],
    ['a predictor that names its exception after the text it is scored on tells it to nobody', ended('eval', exited(1, TRACE.replace('RuntimeError: shapes do not fit', 'MyFellowAmericansError').replace('model.py', 'my_fellow_americans.py')), {}), { kind: 'crash', exception: 'exit code 1', frame: 'line 4' }],
    ['a predictor that prints the text it is scored on tells it to nobody', ended('eval', exited(1, TRACE.replace('RuntimeError: shapes do not fit', 'My fellow Americans')), {}), { kind: 'crash', exception: 'exit code 1' }],
    ['forged bytes outrank the crash that followed them', ended('eval', exited(1, TRACE), { scored: { kind: 'tampered', what: 'bytes that answer nothing', where: 'descriptor 3' } }), { kind: 'tampered' }],
    ['a changed protected file outranks everything', ended('train', exited(1, TRACE), { changed: '/recipe/recipe.py' }), { kind: 'tampered', where: '/recipe/recipe.py' }],
    ['a gate that was missed says by how much', ended('eval', exited(), { scored: { ...good, metrics: { accuracy: 0.95956 } } }), { kind: 'disqualified', gate: 'accuracy', value: 0.95956, limit: 0.96, deficit: 0.96 - 0.95956 }],
    ['a metric that a gate needs and nobody gave is unknown, never zero', ended('eval', exited(), { scored: { ...good, metrics: {} } }), { kind: 'harness_abort' }],
    ['a score out of range is no score', ended('eval', exited(), { scored: { ...good, score: -1 } }), { kind: 'disqualified', gate: 'range' }],
    ['a good score has no failure', ended('eval', exited(), { scored: good }), null],
  ];
  test.each(cases)('%s', (_, failure, expected) => {
    if (expected === null) expect(failure).toBeNull(); else expect(failure).toMatchObject(expected);
  });
});

describe('a replicate of several seeds', () => {
  const three: EvaluatorSpec = { ...spec, seeds: 3, objective: { ...spec.objective, metric: 'seconds' }, scoreSeconds: ['train', 'eval'] };
  const ran = (role: PhaseSpec['role'], found: Findings, seconds: number, scored: Scored | null = null): Findings => afterPhase(found, three, phase(role), seen({ ...exited(), seconds, wallSeconds: seconds + 1 }, { scored }));
  const seedOf = (found: Findings, train: number, accuracy: number, score: number | null = null): Findings =>
    ran('eval', afterSeal(ran('train', found, train), three, phase('train'), sealed(train * 10), 0), 0.5, { kind: 'scored', score, metrics: { accuracy }, gates: [] });
  const seeds = (...accuracies: readonly number[]): Findings => accuracies.reduce((found, accuracy, k) => seedOf(found, 10 + k, accuracy, 7), ran('smoke', nothingFound, 4));
  test('is over with its last seed and not before', () => { expect([seeds(0.97), seeds(0.97, 0.97), seeds(0.97, 0.97, 0.97)].map(({ isOver }) => isOver)).toEqual([false, false, true]); });
  test('scores the mean of the evaluator\'s own seconds, whatever the scorer says, and tells the sum of each phase', () => {
    const measurement = conclude(seeds(0.97, 0.98, 0.96), provenance);
    expect(measurement).toMatchObject({ failure: null, score: 11.5, artifactBytes: 120, metrics: { accuracy: expect.closeTo(0.97, 9) } });
    expect(measurement.phases.map(({ name, seconds, wallSeconds }) => [name, seconds, wallSeconds])).toEqual([['smoke', 4, 5], ['train', 33, 36], ['eval', 1.5, 4.5]]);
    expect(MeasurementSchema.parse(measurement)).toEqual(measurement);
  });
  test('judges a gate on the mean of its seeds, with its standard error', () => {
    expect(conclude(seeds(0.95, 0.97, 0.97), provenance)).toMatchObject({ failure: null, gates: [{ name: 'accuracy', passed: true, standardError: expect.closeTo(0.02 / 3, 6) }] });
    const missed = conclude(seeds(0.95, 0.96, 0.96), provenance);
    expect(missed).toMatchObject({ score: 11.5, failure: { kind: 'disqualified', gate: 'accuracy', deficit: expect.closeTo(0.01 / 3, 6), standardErrors: expect.closeTo(1, 6) } });
    expect(MeasurementSchema.parse(missed)).toEqual(missed);
    expect(describeFailure(missed.failure as Failure)).toBe('accuracy 0.95667, limit 0.96000, short by 0.00333 (1.0 standard errors)');
  });
  test('tells of a gate that the scorer judges for every seed the one that was nearest to its limit', () => {
    const judged = [0.1, 0.3, 0.2].reduce((found, value, k) => ran('eval', afterSeal(ran('train', found, 1), three, phase('train'), sealed(10), 0), 1, { ...good, score: null, gates: [{ name: 'audit', value, limit: 0.5, passed: true }, { name: 'flips', value: k, limit: 9, passed: true }] }), nothingFound);
    expect(conclude(judged, provenance).gates.map(({ name, value }) => [name, value])).toEqual([['audit', 0.3], ['flips', 2], ['accuracy', expect.closeTo(0.97, 9)]]);
  });
  test('ends at the first seed that crashes, is over its budget or misses a gate of the scorer\'s, without a score', () => {
    const two = seeds(0.97);
    for (const last of [afterPhase(two, three, phase('train'), seen(exited(1, TRACE))), afterPhase(two, three, phase('train'), seen({ ...lines, kind: 'over-budget', by: 'clock' })),
      ran('eval', two, 1, { kind: 'scored', score: null, metrics: {}, gates: [{ name: 'audit', value: 1, limit: 0, passed: false }] })]) expect([last.isOver, conclude(last, provenance).score, conclude(last, provenance).failure === null]).toEqual([true, null, false]);
  });
  test('over the cap with one seed is scored on all of them', () => {
    const heavy = afterSeal(ran('train', seeds(0.97, 0.97), 12), three, phase('train'), sealed(1001), 0);
    expect(heavy.isOver).toBe(false);
    expect(conclude(ran('eval', heavy, 0.5, { ...good, score: null }), provenance)).toMatchObject({ failure: { kind: 'size_blocked', bytes: 1001 }, score: 11.5 });
  });
});

describe('the size of an artifact', () => {
  const weigh = (bytes: number) => afterSeal(nothingFound, spec, phase('train'), sealed(bytes), 100);
  test('counts the recipe\'s code with it', () => { expect(weigh(900).artifactBytes).toBe(1000); });
  test('at its cap is allowed', () => { expect(weigh(900).failures).toEqual([]); });
  test('one byte over is blocked, and scored all the same', () => {
    const found = weigh(901);
    expect(found.isOver).toBe(false);
    const measurement = conclude(afterPhase(found, spec, phase('eval'), seen(exited(), { scored: good })), provenance);
    expect(measurement).toMatchObject({ failure: { kind: 'size_blocked', bytes: 1001, cap: 1000, projected: false }, score: 2.5, artifactBytes: 1001 });
  });
  test('projected a little over is given its chance, clearly over is not', () => {
    const project = (bytes: number) => afterPhase(nothingFound, spec, phase('smoke'), seen(exited(), { sealed: sealed(bytes) }));
    expect(project(1000).failures).toEqual([]);
    expect(project(1100)).toMatchObject({ isOver: true, failures: [{ kind: 'size_blocked', projected: true }] });
  });
  test('that is a link is tampering', () => {
    expect(failureOf(afterSeal(nothingFound, spec, phase('train'), { kind: 'forged', what: 'artifact.bin is a symbolic link' }, 100))).toMatchObject({ kind: 'tampered', where: 'artifact.bin' });
  });
});

test('our own fault outranks whatever else was found', () => {
  const found = abandon(afterPhase(nothingFound, spec, phase('train'), seen(exited(1, TRACE))), 'no space left on device');
  expect(failureOf(found)).toEqual({ kind: 'harness_abort', reason: 'no space left on device' });
});

test('a replicate that ended with neither score nor failure is our fault', () => {
  expect(failureOf(nothingFound)).toMatchObject({ kind: 'harness_abort' });
});

test('whatever a recipe writes into its log, the measurement fits the wire', () => {
  const nasty = `Traceback (most recent call last):\n  File "/recipe/\u001b[31mx.py", line 1, in \u0007f${'y'.repeat(5000)}\n\u001b]0;title\u0007Error: ${'z'.repeat(9000)}\u0000\n`;
  const measurement = conclude(afterPhase(nothingFound, spec, phase('train'), seen(exited(1, nasty))), provenance);
  expect(MeasurementSchema.safeParse(measurement).error).toBeUndefined();
});

describe('a traceback', () => {
  test('is the last one of the log', () => { expect(readTraceback(`${TRACE}\n${TRACE.replace('shapes do not fit', 'second')}`)?.exception).toBe('RuntimeError: second'); });
  test('without a frame of the recipe has an empty one', () => { expect(readTraceback('Traceback (most recent call last):\n  File "/eval/harness.py", line 9, in main\nKeyError: 1\n')).toEqual({ exception: 'KeyError: 1', frame: '' }); });
  test('that is not there is null, and the last line stands in', () => { expect([readTraceback('Segmentation fault\n'), lastLine('a\nSegmentation fault\n')]).toEqual([null, 'Segmentation fault']); });
});

describe('canaries', () => {
  const measured = (score: number | null, failure: Failure | null = null): Measurement => ({ ...conclude({ ...nothingFound, score }, provenance), failure });
  const of = (expect_: 'scores' | 'gains nothing' | 'tampered', measurement: Measurement) => ({ canary: { name: expect_.replace(' ', '-'), expect: expect_ }, measurement });
  test('that gain nothing may be a little lucky', () => {
    expect(judgeCanaries(spec, [of('scores', measured(3)), of('gains nothing', measured(2.9))]).map(({ ended: how }) => how)).toEqual(['scores', 'gains nothing']);
  });
  test('that should gain nothing and halve the score refuse the evaluator', () => {
    expect(() => judgeCanaries(spec, [of('scores', measured(3)), of('gains nothing', measured(1.5))])).toThrow(/the canary `gains-nothing` gained 1\.500/);
  });
  test('that had no time to end as they should are no deceit: the remedy is time', () => {
    const late = measured(null, { kind: 'train_budget_overrun', phase: 'train', seconds: 1.01, budget: 20, censored: true });
    expect(() => judgeCanaries(spec, [of('tampered', late)])).toThrow(/^(?!.*deceived).*it had 1 s to train in\. Where starting up takes longer, give it more in evaluators\/.*\/evaluator\.yaml: \{name: tampered, expect: tampered, train: 20\}$/);
  });
  test('that forge and score refuse the evaluator in the words of the manual', () => {
    expect(() => judgeCanaries(spec, [of('scores', measured(3)), of('tampered', measured(0.5))])).toThrow(/^calibration refused: the canary `tampered` scored 0\.50, .* can be deceived: docs\/evaluators\.md says what a canary is for\.$/);
  });
});
