import { z } from 'zod';
import { SESSION_ENDINGS, STALLS, type CallReserved, type CallSettled, type JointAnswered, type JointOffered, type SessionEnded, type SessionOpened, type SpecialistStalled, type StallCause } from '../domain/session.ts';
import { command, count, fact, finite, line, sha256, text, token } from './message.ts';
import { PATCH_BYTES, RejectionSchema } from './trial.ts';

/** The longest prompt and the longest conversation that are kept, in characters: below what one message may weigh. */
export const LONGEST_PROMPT = 250_000;

const money = finite.min(0).max(1e9);

/** A specialist began to think with a model. */
export const SessionOpenedFact = fact(':run.session.opened.:session', 'broker',
  z.strictObject({ specialist: token, asOf: count, model: line(200), prompt: sha256, clientId: token }) satisfies z.ZodType<SessionOpened>);

/** What a call to a model may cost at most, before it is made. */
export const CallReservedFact = fact(':run.call.reserved.:session.:call', 'broker', z.strictObject({ tokens: count, money }) satisfies z.ZodType<CallReserved>);

const Settled = { input: count, cached: count, output: count, money, isMeasured: z.boolean(), ended: z.enum(['answered', 'failed']), why: line(300) };

/** What a call did cost. */
export const CallSettledFact = fact(':run.call.settled.:session.:call', 'broker', z.strictObject(Settled) satisfies z.ZodType<CallSettled>);

const Ended = { ending: z.enum(SESSION_ENDINGS), reason: line(400), trials: z.array(token).max(16), repairs: count };

/** A session is over. */
export const SessionEndedFact = fact(':run.session.ended.:session', 'broker', z.strictObject({ ...Ended, transcript: sha256.nullable() }) satisfies z.ZodType<SessionEnded>);

const Stalled = z.strictObject({ cause: z.enum(Object.keys(STALLS) as StallCause[]), reason: line(400) }) satisfies z.ZodType<SpecialistStalled>;

/** A specialist cannot think for now; the others go on. */
export const SpecialistStalledFact = fact(':run.specialist.stalled.:specialist.:n', 'broker', Stalled);

/** It can again. */
export const SpecialistRecovered = fact(':run.specialist.recovered.:specialist.:n', 'broker', z.strictObject({}));

const Draft = { from: token, to: token, parent: token, hypothesis: line(600).min(8), expectedDelta: finite, patch: z.string().max(PATCH_BYTES), clientId: token };

/** One owner drafted a trial that needs another's consent. */
export const JointOfferedFact = fact(':run.joint.offered.:joint', 'broker', z.strictObject(Draft) satisfies z.ZodType<JointOffered>);

/** The other owner took part or did not. */
export const JointAnsweredFact = fact(':run.joint.answered.:joint', 'broker',
  z.strictObject({ by: token, answer: z.enum(['accepted', 'declined']), reason: line(400), trial: token.nullable() }) satisfies z.ZodType<JointAnswered>);

const Closed = z.strictObject({ kind: z.literal('closed'), reason: line(400) });
const Refused = z.strictObject({ kind: z.literal('refused'), reason: line(1000) });
const Done = z.strictObject({ kind: z.literal('done') });

/**
 * A specialist opens a session, or finds the one it opened under this client id: `calls` is then the last ordinal it took. `spent` is what this specialist's thinking has taken in the
 * whole run. Refused where the run's limits would not cover `worst`, the most that its first call may take: it would be a session without a call.
 */
export const OpenSession = command('broker.open-session.:run', 'specialist',
  z.strictObject({ clientId: token, specialist: token, asOf: count, model: line(200), prompt: text(LONGEST_PROMPT), worst: z.strictObject({ tokens: count, money }).optional() }),
  z.discriminatedUnion('kind', [z.strictObject({ kind: z.literal('opened'), session: token, calls: count, spent: z.strictObject({ tokens: count, money }) }), Refused.extend({ by: z.literal('limit') }), Closed]), ({ specialist }) => [specialist]);

/**
 * May this call be made? Refused by `limit` when those of the run would not cover its worst case, by `order` when the ordinal was used, by `session`
 * when that is over or nobody's; `closed` when the run takes no more.
 */
export const ReserveCall = command('broker.reserve-call.:run', 'specialist', z.strictObject({ session: token, call: count, tokens: count, money }),
  z.discriminatedUnion('kind', [z.strictObject({ kind: z.literal('reserved') }), Refused.extend({ by: z.enum(['limit', 'order', 'session']) }), Closed]));

/** This is what the call cost. */
export const SettleCall = command('broker.settle-call.:run', 'specialist', z.strictObject({ session: token, call: count, ...Settled }), z.discriminatedUnion('kind', [Done, Refused]));

/** The session is over. */
export const EndSession = command('broker.end-session.:run', 'specialist', z.strictObject({ session: token, ...Ended, transcript: text(LONGEST_PROMPT).nullable() }), z.discriminatedUnion('kind', [Done, Refused]));

/** The run is about to stop: end what is open, so that what was said in it is kept. Answered when that is done. */
export const WindUp = command('specialist.wind-up.:run.:specialist', 'broker', z.strictObject({ reason: line(400) }), Done);

/** A specialist cannot think, or, with null, can again. */
export const StallSpecialist = command('broker.stall.:run', 'specialist', z.strictObject({ specialist: token, stalled: Stalled.nullable() }), Done, ({ specialist }) => [specialist]);

/** Every free check of a proposal, without proposing it; of a trial of two, with the drafter as `specialist`. */
export const CheckProposal = command('broker.check.:run', 'specialist',
  z.strictObject({ specialist: token, with: token.nullable(), parent: token, patch: z.string().max(PATCH_BYTES) }),
  z.discriminatedUnion('kind', [z.strictObject({ kind: z.literal('passes') }), z.strictObject({ kind: z.literal('rejected'), rejection: RejectionSchema })]), ({ specialist, with: other }) => (other === null ? [specialist] : [specialist, other]));

/** A hint to the owner of another partition. */
export const OfferHandoff = command('broker.hint.:run', 'specialist',
  z.strictObject({ clientId: token, from: token, to: token, file: line(400), symbol: line(400).nullable(), hint: line(600).min(8) }),
  z.discriminatedUnion('kind', [z.strictObject({ kind: z.literal('offered'), handoff: token }), Refused]), ({ from }) => [from]);

/** A draft for two owners. It is checked as a trial of both would be. */
export const OfferJoint = command('broker.offer-joint.:run', 'specialist', z.strictObject(Draft),
  z.discriminatedUnion('kind', [z.strictObject({ kind: z.literal('offered'), joint: token }), Refused, z.strictObject({ kind: z.literal('rejected'), rejection: RejectionSchema }), Closed]), ({ from }) => [from]);

/** The other owner declines. To accept, amended or not, it proposes a trial that names the draft. */
export const DeclineJoint = command('broker.decline-joint.:run', 'specialist', z.strictObject({ joint: token, by: token, reason: line(400).min(8) }), z.discriminatedUnion('kind', [Done, Refused]), ({ by }) => [by]);
