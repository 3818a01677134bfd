import type { ToolCall, Turn } from '../../../domain/conversation.ts';
import { bytesOf, cutMiddle } from '../../../domain/cut.ts';
import type { SessionLimits } from '../../../domain/prompt.ts';
import { neutralise } from '../../../domain/quote.ts';
import { NoAnswer } from '../../../ports.ts';
import { offer, readCall, type ToolName } from '../../../protocols/tools.ts';
import { lastCall, TOOL_BYTES } from './caps.ts';
import type { Fault, Session } from './state.ts';
import { use, type Desk, type Used } from './use.ts';

// One answer of the model, carried out.
//
//   A1. Every call is answered, in its order, within the cap; what comes after a submission is not run.
//   A2. A reply that cannot be used is asked for once more; the same fault again, with nothing usable between, ends the session.
//   A3. Nothing that a model says makes this throw: only the broker's and the keeper's silence does. What they refuse is told, for asked again it would be
//       refused again.

/** Calls of one answer that are run. */
const MOST_CALLS = 16;
/** Faults of form: any call that can be read mends them. */
const FORM: readonly Fault[] = ['no-tool', 'cut', 'tool', 'json', 'input'];

/** The tools that a specialist is offered. */
export const toolsOf = ({ lineage, joint }: { readonly lineage: boolean; readonly joint: boolean }): readonly ToolName[] => [
  'read', ...(lineage ? ['diff', 'rebase'] as const : []), 'edit', 'check', 'submit', 'give_up', ...(lineage && joint ? ['hint', 'draft_joint', 'accept_joint', 'decline_joint'] as const : []),
];

/** The same in the words of an endpoint. */
export const offersOf = (tools: readonly ToolName[]): ReturnType<typeof offer> => offer(tools);

/** Carries out the last answer. */
export async function act(session: Session, desk: Desk, { tools, limits }: { readonly tools: readonly ToolName[]; readonly limits: SessionLimits }): Promise<Session> {
  const said = session.turns.at(-1);
  if (said?.role !== 'model') return session;
  if (said.calls.length === 0) return withoutTool(session, limits);
  let now = session;
  const before = session.faults;
  const results: Turn[] = [];
  for (const [i, call] of said.calls.entries()) {
    const isLeft = i >= MOST_CALLS || now.pending !== null || now.ending !== null;
    const done = isLeft ? { text: `not run: ${now.pending !== null ? 'the submission before it comes first' : now.ending !== null ? 'the session ends' : `at most ${MOST_CALLS} calls of one answer are`}` } : await carryOut(call, now, i);
    now = { ...now, ...('change' in done ? done.change : {}) };
    if ('fault' in done && done.fault !== undefined) now = note(now, before, done.fault, done.text);
    if (now.pending?.call === call.id && !isLeft) continue; // its result comes when the trial has ended
    results.push({ role: 'tool', call: call.id, tool: call.tool, text: done.text });
  }
  const hint = now.pending === null && now.ending === null ? lastCall(now, limits, results.reduce((sum, { text }) => sum + Math.min(TOOL_BYTES, bytesOf(text)), 0)) : '';
  const within = results.map((turn, i) => { // A1
    const after = i === results.length - 1 ? hint : '';
    return { ...turn, text: cutMiddle(turn.text, TOOL_BYTES - bytesOf(after), 'ask for less at once') + after };
  });
  return { ...now, turns: [...now.turns, ...within] };

  async function carryOut(call: ToolCall, at: Session, i: number): ReturnType<typeof use> {
    const read = readCall(call.tool, call.input, tools);
    if (read.kind === 'malformed') return { text: read.message, fault: read.fault };
    const mended = { ...at, faults: at.faults.filter((fault) => !FORM.includes(fault) && !(fault === 'edit' && read.use.tool === 'edit')) };
    const used = await use(read.use, mended, desk, { id: call.id, at: `${at.session ?? 'session'}-${at.answers}-${i}` }).catch((error: unknown): Used => {
      if (!(error instanceof NoAnswer) || error.reason !== 'refused') throw error;
      return { text: `${call.tool} was refused: ${neutralise(error.message).slice(0, 400)}. Go about it otherwise, or give_up.` }; // A3
    });
    return { ...used, change: { faults: used.fault === undefined ? mended.faults : at.faults.filter((fault) => !FORM.includes(fault)), ...used.change } };
  }
}

function withoutTool(session: Session, limits: SessionLimits): Session {
  const why = session.endedBy === 'length' ? `your answer was cut off at ${limits.output} tokens before it used a tool: be brief, and split a long edit into several` : session.endedBy === 'refused' ? 'your answer was withheld by its endpoint' : 'your answer used no tool, and nobody acts on words alone: use one of the tools';
  const noted = note(session, session.faults, session.endedBy === 'length' ? 'cut' : 'no-tool', why);
  return { ...noted, turns: [...noted.turns, { role: 'user', text: `${why}.${lastCall(noted, limits)}` }] };
}

function note(session: Session, before: readonly Fault[], fault: Fault, why: string): Session { // A2
  if (before.includes(fault)) return { ...session, ending: { ending: 'malformed', reason: `twice ${fault}: ${why.split('\n')[0] ?? ''}`.slice(0, 380) } };
  return session.faults.includes(fault) ? session : { ...session, faults: [...session.faults, fault], repairs: session.repairs + 1 };
}
