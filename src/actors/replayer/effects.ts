import { createActor, fromPromise } from 'xstate';
import type { RunId } from '../../domain/ids.ts';
import { emptyLineage, grow, type Verify } from '../../domain/lineage.ts';
import { isDue, type Recorded } from '../../domain/recording.ts';
import type { Proposal } from '../../domain/trial.ts';
import type { Ports } from '../../ports.ts';
import { OfferJoint } from '../../protocols/session.ts';
import { ProposeTrial } from '../../protocols/trial.ts';
import { replayerMachine, type Answer } from './machine.ts';

const SUBMIT_MS = 15_000;
/** What freed the queue may have been folded before the broker's `busy` arrived. */
const LOOK_AGAIN_MS = 2_000;

/** A replayed proposal got another id than it had. */
export class Astray extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'Astray';
  }
}

/** Makes recorded proposals again, following the journal for their turns. `done` resolves once the run takes no more, and rejects when it went astray. */
export function startReplayer({ journal, bus, clock, presence }: Omit<Ports, 'blobs'>, { recorded, verify }: { readonly recorded: readonly Recorded[]; readonly verify: Verify }, { run, signal: asked }: { readonly run: RunId; readonly signal: AbortSignal }): { readonly done: Promise<void> } & AsyncDisposable {
  const stop = new AbortController();
  const signal = AbortSignal.any([asked, stop.signal]);
  const lineage = emptyLineage();
  const waiting = new Set<() => void>();

  const following = (async () => {
    for await (const fact of journal.follow({ after: 0, signal })) {
      grow(lineage, fact, run, verify);
      for (const look of [...waiting]) look();
    }
  })();
  /** Resolves with what the fold answers, at once or after a later fact; rejects when this ends first. */
  const until = <T>(look: () => T | null, own: AbortSignal): Promise<T> => {
    const found = new Promise<T>((resolve, reject) => {
      const end = (how: () => void): void => { waiting.delete(ask); own.removeEventListener('abort', leave); how(); };
      const leave = (): void => end(() => reject(own.reason instanceof Error ? own.reason : new Error('stopped')));
      const ask = (): void => { const answer = look(); if (answer !== null) end(() => resolve(answer)); };
      own.addEventListener('abort', leave, { once: true });
      waiting.add(ask);
      if (own.aborted) leave(); else ask();
    });
    found.catch(() => undefined); // who stopped waiting need not be told that it ended
    return found;
  };

  const offered = async ({ proposal, draft, trial }: Recorded, own: AbortSignal): Promise<Proposal> => {
    if (draft === null) return proposal;
    const answer = await bus.ask(OfferJoint, { run }, { ...draft, clientId: `replay-${trial}` }, { timeoutMs: SUBMIT_MS, signal: own });
    return answer.kind === 'offered' ? { ...proposal, joint: { draft: answer.joint, with: draft.from } } : proposal; // refused now: so will be what carries it out
  };
  const propose = async (one: Recorded, own: AbortSignal): Promise<Answer> => {
    const earlier = lineage.byClientId.get(`replay-${one.trial}`);
    if (earlier === one.trial) return { kind: 'taken' };
    const proposal = await offered(one, own);
    const answer = await bus.ask(ProposeTrial, { run }, {
      clientId: `replay-${one.trial}`, feedback: null, proposal: { ...proposal, parts: [...proposal.parts], proposer: { ...proposal.proposer, moves: [...proposal.proposer.moves] } },
    }, { timeoutMs: SUBMIT_MS, signal: own });
    if (answer.kind === 'busy' || answer.kind === 'closed') return answer;
    return answer.trial === one.trial ? { kind: 'taken' } : { kind: 'astray', reason: `what had been ${one.trial} became ${answer.trial}: somebody else proposes in ${run}, and what follows could build on the wrong trial. Replay into a run of its own` };
  };

  const actor = createActor(replayerMachine.provide({
    actors: {
      turn: fromPromise(({ input: { next }, signal: own }) => until(() => {
        if (lineage.stopping !== null || lineage.stopped !== null) return 'over' as const;
        const one = recorded[next];
        return lineage.bests.length > 0 && one !== undefined && isDue(lineage, one) ? 'due' as const : null;
      }, own)),
      propose: fromPromise(async ({ input: { next }, signal: own }) => {
        const one = recorded[next];
        return one === undefined ? { kind: 'closed', reason: 'all was proposed' } : propose(one, own);
      }),
      change: fromPromise(async ({ signal: own }) => {
        const before = lineage.applied;
        const late = new AbortController();
        await Promise.race([until(() => (lineage.applied > before ? true : null), AbortSignal.any([own, late.signal])), clock.wait(LOOK_AGAIN_MS, AbortSignal.any([own, late.signal]))]).finally(() => late.abort(new Error('enough')));
      }),
      pause: fromPromise(({ input, signal: own }) => clock.wait(input.ms, own)),
    },
  }));
  const announced = presence.announce({ actor: 'specialist', name: 'replayer', run, read: () => {
    const { value, context } = actor.getSnapshot();
    return { state: String(value), why: context.why, context: { next: recorded[context.next]?.trial ?? null, of: recorded.length, failures: context.failures } };
  } });
  const ended = new Promise<void>((resolve, reject) => {
    actor.subscribe({
      next: () => announced.changed(), error: reject,
      complete: () => { const { value, context } = actor.getSnapshot(); if (value === 'astray') reject(new Astray(context.why)); else resolve(); },
    });
    signal.addEventListener('abort', () => { actor.stop(); resolve(); }, { once: true });
    following.catch((error: unknown) => { if (!signal.aborted) reject(error instanceof Error ? error : new Error(String(error))); });
    if (signal.aborted) resolve(); else actor.start();
  });
  const done = ended.finally(() => { stop.abort(new Error('the replay is over')); return announced[Symbol.asyncDispose](); });
  done.catch(() => {}); // whoever awaits `done` hears of it
  return { done, async [Symbol.asyncDispose]() { stop.abort(new Error('the replayer was stopped')); await done.catch(() => {}); } };
}
