import type { Command } from 'commander';
import { best } from '../domain/lineage.ts';
import { comparability, headline, ranked, tallyLine } from '../domain/leaderboard.ts';
import { summarize } from '../domain/summary.ts';
import { endedRows, trialObject } from '../domain/tables.ts';
import { jsonLine, reading, runCommand } from './reading.ts';
import type { Surroundings } from './surroundings.ts';
import { trialHead, trialLine } from './view/lines.ts';
import { painter } from './view/terminal.ts';

/** How many scored trials are shown unless all are asked for. */
const TOP = 20;

/** `brigade results`: the best trials of a run, or all that have ended. */
export function resultsCommand(program: Command, here: Surroundings): void {
  runCommand(program, 'results', 'the best trials of a run, or every trial that has ended', 'results golf-mini-1121a --all')
    .option('--all', 'every trial in the order it was proposed, failures too')
    .action(async (run: string | undefined, flags: { json?: boolean; all?: boolean }) => reading(here, run, (opened) => {
      const { lineage } = opened;
      const rows = flags.all ? endedRows(lineage) : ranked(lineage).slice(0, TOP);
      if (flags.json) {
        for (const row of rows) here.out.write(jsonLine({ ...trialObject(opened.run, lineage, row), best: row.trial === best(lineage)?.trial }));
        return;
      }
      const look = { width: here.width(), paint: painter(here.color) };
      const summary = summarize(opened.run, lineage, here.now());
      const lines = [headline(summary), '', trialHead(lineage, look), ...rows.map((row) => trialLine(row, lineage, look)), '', ...[comparability(summary) ?? []].flat().map((note) => look.paint('quiet', note)), `${tallyLine(summary)}.`];
      here.out.write(`${lines.join('\n')}\n`);
    }));
}
