import { z } from 'zod';
import { finite, line } from './message.ts';

/** What an evaluator's trusted scorer prints, and nothing else: one closed JSON value. */
export const ScoredSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('scored'),
    /** null is unknown, never zero: then a gate says why. */
    score: finite.nullable(),
    metrics: z.record(line(64), finite),
    /** `recipe` where the scorer could only read what the recipe says of itself; left out, the score is what evaluator.yaml says. */
    scoreSource: z.enum(['evaluator', 'recipe']).optional(),
    gates: z.array(z.strictObject({ name: line(80), value: finite, limit: finite, passed: z.boolean() })).max(16),
  }),
  /** A sandboxed command closed its end; why is in its log. */
  z.strictObject({ kind: z.literal('hung-up'), who: line(80) }),
  /** Bytes came that no honest harness sends. */
  z.strictObject({ kind: z.literal('tampered'), what: line(400), where: line(400) }),
]);
export type Scored = z.infer<typeof ScoredSchema>;
