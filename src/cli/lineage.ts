import type { Command } from 'commander';
import { decimal, oneLine } from '../domain/figures.ts';
import { BASELINE } from '../domain/ids.ts';
import { best, statusOf, statusWord, type Lineage, type TrialRow } from '../domain/lineage.ts';
import { byline, preorder, trialObject } from '../domain/tables.ts';
import { jsonLine, reading, runCommand } from './reading.ts';
import type { Surroundings } from './surroundings.ts';
import { columnsOf, fit, painter, toneOfStatus, type Paint } from './view/terminal.ts';

/** `brigade lineage`: the tree of trials by parent. */
export function lineageCommand(program: Command, here: Surroundings): void {
  runCommand(program, 'lineage', 'the tree of trials by parent', 'lineage golf-mini-1121a')
    .action(async (run: string | undefined, flags: { json?: boolean }) => reading(here, run, (opened) => {
      if (flags.json) for (const { row, depth } of preorder(opened.lineage, () => true)) here.out.write(jsonLine({ depth, ...trialObject(opened.run, opened.lineage, row) }));
      else here.out.write(`${treeLines(opened.lineage, here.width(), painter(here.color)).join('\n')}\n`);
    }));
}

/** The tree as lines, waiting trials included; a wide terminal also shows what each tried. */
function treeLines(lineage: Lineage, width: number | null, paint: Paint): string[] {
  const head = best(lineage)?.trial;
  const open: boolean[] = []; // open[d]: an ancestor at depth d has siblings still to come
  return preorder(lineage, () => true).map(({ row, depth, isLast }) => {
    open[depth] = !isLast;
    const branch = depth === 0 ? '' : `${open.slice(1, depth).map((more) => (more ? '│  ' : '   ')).join('')}${isLast ? '└─ ' : '├─ '}`;
    const line = `${paint('quiet', branch)}${row.trial === head ? paint('strong', row.trial) : row.trial} ${row.trial === BASELINE ? '' : `${byline(row)}  `}${paint(toneOfStatus(statusOf(row)), said(lineage, row))}${row.trial === head && row.trial !== BASELINE ? '  ← best' : ''}`;
    const room = width === null ? 0 : width - columnsOf(line) - 4;
    return room >= 24 && row.trial !== BASELINE ? `${line}   ${paint('quiet', fit(oneLine(row.proposal.hypothesis), room))}` : line;
  });
}

const said = (lineage: Lineage, row: TrialRow): string => {
  const status = statusOf(row);
  const scored = status === 'keep' || status === 'discard' || status === 'baseline';
  return `${statusWord(lineage, row)}${scored && row.result?.score != null ? ` ${decimal(row.result.score)}` : ''}`;
};
