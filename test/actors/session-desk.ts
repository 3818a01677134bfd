import { act, toolsOf } from '../../src/actors/specialist/session/act.ts';
import { answered, settledBy } from '../../src/actors/specialist/session/answered.ts';
import { newSession, type Session } from '../../src/actors/specialist/session/state.ts';
import type { Desk } from '../../src/actors/specialist/session/use.ts';
import { patches } from '../../src/adapters/patches/index.ts';
import type { ToolCall } from '../../src/domain/conversation.ts';
import type { SessionLimits } from '../../src/domain/prompt.ts';
import type { LineageRow } from '../../src/protocols/lineage.ts';
import { BLANK } from './laboratory/simulation.ts';

// A session at a desk of its own: what its tools reach is told by the test.

export const LIMITS: SessionLimits = { turns: 24, tokens: 200_000, seconds: 900, output: 8_000, submissions: 3, money: null };
export const RECIPE = { 'model.py': 'WIDTH = 64\nDEPTH = 2\n\ndef forward(x):\n    return x * WIDTH\n', 'data.py': 'CONTEXT = 128\n' };
export const HASH = 'a'.repeat(64);
export const row = (more: Partial<LineageRow>): LineageRow => ({ ...BLANK, trial: 't0001', specialist: 'model', parent: 't0000', status: 'keep', snapshot: 'b'.repeat(64), seq: 5, ...more });

export const desk = (more: Partial<Desk> = {}): Desk => ({
  specialist: 'model', lineage: true, patches, rows: [row({ trial: 't0000', specialist: 'baseline', status: 'baseline', snapshot: HASH }), row({})],
  recipeOf: async (snapshot) => (snapshot === HASH ? RECIPE : { ...RECIPE, 'model.py': 'WIDTH = 96\n' }),
  draft: async () => null, check: async () => ({ kind: 'passes' }), hint: async () => 'passed on', offer: async () => 'offered', decline: async () => 'declined', ...more,
});
export const begin = (more: Partial<Session> = {}): Session => ({ ...newSession({ clientId: 'c1', system: 'be brief', feedback: null, asOf: 3, parent: 't0000', snapshot: HASH }, 'begin'), session: 's0001', ...more });
export const TOOLS = toolsOf({ lineage: true, joint: true });
export const USAGE = { input: 10, cached: 0, output: 5, isMeasured: true };
/** What a session is after one answer was taken in and carried out. */
export async function after(session: Session, calls: readonly (readonly [tool: string, input: unknown])[], on = desk(), tools = TOOLS, limits = LIMITS): Promise<Session> {
  const said = calls.map(([tool, input], i): ToolCall => ({ id: `c${session.answers}-${i}`, tool, input: typeof input === 'string' ? input : JSON.stringify(input) }));
  return act(answered(session, { text: 'so', calls: said, ended: said.length > 0 ? 'calls' : 'stop', usage: USAGE }, settledBy(USAGE, null, 'answered', '')), on, { tools, limits });
}
export const lastText = (session: Session): string => session.turns.at(-1)?.text ?? '';
export const edit = (search: string, replace: string, file = 'model.py') => ({ edits: [{ file, search, replace }] });
export const idea = { hypothesis: 'a wider layer learns more from each step', expectedDelta: -0.01 };
