import { resolve } from 'node:path';
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { comparisonFigure, comparisonPage } from '../adapters/report/index.ts';
import { incomparable, type Compared } from '../domain/analysis/arms.ts';
import { compare, type Comparison } from '../domain/analysis/comparison.ts';
import { armTable, asMarkdown, comparedAt, pairedTable } from '../domain/analysis/comparison-table.ts';
import { choice } from './choice.ts';
import { Mistake } from './mistake.ts';
import { jsonLine, reading } from './reading.ts';
import type { Surroundings } from './surroundings.ts';
import { aligned, painter, type Paint } from './view/terminal.ts';

interface Flags { readonly at: string; readonly out?: string; readonly json?: boolean; readonly markdown?: boolean }

/** `brigade compare`: arms side by side, with intervals over seeds and the paper's control figure. */
export function compareCommand(program: Command, here: Surroundings): void {
  program.command('compare <run...>').description('arms side by side: runs are grouped by how they were set up, and compared at equal budget')
    .option('--at <budget>', 'cut every run at the least of: trials, slot-seconds; or all: whole runs', 'trials')
    .option('--out <file>', 'draw the control figure: a page (.html) or the figure alone (.svg)')
    .option('--markdown', 'print the tables for a page').option('--json', 'print one JSON object')
    .addHelpText('after', '\nA run may be given an arm by hand, which imported runs need where several are seeds of one: NAME=RUN,RUN\n\nExamples:\n  $ brigade compare night-specialists night-single --out arms.html\n  $ brigade compare with=lineage_on_a,lineage_on_b without=lineage_off_a --at slot-seconds')
    .action(async (asked: string[], flags: Flags) => {
      const at = choice('--at', flags.at, ['trials', 'slot-seconds', 'all']);
      if (flags.out !== undefined && !/\.(html|svg)$/.test(flags.out)) throw new Mistake(`--out ${flags.out} must end in .html or .svg`);
      const runs: Compared[] = [];
      for (const { run: name, arm } of named(asked)) await reading(here, name, ({ run, lineage }) => { runs.push({ run, lineage, arm }); });
      const reason = incomparable(runs);
      if (reason !== null) throw new Mistake(reason);
      const comparison = compare(runs, at);
      if (comparison.at !== null && comparison.at.most === 0) throw new Mistake(`${comparison.at.setBy} has no ${comparison.at.budget === 'trials' ? 'trial that has ended' : 'slot-second used'}, so there is nothing to cut the others at: leave it out, or --at all`);
      if (flags.out !== undefined) await writeFile(resolve(flags.out), flags.out.endsWith('.svg') ? comparisonFigure(comparison) : comparisonPage(comparison));
      here.out.write(flags.json ? jsonLine(comparison) : `${(flags.markdown ? markdown(comparison) : lines(comparison, painter(here.color))).join('\n')}\n`);
      if (flags.out !== undefined && !flags.json && !flags.markdown) here.out.write(`figure     ${flags.out}\n`);
    });
}

/** Runs as they were named, each once; `NAME=RUN,RUN` names their arm. */
function named(asked: readonly string[]): { readonly run: string; readonly arm: string | null }[] {
  const found = new Map<string, string | null>();
  for (const each of asked) {
    const [arm = '', list] = each.split('=', 2);
    if (list === undefined) { if (!found.has(each)) found.set(each, null); continue; }
    const runs = list.split(',').filter((run) => run !== '');
    if (arm.trim() === '' || runs.length === 0) throw new Mistake(`${each} must be NAME=RUN,RUN: a name for the arm, and the runs of it`);
    for (const run of runs) {
      if (found.has(run)) throw new Mistake(`${run} is named twice: a run belongs to one arm`);
      found.set(run, arm.trim());
    }
  }
  return [...found].map(([run, arm]) => ({ run, arm }));
}

function lines(comparison: Comparison, paint: Paint): string[] {
  const quietHead = ([head = [], ...rows]: readonly (readonly string[])[]): string[] => aligned([head.map((cell) => paint('quiet', cell)), ...rows]);
  const pairs = pairedTable(comparison);
  return [
    paint('strong', comparedAt(comparison)), ...armLines(comparison), ...comparison.warnings.map((warning) => `${paint('bad', 'note')}       ${warning}`),
    '', ...quietHead(armTable(comparison)), ...(pairs.length > 1 ? ['', ...quietHead(pairs)] : []), '', INTERVALS,
  ];
}

const armLines = ({ arms }: Comparison): string[] => arms.map(({ arm, courses }) => `arm        ${arm}   ${courses.map(({ run, seed, record }) => (record.interventions === null ? run : `${run} (seed ${seed})`)).join(', ')}`);

const markdown = (comparison: Comparison): string[] => {
  const pairs = pairedTable(comparison);
  return [comparedAt(comparison), '', ...armLines(comparison).map((line) => `- ${line.replace(/^arm +/, '')}`), ...comparison.warnings.map((warning) => `- Note: ${warning}.`), '', asMarkdown(armTable(comparison)), ...(pairs.length > 1 ? [asMarkdown(pairs)] : []), INTERVALS];
};

const INTERVALS = "Means over the runs of an arm; in brackets Student's 95% interval over n seeds, none for one run.";
