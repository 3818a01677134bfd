import { z } from 'zod';
import type { Admitted, Handoff, Rejected } from '../domain/fact.ts';
import { STATUSES } from '../domain/status.ts';
import type { Proposal, Rejection, TrialResult } from '../domain/trial.ts';
import { FailureSchema, PhaseReadingSchema } from './measurement.ts';
import { command, count, fact, finite, line, sha256, text, token } from './message.ts';

/** A patch larger than this is refused; a whole recipe is far smaller. */
export const PATCH_BYTES = 262_144;

export const ProposalSchema = z.strictObject({
  specialist: token,
  parent: token,
  asOf: count,
  hypothesis: line(600).min(8),
  expectedDelta: finite,
  patch: z.string().max(PATCH_BYTES),
  parts: z.array(token).max(64),
  proposer: z.strictObject({
    kind: z.enum(['search', 'random', 'tpe', 'compose', 'llm', 'replay', 'operator']), strategy: line(120), moves: z.array(line(200)).max(128),
  }),
  tokens: count,
  money: finite.min(0),
  session: token.optional(),
  joint: z.strictObject({ draft: token, with: token }).optional(),
}) satisfies z.ZodType<Proposal>;

export const RejectionSchema = z.strictObject({
  rule: z.enum(['parent', 'apply', 'path', 'mode', 'size', 'protected', 'ownership', 'syntax', 'duplicate', 'empty']),
  file: line(400).nullable(), symbol: line(400).nullable(), owner: line(64).nullable(), message: line(1000),
}) satisfies z.ZodType<Rejection>;

export const ProposeRequest = z.strictObject({
  /** Chosen by the author: asking again with the same id names the same trial. */
  clientId: token,
  proposal: ProposalSchema,
  /** The rendered feedback its author read, stored with the trial. */
  feedback: text(131_072).nullable(),
});

const ProposeReply = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('admitted'), trial: token }),
  z.strictObject({ kind: z.literal('rejected'), trial: token, rejection: RejectionSchema }),
  /** The queue is long enough; ask again after the next result. */
  z.strictObject({ kind: z.literal('busy') }),
  /** The run takes no more proposals. */
  z.strictObject({ kind: z.literal('closed'), reason: line(400) }),
]);

/** A specialist asks for its patch to be tried. */
export const ProposeTrial = command('broker.propose.:run', 'specialist', ProposeRequest, ProposeReply, ({ proposal }) => [proposal.specialist]);

/** The broker took a proposal into the queue. */
export const TrialAdmitted = fact(':run.trial.admitted.:trial', 'broker',
  z.strictObject({ proposal: ProposalSchema, snapshot: sha256, feedback: sha256.nullable(), clientId: token }) satisfies z.ZodType<Admitted>);

/** The broker refused a proposal before it could cost a slot. */
export const TrialRejected = fact(':run.trial.rejected.:trial', 'broker',
  z.strictObject({ proposal: ProposalSchema, rejection: RejectionSchema, clientId: token }) satisfies z.ZodType<Rejected>);

/** How a trial ended. Of brokers that say it side by side the first is heard. */
export const TrialResultFact = fact(':run.trial.result.:trial', 'broker', z.strictObject({
  status: z.enum(STATUSES), specialist: token, parent: token, hypothesis: line(600),
  score: finite.nullable(), scoreSource: z.enum(['evaluator', 'recipe']), deltaVsBest: finite.nullable(), judgedAgainst: token, judgedAt: count,
  p: finite.min(0).max(1).nullable(), n: count, sd: finite.min(0).nullable(), why: line(200), failure: FailureSchema.nullable(),
  artifactBytes: count.nullable(), phases: z.array(PhaseReadingSchema).max(16), attempt: count,
  node: token.nullable(), slots: z.array(token).max(64), device: line(120).nullable(), evaluatorHash: sha256.nullable(), snapshot: sha256,
}) satisfies z.ZodType<TrialResult>);

/** A refused patch that reached into another partition leaves its idea with the owner. */
export const HandoffOffered = fact(':run.handoff.offered.:handoff', 'broker', z.strictObject({
  from: token, to: token, file: line(400), symbol: line(400).nullable(), hint: line(600), trial: token.nullable(),
}) satisfies z.ZodType<Handoff>);

/** A node renews a lease; `lapsed` means: kill it, somebody else may already be at it. */
export const RenewLease = command('broker.renew.:run', 'evaluator',
  z.strictObject({ trial: token, replicate: token, attempt: count, node: token }),
  z.discriminatedUnion('kind', [z.strictObject({ kind: z.literal('renewed') }), z.strictObject({ kind: z.literal('lapsed') })]));

