import { fit } from './terminal.ts';

/** Lines that scroll away above a few that are drawn in place. */
export interface Screen { line(text: string): void; footer(lines: readonly string[]): void }

/** A screen on a stream; without a width there is no footer, only lines. */
export function screen(out: { write(text: string): unknown }, width: () => number | null): Screen {
  let drawn: readonly string[] = [];
  const erase = (): string => (drawn.length === 0 ? '' : `\u001b[${drawn.length}A\r\u001b[J`);
  const render = (lines: readonly string[]): string => lines.map((line) => `${cut(line, (width() ?? 80) - 1)}\n`).join('');
  return {
    line(text) {
      out.write(`${erase()}${text}\n${render(drawn)}`);
    },
    footer(lines) {
      if (width() === null) return;
      const before = erase();
      const wanted = lines.length === 0 || drawn.length > 0 || lines.some(Boolean) ? lines : [];
      const first = wanted.length === 0 ? [] : ['', ...wanted];
      if (first.join('\n') === drawn.join('\n')) return;
      drawn = first;
      out.write(before + render(drawn));
    },
  };
}

/** A line that may carry colours, cut so that it cannot wrap: colours are dropped when it has to be. */
const cut = (line: string, columns: number): string => {
  const plain = line.replace(/\u001b\[[0-9;]*m/g, '');
  const fitted = fit(plain, columns);
  return fitted === plain ? line : fitted;
};
