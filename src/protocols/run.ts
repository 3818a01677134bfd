import { z } from 'zod';
import type { Limits } from '../domain/budget.ts';
import type { BrokerTook, Calibrated, NodeEnrolled, OperatorAct, RunBest, RunClaimed, RunResumed as Resumed, RunStarted } from '../domain/fact.ts';
import { MeasurementSchema } from './measurement.ts';
import { command, count, fact, finite, line, seconds, sha256, token } from './message.ts';

export const LimitsSchema = z.strictObject({
  trials: count.nullable(), slotSeconds: seconds.nullable(), wallSeconds: seconds.nullable(),
  tokens: count.nullable(), money: finite.min(0).nullable(), secondsWithoutKeep: seconds.nullable(),
}) satisfies z.ZodType<Limits>;

/** What the run was started with. */
export const RunStartedFact = fact(':run.run.started', 'supervisor', z.strictObject({
  surface: token, surfaceHash: sha256, evaluator: token, evaluatorHash: sha256,
  objective: z.strictObject({ metric: token, unit: line(32), direction: z.enum(['minimize', 'maximize']), range: z.tuple([finite, finite]), confirm: z.literal('fresh').optional() }),
  snapshot: sha256, roster: z.array(token).min(1).max(64), rosterName: token.optional(),
  arm: z.strictObject({ kind: z.enum(['specialists', 'generic', 'single']), agents: z.int().min(1).max(64), ownership: z.enum(['enforced', 'advisory']), lineage: z.boolean() }),
  proposer: z.enum(['search', 'random', 'tpe', 'llm', 'replay']), seed: count, compose: z.enum(['greedy', 'ablate']).optional(), replays: token.optional(),
  keep: z.strictObject({ kind: z.enum(['confirmed', 'strict']), alpha: finite.gt(0).lt(0.5), replicates: z.int().min(2).max(50) }),
  limits: LimitsSchema, calibrationReplicates: z.int().min(1).max(50), slotsPerReplicate: z.int().min(1).max(64),
  slotKind: z.enum(['cpu', 'gpu']).optional(), slotMemoryBytes: count.optional(), wholeNode: z.boolean().optional(), priority: finite.gt(0).max(1000).optional(),
  leaseTtlMs: z.int().min(100).max(600_000), brigade: line(40),
}) satisfies z.ZodType<RunStarted>);

/** The baseline was measured, or an equal calibration was taken over; no trial is leased before this. */
export const RunCalibrated = fact(':run.run.calibrated', 'broker', z.strictObject({
  reusedFrom: token.nullable(), device: line(120), evaluatorHash: sha256, environmentHash: sha256,
  mean: finite.nullable(), sd: finite.min(0), measurements: z.array(MeasurementSchema).min(1).max(50),
}) satisfies z.ZodType<Calibrated>);

/** The n-th best. Written before the keep it belongs to: of two judges with one stale best, the second judges again. */
export const RunBestFact = fact(':run.run.best.:n', 'broker', z.strictObject({ trial: token, score: finite.nullable(), snapshot: sha256, judgedAt: count }) satisfies z.ZodType<RunBest>);

/** The headline, measured once at the end on data and seeds nothing else has used. */
export const RunClaimedFact = fact(':run.run.claimed.:n', 'broker', z.strictObject({
  best: token, bestMean: finite, baselineMean: finite, delta: finite, interval: z.tuple([finite, finite]), p: finite.min(0).max(1), n: count,
}) satisfies z.ZodType<RunClaimed>);

/** A broker took the n-th term: it decides until somebody takes the next. Only who was first to say it has it. */
export const BrokerTookFact = fact(':run.broker.took.:n', 'broker', z.strictObject({ name: token, boot: token }) satisfies z.ZodType<BrokerTook>);

/** No further proposal is taken; what is leased is finished. */
export const RunStopping = fact(':run.run.stopping.:n', 'broker', z.strictObject({ reason: line(400), mode: z.enum(['complete', 'finish', 'now']) }));

/** Nothing is leased any more and nothing will be. */
export const RunStopped = fact(':run.run.stopped.:n', 'broker', z.strictObject({ reason: line(400), wallSeconds: seconds }));

/** A run that stopped or died goes on, under these limits, and where it was given others with these models. */
export const RunResumed = fact(':run.run.resumed.:n', 'supervisor', z.strictObject({ limits: LimitsSchema, models: line(400).optional() }) satisfies z.ZodType<Resumed>);

/** A node's evaluator passed its canaries and offers its slots; `boot` is new at every start of its daemon. */
export const NodeEnrolledFact = fact(':run.node.enrolled.:node.:boot', 'evaluator', z.strictObject({
  publicKey: z.string().max(64),
  slots: z.array(z.strictObject({ slot: token, kind: z.enum(['cpu', 'gpu']), memoryBytes: count, index: count.optional(), model: line(120).optional(), driver: line(60).optional() })).min(1).max(1024),
  device: line(120), evaluatorHash: sha256, environmentHash: sha256, sandbox: z.enum(['bubblewrap', 'namespaces', 'none']),
  canaries: z.array(z.strictObject({ name: line(64), expect: line(40), ended: line(40), score: finite.nullable() })).max(32),
  drained: z.array(z.strictObject({ slot: token, why: line(400) })).min(1).max(1024).optional(),
}) satisfies z.ZodType<NodeEnrolled>);

/** What a person did. */
export const OperatorActed = fact(':run.operator.acted.:n', 'broker',
  z.strictObject({ act: z.enum(['pause', 'resume', 'stop', 'limit', 'note']), detail: line(600), limits: LimitsSchema.nullable() }) satisfies z.ZodType<OperatorAct>);

const Done = z.strictObject({ ok: z.boolean(), message: line(400) });
/** A longer note could be recorded but not answered: the answer says it again. */
export const LONGEST_NOTE = 400;

/** An empty body and `{}` ask the same, because that is what a person types. */
export const nothing = z.union([z.literal('').transform(() => ({})), z.strictObject({})]);

/** Take no new lease until resumed. */
export const PauseRun = command('run.pause.:run', 'operator', nothing, Done);
/** Go on after a pause. */
export const ResumeRun = command('run.resume.:run', 'operator', nothing, Done);
/** Finish what is leased, or with `now` nothing, then stop. What is undecided stays so and no claim is made: a resume goes on from there. */
export const StopRun = command('run.stop.:run', 'operator', z.union([z.literal('').transform(() => ({ now: false })), z.strictObject({ now: z.boolean() })]), Done);
/** Change limits; null lifts one. */
export const LimitRun = command('run.limit.:run', 'operator', LimitsSchema.partial(), Done);
/** Leave a note in the journal. */
export const NoteRun = command('run.note.:run', 'operator', z.strictObject({ note: line(LONGEST_NOTE).min(1) }), Done);
