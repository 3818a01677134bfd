import { Annotation, Command, END, interrupt, START, StateGraph, type BaseCheckpointSaver, type LangGraphRunnableConfig } from '@langchain/langgraph';
import type { Question } from '../../../domain/conversation.ts';
import { cutMiddle } from '../../../domain/cut.ts';
import { wholePrompt, type SessionLimits } from '../../../domain/prompt.ts';
import { LONGEST_PROMPT } from '../../../protocols/session.ts';
import type { ToolName } from '../../../protocols/tools.ts';
import { act, offersOf } from './act.ts';
import { makeCall, type Asking } from './asking.ts';
import { Unreachable, type Bursar } from './bursar.ts';
import { capReached, lastCall, worstOf } from './caps.ts';
import { toldTurns } from './elision.ts';
import { asksForMore, tellRow, type Outcome } from './outcome.ts';
import { nextStep, type Session, type Step } from './state.ts';
import type { Desk } from './use.ts';

// One session as a graph: open, then reserve, ask, settle and act until something is submitted, then what became of it, and on or out.
//
//   G1. Every step is written down before the next begins, so that a process that dies is gone on from by another.
//   G2. A call that another process reserved may have been made: it counts in full, and the next takes the next ordinal.
//   G3. What a step says to the broker is said alike by whoever repeats it, and recorded once.
//   G4. A signal ends whatever is waited for; the session stays where it was.

const State = Annotation.Root({ session: Annotation<Session>() });
type Held = typeof State.State;

/** What a graph reaches. */
export interface Surroundings extends Asking {
  readonly bursar: Bursar;
  readonly tools: readonly ToolName[];
  /** The desk as the newest reading has it. */
  readonly desk: () => Desk;
  /** What is done where there should be no more attempts now: wait, make one all the same, or give the question up; asked once an attempt. */
  readonly whenStuck: () => 'wait' | 'probe' | 'give-up';
  /** Told of every answer, once it is settled. */
  readonly onAnswer: (signal: AbortSignal) => Promise<void>;
}

/** Far beyond any session: LangGraph's own bound would end it unsaid. */
const MOST_STEPS = 1_000_000;
const STEPS: readonly Step[] = ['open', 'reserve', 'rest', 'ask', 'settle', 'act', 'submit', 'end'];

/** A session that can be run, resumed and looked at. */
export interface SessionGraph {
  /** Begins a session, or with null goes on where it stands, until it waits for a trial or is over. */
  run(thread: string, begin: Session | null, signal: AbortSignal): Promise<Session>;
  /** Goes on with what became of the submission. */
  resume(thread: string, outcome: Outcome, signal: AbortSignal): Promise<Session>;
  look(thread: string): Promise<Session | null>;
}

