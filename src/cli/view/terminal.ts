import type { Status } from '../../domain/status.ts';

/** How a piece of text is meant; a terminal shows it as a colour, a pipe not at all. */
export type Tone = 'good' | 'quiet' | 'warn' | 'bad' | 'strange' | 'strong' | 'plain';
export type Paint = (tone: Tone, text: string) => string;

const CODES: Readonly<Record<Tone, string>> = { good: '32', quiet: '2', warn: '33', bad: '31', strange: '35', strong: '1', plain: '' };

/** Colours for a terminal that wants them, none for any other. */
export const painter = (color: boolean): Paint => (tone, text) => (color && CODES[tone] !== '' && text !== '' ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text);

/** How a status is meant wherever it is printed. */
export function toneOfStatus(status: Status | null): Tone {
  switch (status) {
    case 'keep': return 'good';
    case 'baseline': return 'strong';
    case 'discard': case 'rejected': case null: return 'quiet';
    case 'size_blocked': case 'train_budget_overrun': case 'eval_budget_overrun': case 'disqualified': return 'warn';
    case 'preflight_crash': case 'crash': return 'bad';
    case 'tampered': case 'lost': case 'harness_abort': return 'strange';
    default: return status satisfies never;
  }
}

/** Columns a text takes; East Asian wide characters and pictures take two. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text.replace(/\u001b\[[0-9;]*m/g, '')) columns += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u.test(character) ? 2 : /\p{Mn}/u.test(character) ? 0 : 1;
  return columns;
}

/** Text cut to a number of columns, with an ellipsis where something is missing. Takes plain text only. */
export function fit(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let taken = '';
  for (const character of text) { if (columnsOf(taken + character) > columns - 1) break; taken += character; }
  return columns <= 0 ? '' : `${taken.trimEnd()}…`;
}

/** Text filled up with spaces to the right, or to the left for numbers. */
export const pad = (text: string, columns: number, side: 'left' | 'right' = 'right'): string => {
  const space = ' '.repeat(Math.max(0, columns - columnsOf(text)));
  return side === 'right' ? text + space : space + text;
};

/** Rows in aligned columns, two spaces apart; the last one is not filled up. */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => columnsOf(row[i] ?? ''))));
  return rows.map((row) => row.map((cell, i) => (i === row.length - 1 ? cell : pad(cell, widths[i] ?? 0))).join('  ').trimEnd());
}
