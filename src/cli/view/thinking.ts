import { counted, oneLine, plural } from '../../domain/figures.ts';
import type { Lineage } from '../../domain/lineage.ts';
import { outstanding } from '../../domain/sessions.ts';
import { amount, thoughts, usedOf } from '../../domain/thought.ts';
import { aligned, type Paint } from './terminal.ts';

/** What thinking has taken and what is left of it, and each specialist's part; nothing where no model was asked. */
export function thinkingLines(lineage: Lineage, paint: Paint): string[] {
  const all = thoughts(lineage);
  if (all.length === 0) return [];
  const { limits, tokens: used } = lineage;
  const rows = all.map(({ specialist, sessions, endings, calls, failed, spent, stalled }) => [
    specialist, plural(sessions, 'session'), [...endings].map(([ending, n]) => `${n} ${ending}`).join(', '), `${plural(calls, 'call')}${failed > 0 ? `, ${failed} failed` : ''}`,
    `${counted(spent.tokens)} tokens`, amount(spent.money), stalled ? paint('warn', `stalled (${stalled.cause}): ${oneLine(stalled.reason)}`) : '',
  ]);
  const out = outstanding(lineage.sessions);
  return [
    `thinking   tokens ${usedOf(used.tokens, limits?.tokens ?? null, counted)}   money ${usedOf(used.money, limits?.money ?? null, amount)}`,
    ...(out.tokens === 0 ? [] : [paint('quiet', `           of these ${counted(out.tokens)} tokens, money ${amount(out.money)} are the most that calls being made may take: some of it comes back`)]),
    ...aligned(rows),
  ];
}

/** The same for machines. */
export const thinkingObjects = (lineage: Lineage): readonly Readonly<Record<string, unknown>>[] => thoughts(lineage).map(({ endings, spent, ...rest }) => ({ ...rest, endings: Object.fromEntries(endings), ...spent }));
