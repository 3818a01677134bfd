import { stringify } from 'yaml';
import { counted, oneLine, plural } from '../../domain/figures.ts';
import { spentOn, type SessionRow } from '../../domain/session.ts';
import { amount } from '../../domain/thought.ts';
import type { Paint } from './terminal.ts';

/** Everything about a session but what was said in it, one fact a line. */
export function sessionLines(row: SessionRow, paint: Paint): string[] {
  const { session, opened, ended, calls } = row;
  const { tokens, money } = spentOn(row);
  const failed = [...calls.values()].filter(({ settled }) => settled?.ended === 'failed');
  const out = [...calls.values()].filter(({ settled }) => settled === null).length;
  return [
    [`${paint('strong', session)}  ${opened.specialist}`, ended === null ? 'open' : ended.ending, opened.model, `knew the journal up to ${opened.asOf}`].join('   '),
    ...(ended === null || ended.reason === '' ? [] : [`because  ${oneLine(ended.reason)}`]),
    [plural(calls.size, 'call'), ...(failed.length > 0 ? [`${failed.length} failed (${oneLine(failed.at(-1)?.settled?.why ?? '')})`] : []), ...(out > 0 ? [`${out} not settled, counted in full`] : []),
      `${counted(tokens)} tokens`, `money ${amount(money)}`, ...(ended !== null && ended.repairs > 0 ? [plural(ended.repairs, 'repair')] : [])].join('   '),
    ...(ended === null || ended.trials.length === 0 ? [] : [`trials   ${ended.trials.join(' ')}`]),
    paint('quiet', `         (brigade show ${session} --prompt: what it was told; --session: all that was said)`),
  ];
}

/** A conversation as a person reads it; a line of it that is no turn stays as it is. */
export const conversation = (transcript: string): string => transcript.split('\n').map((line) => {
  const turn = turnOf(line);
  if (turn === null) return line;
  const calls = Array.isArray(turn['calls']) ? turn['calls'].map(wanted) : [];
  const who = [turn['role'], turn['tool']].filter((each) => typeof each === 'string').join(' ');
  return [`── ${who}`, ...(typeof turn['text'] === 'string' && turn['text'] !== '' ? [turn['text']] : []), ...calls].join('\n');
}).join('\n');

/** A tool that the model wanted used, and with what: as YAML, for what it edits has many lines. */
function wanted(call: unknown): string {
  const { tool, input } = typeof call === 'object' && call !== null ? { tool: undefined, input: undefined, ...call } : { tool: undefined, input: undefined };
  if (typeof tool !== 'string' || typeof input !== 'string') return `→ ${JSON.stringify(call)}`;
  return [`→ ${tool}`, ...(/^\s*(?:\{\s*\})?\s*$/.test(input) ? [] : spelt(input).split('\n').map((line) => `  ${line}`))].join('\n');
}

function spelt(input: string): string {
  try {
    const parsed: unknown = JSON.parse(input);
    return typeof parsed === 'object' && parsed !== null ? stringify(parsed, { lineWidth: 0 }).trimEnd() : input;
  } catch { return input; }
}

function turnOf(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null && 'role' in parsed ? { ...parsed } : null;
  } catch { return null; }
}
