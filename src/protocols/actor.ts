import { z } from 'zod';
import { command, count, finite, line, seconds, telemetry, text, token } from './message.ts';
import { nothing } from './run.ts';

/** What a statechart is doing, said so that a person sees why it waits. */
export const StateSchema = z.strictObject({
  actor: token, name: token, run: token, pid: count,
  /** Statechart state, nested states joined by a dot. */
  state: line(200),
  sinceMs: count,
  /** One line: what it waits for. */
  why: line(400),
  context: z.record(line(64), z.union([z.string().max(2000), finite, z.boolean(), z.null()])),
});

/** Stands for the run in the state of a process that serves every run of its server; no run may be called so. */
export const EVERY_RUN = 'every-run';

/** Every instance of an actor answers with its statechart state; the first answer wins. */
export const ActorState = command(':actor.state', 'anyone', nothing, StateSchema);

/** One named instance answers: a specialist by its domain, an evaluator by its node, the others as `main`. */
export const NamedActorState = command(':actor.state.:run.:name', 'anyone', nothing, StateSchema);

/** An actor is alive and in this state; published on every change and every two seconds. */
export const Pulse = telemetry(':run.pulse.:actor.:name', 'every actor', StateSchema);

/** A slot's work as it goes on; the view's `6 s left`. */
export const Progress = telemetry(':run.progress.:node.:slot', 'evaluator', z.strictObject({
  trial: token.nullable(), replicate: token.nullable(), phase: line(32), seconds, budgetSeconds: seconds,
}));

/** A line for whoever is woken at night. */
export const Log = telemetry(':run.log.:actor.:name', 'every actor', z.strictObject({
  level: z.enum(['info', 'warn', 'error']), message: text(2000), fields: z.record(line(64), z.union([z.string().max(2000), finite, z.boolean(), z.null()])),
}));
