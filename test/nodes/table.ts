import type { Row } from './nemesis.ts';

const seconds = (ms: number | null): string => (ms === null ? 'never' : `${(ms / 1000).toFixed(1)} s`);

/** The table of a scripted run, for a terminal. */
export function tableOf(rows: readonly Row[], skipped: readonly { readonly fault: string; readonly why: string }[]): string {
  const head = ['fault', 'injected', 'threatens', 'result', 'longest stall', 'seen late by', 'went on after'];
  const cells = [
    ...rows.map((row) => [row.fault, row.did, row.threatens.join(' '), row.broken.length === 0 ? 'holds' : `${row.broken.length} BROKEN`, seconds(row.stallMs), seconds(row.lateMs), seconds(row.resumedMs)]),
    ...skipped.map(({ fault, why }) => [fault, `NOT DONE: ${why}`, '', '', '', '', '']),
  ];
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ').trimEnd();
  return [line(head), line(widths.map((width) => '─'.repeat(width))), ...cells.map(line)].join('\n');
}
