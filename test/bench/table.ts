import type { Figure } from './figure.ts';
import { meetsAim } from './figure.ts';
import type { Machine } from './machine.ts';

const HEAD = ['figure', 'unit', 'n', 'p50', 'p95', 'max', 'aim', '', 'note'] as const;

/** The figures in columns, for a terminal. */
export function plainTable(machine: Machine, figures: readonly Figure[]): string {
  const rows = [[...HEAD], ...figures.map(cells)];
  const widths = HEAD.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, i) => (i >= 2 && i <= 5 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join('  ').trimEnd());
  return `${machineLines(machine).join('\n')}\n\n${lines.join('\n')}\n`;
}

/** The same for a page. */
export function markdownTable(machine: Machine, figures: readonly Figure[]): string {
  const line = (row: readonly string[]): string => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return `${machineLines(machine).join('  \n')}\n\n${line(HEAD)}\n| --- | --- | ---: | ---: | ---: | ---: | --- | --- | --- |\n${figures.map((figure) => line(cells(figure))).join('\n')}\n`;
}

const machineLines = (m: Machine): string[] => [
  `commit ${m.commit}`,
  `${m.cores} cores, ${m.cpu}, ${m.memoryGiB} GiB, ${m.system}, load before ${m.loadBefore}`,
  `node ${m.node}, nats-server ${m.natsServer}, python ${m.python}, torch ${m.torch}, ${m.sandbox}`,
];

function cells(figure: Figure): string[] {
  const { name, unit, n, p50, p95, max, aim, note } = figure;
  const meets = meetsAim(figure);
  return [name, unit, String(n), digits(p50), digits(p95), digits(max), aim ? `${aim.of === 'p50' ? '' : `${aim.of} `}${aim.bound === 'at most' ? '≤' : '≥'} ${aim.value}` : '', meets === null ? '' : meets ? 'met' : 'missed', note];
}

/** Three digits that count. */
function digits(value: number | null): string {
  if (value === null) return '';
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size >= 1000 ? Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, ',') : value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4);
}
