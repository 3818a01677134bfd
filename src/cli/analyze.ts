import type { Command } from 'commander';
import { analyze, type Analysis } from '../domain/analysis/analysis.ts';
import { labelTable, quantities, roleTable } from '../domain/analysis/quantities.ts';
import type { Lineage } from '../domain/lineage.ts';
import { jsonLine, reading } from './reading.ts';
import type { Surroundings } from './surroundings.ts';
import { columnsOf, pad, painter, type Paint } from './view/terminal.ts';

/** `brigade analyze`: the paper's tables, for runs of our own and imported ones, side by side. */
export function analyzeCommand(program: Command, here: Surroundings): void {
  program.command('analyze [run...]').description("outcomes, diversity, who built on whom, throughput and compute of one or more runs, side by side")
    .option('--json', 'print one JSON object a run')
    .addHelpText('after', '\nExamples:\n  $ brigade analyze golf-mini-1121a\n  $ brigade analyze specialists-night one-agent-night --json')
    .action(async (names: string[], flags: { json?: boolean }) => {
      const runs: { run: string; lineage: Lineage }[] = [];
      for (const name of names.length > 0 ? [...new Set(names)] : [undefined]) await reading(here, name, ({ run, lineage }) => { runs.push({ run, lineage }); });
      const analyses = analyze(runs);
      if (flags.json) for (const analysis of analyses) here.out.write(jsonLine(analysis));
      else here.out.write(`${lines(analyses, painter(here.color)).join('\n')}\n`);
    });
}

function lines(analyses: readonly Analysis[], paint: Paint): string[] {
  return [
    ...table([['', ...analyses.map(({ run }) => run)], ...quantities(analyses).map(({ name, values }) => [name, ...values])], paint, 'left'),
    ...analyses.flatMap((analysis) => [
      '', `${paint('strong', analysis.run)}   outcomes by specialist`, ...table(roleTable(analysis), paint, 'right'),
      '', `${paint('strong', analysis.run)}   compute by label`, ...table(labelTable(analysis), paint, 'right'),
    ]),
  ];
}

/** Aligned columns, the first to the left; figures stand to the right where a column is all figures. */
function table(rows: readonly (readonly string[])[], paint: Paint, side: 'left' | 'right'): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => columnsOf(row[i] ?? ''))));
  return rows.map((row, n) => {
    const text = row.map((cell, i) => pad(cell, widths[i] ?? 0, i > 0 && side === 'right' ? 'left' : 'right')).join('  ').trimEnd();
    return `  ${n === 0 ? paint('quiet', text) : text}`;
  });
}
