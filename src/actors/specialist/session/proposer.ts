import type { Clock, Model, Patches, Presence } from '../../../ports.ts';
import { renderOpening, renderSystem, type SessionLimits, type Setting } from '../../../domain/prompt.ts';
import type { Answer, Draft as Proposed, Proposer, SpecialistView, Thought } from '../proposer.ts';
import { toolsOf } from './act.ts';
import { RunClosed, SessionGone, type Bursar } from './bursar.ts';
import { sessionGraph, transcriptOf, type SessionGraph } from './graph.ts';
import { outcomeOfAnswer, type Outcome } from './outcome.ts';
import { endOf, openRests } from './rest.ts';
import { newSession, type Session } from './state.ts';
import type { SessionStore } from './store.ts';
import type { Desk } from './use.ts';

// A specialist that thinks with a model: one session at a time, each a graph that waits at every submission for its row.
//
//   P1. What a session submitted is found again in the lineage by `<session>/<n>`; a submission without a row is made again, word for word.
//   P2. Nothing is kept here that the store or the journal does not hold: a new process goes on where the last one was.
//   P3. Without lineage a session has one submission, and hears that it was taken and no more.
//   P4. Before the run stops what is open ends, with what was said in it.

export interface Thinker {
  readonly run: string;
  readonly specialist: string;
  readonly setting: Setting;
  readonly limits: SessionLimits;
  /** A name that was never used: of a session, before it has its id. */
  readonly newName: () => string;
  readonly restMs: Parameters<typeof sessionGraph>[0]['restMs'];
}

export interface ThinkerPorts {
  readonly model: Model;
  readonly bursar: Bursar;
  readonly store: SessionStore;
  readonly clock: Clock;
  readonly presence: Pick<Presence, 'log'>;
  readonly patches: Patches;
  readonly errands: Pick<Desk, 'draft' | 'check' | 'hint' | 'offer' | 'decline'>;
}

