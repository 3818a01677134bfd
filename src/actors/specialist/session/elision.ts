import type { Turn } from '../../../domain/conversation.ts';
import { bytesOf } from '../../../domain/cut.ts';
import type { Session } from './state.ts';

// A conversation that outgrew its model: the oldest results of tools are told in a word. What was said stays in the session, and so in its transcript.

/** Results shorter than this are left as they are. */
const WORTH_BYTES = 300;

const isLong = (turn: Turn): boolean => turn.role === 'tool' && bytesOf(turn.text) > WORTH_BYTES;

/** The turns as they are told to the model. */
export const toldTurns = ({ turns, elided }: Pick<Session, 'turns' | 'elided'>): readonly Turn[] => (elided === 0 ? turns
  : turns.map((turn, i) => (i < elided && turn.role === 'tool' && isLong(turn) ? { ...turn, text: `(left out, because the conversation outgrew what you can take: ${bytesOf(turn.text)} bytes that ${turn.tool.slice(0, 60)} answered; ask again for what you still need)` } : turn)));

/** A session whose question was too long: it tells half of its long results no more, the oldest first, or is over when there are none left. */
export function longer(session: Session): Session {
  const left = session.turns.flatMap((turn, i) => (i >= session.elided && isLong(turn) ? [i] : []));
  const last = left[Math.ceil(left.length / 2) - 1];
  if (last === undefined) return { ...session, ending: { ending: 'failed', reason: `the question is longer than the model takes, and nothing is left to leave out of it: ${session.trouble?.message ?? ''}`.slice(0, 380) } };
  return { ...session, elided: last + 1, counted: null };
}
