import { createActor, fromPromise } from 'xstate';
import { oneLine } from '../../domain/figures.ts';
import type { Bus, Clock, Presence } from '../../ports.ts';
import { NoAnswer } from '../../ports.ts';
import { StallSpecialist, WindUp } from '../../protocols/session.ts';
import { ProposeTrial } from '../../protocols/trial.ts';
import { clientText, deprive, inFlight, withoutFaults } from './decide.ts';
import { endure } from './endurance.ts';
import { sha256 } from './fingerprint.ts';
import { specialistMachine, type Answer } from './machine.ts';
import type { Proposer, SpecialistView, Thought } from './proposer.ts';
import { lineageReader } from './reader.ts';

const SUBMIT_MS = 15_000;

export interface SpecialistPorts { readonly bus: Bus; readonly clock: Clock; readonly presence: Presence }

export interface SpecialistOptions {
  readonly run: string;
  readonly specialist: string;
  /** False: the proposer sees the current best and nothing else. */
  readonly lineage: boolean;
  /** How many of its trials may be unfinished at once. */
  readonly concurrent: number;
  readonly signal: AbortSignal;
}

/** Wakes one specialist. `done` resolves once the run takes no more proposals, or when it is stopped. */
export function startSpecialist({ bus, clock, presence }: SpecialistPorts, { proposer }: { readonly proposer: Proposer }, options: SpecialistOptions): { readonly done: Promise<void> } & AsyncDisposable {
  const { run, specialist, concurrent } = options;
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const reader = lineageReader({ bus, clock }, { run, specialist, lineage: options.lineage, signal });
  const seen = (view: SpecialistView): SpecialistView => (options.lineage ? withoutFaults(view) : deprive(view));

  const ask = async ({ proposal, feedback }: { readonly proposal: Parameters<typeof clientText>[1]; readonly feedback: string | null }, own: AbortSignal): Promise<Answer> => {
    const clientId = sha256(clientText(run, proposal));
    try {
      const answer = await bus.ask(ProposeTrial, { run }, { clientId, proposal: { ...proposal, parts: [...proposal.parts], proposer: { ...proposal.proposer, moves: [...proposal.proposer.moves] } }, feedback }, { timeoutMs: SUBMIT_MS, signal: own });
      return answer.kind === 'rejected' ? { kind: 'rejected', trial: answer.trial, reason: answer.rejection.message } : answer;
    } catch (error) {
      if (!(error instanceof NoAnswer) || error.reason !== 'refused') throw error;
      // The broker could not even read it: asking again with the same words would not help, a new result might.
      presence.log('error', `the broker refused a proposal of ${specialist}: ${error.message}`, { run, asOf: proposal.asOf });
      return { kind: 'busy' };
    }
  };

  const propose = endure(proposer, {
    isNeighbours: (error) => signal.aborted || error instanceof NoAnswer,
    onFailure: (reason, { asOf }) => presence.log('error', `${specialist} could not think: ${reason}`, { run, asOf }),
    onTurn: async (gaveUp) => {
      if (gaveUp !== null) presence.log('error', `${specialist} ${gaveUp}`, { run });
      await bus.ask(StallSpecialist, { run }, { specialist, stalled: gaveUp === null ? null : { cause: 'proposer', reason: oneLine(gaveUp).slice(0, 400) } }, { timeoutMs: SUBMIT_MS, signal }).catch(() => undefined); // a broker that does not hear it loses a line of the journal
    },
  });

  const actor = createActor(specialistMachine.provide({
    actors: {
      read: fromPromise<SpecialistView>(({ signal: own }) => reader.view(own, (rows) => options.lineage && inFlight(rows, specialist).length < concurrent)),
      think: fromPromise<Thought, { view: SpecialistView }>(({ input, signal: own }) => propose(seen(input.view), own)),
      submit: fromPromise<Answer, { proposal: Parameters<typeof clientText>[1]; feedback: string | null }>(async ({ input, signal: own }) => {
        const answer = await ask(input, own);
        await proposer.heard?.(answer, own);
        return answer;
      }),
      await: fromPromise(({ input, signal: own }) => reader.until(input.wanted, own)),
      pause: fromPromise(({ input, signal: own }) => clock.wait(input.ms, own)),
    },
  }), { input: { specialist, concurrent } });

  const announced = presence.announce({
    actor: 'specialist', name: specialist, run,
    read: () => {
      const { value, context } = actor.getSnapshot();
      return { state: String(value), why: context.why, context: { asOf: context.view?.asOf ?? null, trial: context.wanted?.kind === 'seen' ? context.wanted.trial : context.wanted?.kind === 'ended' ? context.wanted.trials.join(' ') : null, refusals: context.refusals, failures: context.failures } };
    },
  });

  const ended = new Promise<void>((resolve, reject) => {
    actor.subscribe({ next: () => announced.changed(), complete: resolve, error: reject });
    signal.addEventListener('abort', () => { actor.stop(); resolve(); }, { once: true });
    if (signal.aborted) resolve(); else actor.start();
  });
  let goodbye: Promise<void> = Promise.resolve();
  const called = proposer.windUp === undefined ? null : bus.serve(WindUp, { run, specialist }, async ({ reason }) => {
    stop.abort(new Error(`the run stops: ${reason}`));
    goodbye = proposer.windUp?.(reason, options.signal).catch((error: unknown) => { presence.log('warn', `${specialist} could not end its session: ${String(error)}`, { run }); }) ?? goodbye;
    await goodbye;
    return { kind: 'done' as const };
  });
  const done = ended.then(() => goodbye).finally(async () => {
    await called?.[Symbol.asyncDispose]();
    await announced[Symbol.asyncDispose]();
  });
  done.catch(() => {}); // whoever awaits `done` hears of it; a specialist nobody awaits must not take the process down
  return { done, async [Symbol.asyncDispose]() { stop.abort(new Error(`${specialist} was stopped`)); await done.catch(() => {}); } };
}