/** Opens the proposer of one specialist. */
export function llmProposer({ model, bursar, store, clock, presence, patches, errands }: ThinkerPorts, { run, specialist, setting, limits, newName, restMs }: Thinker): Proposer {
  const { lineage } = setting;
  let view: SpecialistView | null = null;
  let heard: { readonly strategy: string; readonly trial: string } | null = null; // which trial the last submission became, where its row was not read yet
  let working: Promise<unknown> = Promise.resolve();
  const desk = (): Desk => ({
    specialist, lineage, patches, rows: view?.rows ?? [], ...errands,
    recipeOf: async (snapshot) => (await view?.recipeOf(snapshot)) ?? null,
  });
  const tools = toolsOf({ lineage, joint: setting.roster.length > 1 && setting.roster.some((brief) => brief.specialist === specialist) }); // a generalist has no neighbours
  const rests = openRests({ bursar, clock, presence }, { run, specialist });
  const graph: SessionGraph = sessionGraph({ model, bursar, clock, limits, tools, desk, restMs, whenStuck: rests.whenStuck, onAnswer: rests.answered }, store.saver);

  async function current(): Promise<{ readonly thread: string; readonly session: Session } | null> { // P2
    for (const thread of await store.threads()) {
      const session = await graph.look(thread);
      if (session !== null && !session.isOver) return { thread, session };
      await store.saver.deleteThread(thread);
    }
    return null;
  }

  async function begin(now: SpecialistView): Promise<Session | null> {
    if (now.best === null) return null;
    const { trial: parent, score, snapshot } = now.best;
    const recipe = await now.recipeOf(snapshot);
    if (recipe === null) return null;
    const share = rests.share();
    const opening = renderOpening(setting, specialist, { parent, score, recipe, feedback: now.feedback }, share);
    return newSession({ clientId: newName(), system: renderSystem(setting, specialist, limits, share), feedback: lineage ? now.feedback : null, asOf: now.asOf, parent, snapshot }, opening);
  }

  /** What a session waits for, as a thought; null when it is over. */
  async function thoughtOf(thread: string, session: Session): Promise<Thought | null> {
    if (session.isOver) {
      await store.saver.deleteThread(thread);
      return null;
    }
    const { pending } = session;
    if (pending === null) throw new Error(`${session.session} neither waits nor is over`);
    const row = view?.rows.find(({ strategy }) => strategy === `${session.session}/${pending.n}`);
    if (row?.status === null && lineage) return { kind: 'nothing', reason: `${row.trial} is being measured` };
    return { kind: 'proposal', draft: draftOf(session, pending), knew: { asOf: pending.asOf, feedback: pending.feedback } }; // P1
  }

  /** What became of a submission, where it is known. */
  function outcomeOf({ session, pending }: Session): Outcome | null {
    const row = lineage && pending !== null ? view?.rows.find(({ strategy }) => strategy === `${session}/${pending.n}`) : undefined;
    if (!row || !view) return null;
    if (row.status !== null) return { kind: 'row', row, asOf: view.asOf };
    return view.unmeasured?.includes(row.trial) ? { kind: 'unmeasured', trial: row.trial } : null;
  }

  return {
    propose: (now, signal) => alone(propose(now, signal)),
    heard: (answer, signal) => alone(hear(answer, signal)),
    async windUp(reason, signal) { // P4
      await working;
      await forget(`the run stopped: ${reason}`, 'gave_up', signal);
    },
  };

  function alone<T>(work: Promise<T>): Promise<T> {
    working = work.catch(() => undefined);
    return work;
  }

  async function propose(now: SpecialistView, signal: AbortSignal): Promise<Thought> {
    view = now;
    try {
      const open = await current();
      if (open === null && bursar.spent() !== null) return { kind: 'nothing', reason: `its own budget is spent: ${bursar.spent()}` };
      if (open !== null) {
        const outcome = outcomeOf(open.session);
        const session = open.session.pending === null ? await rests.through(graph, open.thread, () => graph.run(open.thread, null, signal), signal)
          : outcome === null ? open.session : await rests.through(graph, open.thread, () => graph.resume(open.thread, outcome, signal), signal);
        const thought = await thoughtOf(open.thread, session);
        return thought ?? await afterwards(session, signal);
      }
      const fresh = await begin(now);
      if (fresh === null) return { kind: 'nothing', reason: 'the baseline is not measured yet' };
      const session = await rests.through(graph, fresh.clientId, () => graph.run(fresh.clientId, fresh, signal), signal);
      return await thoughtOf(fresh.clientId, session) ?? await afterwards(session, signal);
    } catch (error) {
      if (error instanceof RunClosed) { await forget(error.message, 'gave_up', signal); return { kind: 'nothing', reason: error.message, next: 'closed' }; }
      if (!(error instanceof SessionGone)) throw error;
      presence.log('warn', `an open session of ${specialist} is thrown away: ${error.message}`, { run });
      await forget(error.message, 'lost', signal);
      return { kind: 'nothing', reason: error.message, next: 'again' };
    }
  }

  async function hear(answer: Answer, signal: AbortSignal): Promise<void> { // P3
    if (answer.kind === 'admitted') await rests.taken(signal);
    const open = await current();
    if (open === null || open.session.pending === null) return;
    if (answer.kind === 'admitted' || answer.kind === 'rejected') heard = { strategy: `${open.session.session}/${open.session.pending.n}`, trial: answer.trial };
    const outcome = outcomeOfAnswer(answer, lineage);
    if (outcome === null) return;
    const session = await graph.resume(open.thread, outcome, signal);
    await store.saver.deleteThread(open.thread);
    if (answer.kind === 'rejected') await rests.after(session, signal);
  }

  /** Throws away what is open here, and says so where the journal still holds it open. */
  async function forget(why: string, ending: 'lost' | 'gave_up', signal: AbortSignal): Promise<void> {
    for (const thread of await store.threads()) {
      const session = await graph.look(thread);
      if (session?.session != null && !session.isOver) {
        try {
          if (session.unsettled) await bursar.settle(session, session.unsettled.call, session.unsettled.settled, signal);
          const trials = [...session.trials, ...trialOf(session)];
          await bursar.end({ ...session, trials, ending: { ending: ending === 'gave_up' && trials.length > 0 ? 'submitted' : ending, reason: why } }, transcriptOf(session), signal);
        } catch (error) {
          if (!(error instanceof SessionGone)) throw error;
          presence.log('warn', `how ${session.session} ended is not recorded: ${error.message}`, { run });
        }
      }
      await store.saver.deleteThread(thread);
    }
  }

  /** The trial that a session waits for, where there is one. */
  function trialOf({ session, pending }: Session): string[] {
    const strategy = `${session}/${pending?.n}`;
    const trial = pending === null ? undefined : view?.rows.find((row) => row.strategy === strategy)?.trial ?? (heard?.strategy === strategy ? heard.trial : undefined);
    return trial === undefined ? [] : [trial];
  }

  /** After a session with a trial comes the next; after one without, a rest. */
  async function afterwards(session: Session, signal: AbortSignal): Promise<Thought> {
    const why = bursar.spent();
    if (why !== null) {
      await bursar.stall({ cause: 'budget', reason: why }, signal);
      return { kind: 'nothing', reason: why };
    }
    const isTaken = (trial: string): boolean => view?.rows.find((row) => row.trial === trial)?.status !== 'rejected';
    if (!session.trials.some(isTaken)) await rests.after(session, signal);
    return { kind: 'nothing', reason: endOf(session), next: 'again' };
  }
}

function draftOf(session: Session, pending: NonNullable<Session['pending']>): Proposed {
  return {
    parent: pending.parent, hypothesis: pending.hypothesis, expectedDelta: pending.expectedDelta, patch: pending.patch, parts: [],
    proposer: { kind: 'llm', strategy: `${session.session}/${pending.n}`, moves: [] }, tokens: pending.tokens, money: pending.money,
    ...(session.session === null ? {} : { session: session.session }), ...(pending.joint === null ? {} : { joint: pending.joint }),
  };
}
