import { z } from 'zod';
import type { Failure, Lease, Measurement } from '../domain/measurement.ts';
import type { Measured } from '../domain/fact.ts';
import { command, count, fact, finite, line, seconds, sha256, text, token } from './message.ts';

const phase = line(32);

export const FailureSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['preflight_crash', 'crash']), phase, exception: text(4000), frame: line(400) }),
  z.strictObject({ kind: z.literal('size_blocked'), bytes: count, cap: count, projected: z.boolean() }),
  z.strictObject({ kind: z.enum(['train_budget_overrun', 'eval_budget_overrun']), phase, seconds, budget: seconds, censored: z.boolean() }),
  z.strictObject({ kind: z.literal('disqualified'), gate: line(80), value: finite, limit: finite, deficit: finite, standardErrors: finite.optional() }),
  z.strictObject({ kind: z.literal('tampered'), what: line(400), where: line(400) }),
  z.strictObject({ kind: z.literal('harness_abort'), reason: line(400) }),
]) satisfies z.ZodType<Failure>;

export const PhaseReadingSchema = z.strictObject({ name: phase, seconds, wallSeconds: seconds, censored: z.boolean() });

export const MeasurementSchema = z.strictObject({
  score: finite.nullable(),
  scoreSource: z.enum(['evaluator', 'recipe']),
  failure: FailureSchema.nullable(),
  metrics: z.record(line(64), finite),
  phases: z.array(PhaseReadingSchema).max(16),
  artifactBytes: count.nullable(),
  gates: z.array(z.strictObject({ name: line(80), value: finite, limit: finite, passed: z.boolean(), standardError: finite.optional() })).max(16),
  seed: count,
  device: line(120),
  evaluatorHash: sha256,
  environmentHash: sha256,
  sandbox: z.enum(['bubblewrap', 'namespaces', 'none']),
  log: sha256.nullable(),
}) satisfies z.ZodType<Measurement>;

const PurposeSchema = z.enum(['search', 'confirm', 'final']);

const LeaseSchema = z.strictObject({
  trial: token, replicate: token, attempt: z.int().min(1).max(99), node: token, slots: z.array(token).min(1).max(64),
  purpose: PurposeSchema, snapshot: sha256, ttlMs: z.int().min(100).max(600_000),
}) satisfies z.ZodType<Lease>;

/** The broker gives a node the right to measure one replicate: the lease is the job. */
export const LeaseGranted = fact(':run.lease.granted.:trial.:replicate.:attempt', 'broker', LeaseSchema);

/** The broker stopped waiting for a lease; later work under it is recorded and never counted. */
export const LeaseLapsed = fact(':run.lease.lapsed.:trial.:replicate.:attempt', 'broker', z.strictObject({ reason: line(400) }));

/** A busy node hears which recipe it will most likely be leased next, so that it may lie there when the lease comes. It gives no right to run it, and nothing depends on it. */
export const PrepareRecipe = command('evaluator.prepare.:run.:node', 'broker',
  z.strictObject({ snapshot: sha256, purpose: PurposeSchema.optional() }), z.strictObject({ kind: z.literal('noted') }));

/** A node's evaluator says what one replicate yielded. Signed; the first valid one of the newest lease counts. */
export const TrialMeasured = fact(':run.trial.measured.:trial.:replicate.:attempt.:node', 'evaluator',
  z.strictObject({ measurement: MeasurementSchema, signature: z.string().max(128), heldMs: count }) satisfies z.ZodType<Measured>);
