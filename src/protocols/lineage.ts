import { z } from 'zod';
import { STATUSES } from '../domain/status.ts';
import { FailureSchema } from './measurement.ts';
import { command, count, finite, line, sha256, text, token } from './message.ts';
import { PATCH_BYTES } from './trial.ts';

const KeepRuleSchema = z.strictObject({ kind: z.enum(['confirmed', 'strict']), alpha: finite, replicates: count });

/** One trial as a proposer sees it: enough to choose the next move, small enough to send by the hundred. */
const LineageRowSchema = z.strictObject({
  trial: token, specialist: token, parent: token,
  /** null while it is queued or being measured. */
  status: z.enum(STATUSES).nullable(),
  score: finite.nullable(), deltaVsBest: finite.nullable(), judgedAgainst: token.nullable(),
  expectedDelta: finite, hypothesis: line(600),
  strategy: line(120), moves: z.array(line(200)).max(128), parts: z.array(token).max(64),
  snapshot: sha256.nullable(), failure: FailureSchema.nullable(), rejection: line(1000).nullable(),
  artifactBytes: count.nullable(),
  /** Seeds behind the score and their standard deviation; absent where there is no score, `sd` also where there is one seed. */
  n: count.optional(), sd: finite.min(0).optional(),
  /** Journal position at which this row last changed. */
  seq: count,
});

export type LineageRow = z.infer<typeof LineageRowSchema>;

const Bounds = { specialist: token, asOf: count.nullable() };

/** The rendered feedback for one specialist, at the newest position or at an earlier one. */
export const ReadFeedback = command('lineage.feedback.:run', 'specialist', z.strictObject(Bounds),
  z.strictObject({ asOf: count, text: text(131_072) }), ({ specialist }) => [specialist]);

/** Rows that changed after a position, oldest change first; `asOf` bounds the answer so that two readers agree. */
export const ReadRows = command('lineage.rows.:run', 'specialist',
  z.strictObject({ after: count, asOf: count.nullable(), limit: z.int().min(1).max(500) }),
  z.strictObject({ asOf: count, rows: z.array(LineageRowSchema).max(500), more: z.boolean(), best: z.strictObject({ trial: token, score: finite.nullable(), snapshot: sha256 }).nullable(),
    /** Standard deviation of one measurement of the baseline; absent or null before calibration. A proposer tells a gain from luck by it. */
    noise: finite.min(0).nullable().optional(),
    /** By what rule trials are kept; absent without lineage. */
    keep: KeepRuleSchema.optional() }));

/** One snapshot as a recipe: {path: text}. Unknown hashes are answered with null. */
export const ReadRecipe = command('lineage.recipe.:run', 'specialist', z.strictObject({ snapshot: sha256 }),
  z.strictObject({ recipe: z.record(line(400), z.string().max(1_000_000)).nullable() }));

const DraftSchema = z.strictObject({
  joint: token, from: token, to: token, parent: token, hypothesis: line(600), expectedDelta: finite, patch: z.string().max(PATCH_BYTES),
  state: z.enum(['open', 'accepted', 'declined']), reason: line(400), trial: token.nullable(),
});

export type Draft = z.infer<typeof DraftSchema>;

/** A draft for two owners, to either of them; null to anybody else, and in an arm without lineage. */
export const ReadDraft = command('lineage.draft.:run', 'specialist', z.strictObject({ joint: token, by: token }), z.strictObject({ draft: DraftSchema.nullable() }), ({ by }) => [by]);

/** What the run was started with that its specialists are held to; null before its first fact was read. */
export const ReadRules = command('lineage.rules.:run', 'specialist', z.strictObject({}), z.strictObject({
  rules: z.strictObject({ keep: KeepRuleSchema, ownership: z.enum(['enforced', 'advisory']), lineage: z.boolean() }).nullable(),
}));

const StaffSchema = z.strictObject({
  surface: token, rosterName: token.nullable(), roster: z.array(token).min(1).max(64), proposer: z.enum(['search', 'random', 'tpe', 'llm', 'replay']), seed: count, lineage: z.boolean(), compose: z.enum(['greedy', 'ablate']).nullable(),
  /** Nobody is to think any more: the run has stopped, or its limits allow no trial. */
  isOver: z.boolean(),
});

export type Staff = z.infer<typeof StaffSchema>;

/** Who takes part in the run and how, for whoever starts its specialists on another machine; null before its first fact was read. */
export const ReadStaff = command('lineage.staff.:run', 'specialist', z.strictObject({}), z.strictObject({ staff: StaffSchema.nullable() }));