/** Builds the graph over a store of checkpoints. */
export function sessionGraph({ bursar, tools, desk, whenStuck, onAnswer, ...asking }: Surroundings, saver: BaseCheckpointSaver): SessionGraph {
  const { model, clock, limits } = asking;
  const offered = offersOf(tools);
  const mine = new Set<string>(); // calls that this process reserved and did not make yet
  const question = (session: Session): Question => ({ system: session.system, turns: toldTurns(session), tools: offered, mostTokens: limits.output });
  const prompt = ({ system, turns: [first] }: Session): string => wholePrompt(model.told({ system, tools: offered }), first?.role === 'user' ? first.text : '');
  const timed = async (session: Session, work: () => Promise<Session>): Promise<Session> => {
    const began = clock.now();
    const next = await work();
    return { ...next, thoughtMs: session.thoughtMs + Math.max(0, Math.round(clock.now() - began)) };
  };

  const steps: Record<Exclude<Step, 'over'>, (session: Session, signal: AbortSignal) => Promise<Session>> = {
    async open(session, signal) {
      const opened = await bursar.open(session, { ...worstOf(session, question(session), model.price), prompt: prompt(session) }, signal);
      return { ...session, session: opened.session, calls: Math.max(session.calls, opened.calls) };
    },
    async reserve(session, signal) {
      const worst = worstOf(session, question(session), model.price);
      const cap = capReached(session, limits, worst);
      if (cap !== null) return { ...session, ending: { ending: 'capped', reason: cap.slice(0, 380) } };
      const got = await bursar.reserve(session, { ...worst, prompt: prompt(session) }, signal);
      if (got.kind === 'over') return { ...session, ending: { ending: got.ending, reason: got.reason.slice(0, 380) } };
      mine.add(`${session.session}/${got.call}`);
      return { ...session, calls: got.call, open: { call: got.call, ...worst } };
    },
    ask: (session, signal) => timed(session, async () => {
      const { open } = session;
      if (open === null) return session;
      if (!mine.delete(`${session.session}/${open.call}`)) return { ...session, open: null, tokens: session.tokens + open.tokens, money: session.money + open.money }; // G2
      return makeCall(session, question(session), asking, signal);
    }),
    async settle(session, signal) {
      const { unsettled } = session;
      if (unsettled) await bursar.settle(session, unsettled.call, unsettled.settled, signal);
      if (unsettled?.settled.ended === 'answered') await onAnswer(signal);
      return { ...session, unsettled: null };
    },
    async rest(session, signal) {
      const ms = session.pauseMs ?? 0;
      const { kind, message } = session.trouble ?? { kind: 'server', message: 'the endpoint does not answer' };
      const now = ms < 0 ? whenStuck() : 'probe';
      if (now === 'wait') throw new Unreachable(kind, message);
      if (now === 'give-up') return { ...session, pauseMs: null, ending: { ending: 'failed', reason: `no answer to its question, tried again and again: ${message}`.slice(0, 380) } };
      await clock.wait(Math.max(0, ms), signal);
      return { ...session, pauseMs: null };
    },
    act: (session) => timed(session, () => act(session, desk(), { tools, limits })),
    async submit(session) {
      const outcome = interrupt<string, Outcome>(session.session ?? '');
      return heard(session, outcome, limits);
    },
    async end(session, signal) {
      await bursar.end(session, transcriptOf(session), signal);
      return { ...session, isOver: true };
    },
  };

  const next = ({ session }: Held): string => { const step = nextStep(session); return step === 'over' ? END : step; };
  const node = (step: Exclude<Step, 'over'>) => async ({ session }: Held, config: LangGraphRunnableConfig): Promise<Held> =>
    ({ session: await steps[step](session, config.signal ?? new AbortController().signal) });
  const paths = [...STEPS, END];
  const graph = new StateGraph(State)
    .addNode('open', node('open')).addNode('reserve', node('reserve')).addNode('rest', node('rest')).addNode('ask', node('ask')).addNode('settle', node('settle'))
    .addNode('act', node('act')).addNode('submit', node('submit')).addNode('end', node('end'))
    .addConditionalEdges(START, next, paths as never);
  for (const step of STEPS) graph.addConditionalEdges(step as 'open', next, paths as never);
  const compiled = graph.compile({ checkpointer: saver });
  const configFor = (thread: string, signal?: AbortSignal) => ({ configurable: { thread_id: thread }, recursionLimit: MOST_STEPS, durability: 'sync' as const, ...(signal ? { signal } : {}) }); // G1

  const look = async (thread: string): Promise<Session | null> => ((await compiled.getState(configFor(thread))).values as Partial<Held>).session ?? null;
  const running = async (thread: string, input: Held | Command | null, signal: AbortSignal): Promise<Session> => {
    signal.throwIfAborted();
    const own = new AbortController(); // LangGraph never takes its listeners back, and a signal outlives many runs
    const pass = (): void => own.abort(signal.reason);
    signal.addEventListener('abort', pass, { once: true });
    await compiled.invoke(input as never, configFor(thread, own.signal)).finally(() => signal.removeEventListener('abort', pass));
    const session = await look(thread);
    if (session === null) throw new Error(`the session ${thread} is not in its store`);
    return session;
  };
  return {
    look,
    run: (thread, begin, signal) => running(thread, begin === null ? null : { session: begin }, signal),
    resume: (thread, outcome, signal) => running(thread, new Command({ resume: outcome }), signal),
  };
}

/** A session that hears what became of its submission: it goes on where the result asks for another, and ends otherwise. */
export function heard(session: Session, outcome: Outcome, limits: SessionLimits): Session {
  const { pending } = session;
  if (pending === null) return session;
  const billed = { tokens: session.billed.tokens + pending.tokens, money: session.billed.money + pending.money };
  const done = (trial: string | null): Session => ({ ...session, pending: null, billed, faults: [], submissions: pending.n, trials: trial === null ? session.trials : [...session.trials, trial] });
  const over = (trial: string | null, reason: string, ending: 'submitted' | 'gave_up' = 'submitted'): Session => ({ ...done(trial), ending: { ending, reason } });
  switch (outcome.kind) {
    case 'untold': return over(outcome.trial, 'submitted; without lineage its outcome is not told');
    case 'unmeasured': return over(outcome.trial, `${outcome.trial} could not be measured`);
    case 'closed': return over(null, outcome.reason.slice(0, 380), session.trials.length > 0 ? 'submitted' : 'gave_up');
    case 'row': {
      const { row, asOf } = outcome;
      const isCarriedOut = pending.joint !== null && row.status !== 'rejected'; // its draft is answered, and what two own is proposed no second time
      const mayTry = asksForMore(row) && !isCarriedOut && pending.n < limits.submissions;
      const after = done(row.trial);
      const text = tellRow(row, mayTry ? `This asks for another trial: mend it and submit again (${limits.submissions - pending.n} left), or give_up. The recipe in work is as you submitted it.${lastCall(after, limits)}` : '');
      const told: Session = { ...after, asOf, feedback: session.feedback === null ? null : cutMiddle(`${session.feedback}\n## ${row.trial}, of this session\n${text}\n`, 120_000, 'too long'), turns: [...session.turns, { role: 'tool', call: pending.call, tool: pending.tool, text }] };
      return mayTry ? told : { ...told, ending: { ending: 'submitted', reason: `${row.trial}: ${row.status ?? 'not measured'}` } };
    }
    default: return outcome satisfies never;
  }
}

/** Every turn, one JSON line each, as it is kept. */
export function transcriptOf({ turns }: Session): string {
  const lines = turns.map((turn) => JSON.stringify(turn).replaceAll(/[\u007f-\u009f]/g, '\ufffd')).join('\n');
  return lines.length <= LONGEST_PROMPT ? lines : cutMiddle(lines, LONGEST_PROMPT - 200, 'too long to keep');
}
