import type { Command } from 'commander';
import { createTwoFilesPatch } from 'diff';
import { diffStat, readRecipe } from '../adapters/report/index.ts';
import type { TrialRow } from '../domain/lineage.ts';
import type { Recipe } from '../domain/recipe.ts';
import { Mistake } from './mistake.ts';
import type { OpenRun } from './opening.ts';
import { findTrial, jsonLine, reading, trialCommand } from './reading.ts';
import type { Surroundings } from './surroundings.ts';
import { paintDiff } from './view/diff.ts';
import { painter } from './view/terminal.ts';

/** `brigade diff`: what a trial changed, against its parent or any other trial. */
export function diffCommand(program: Command, here: Surroundings): void {
  trialCommand(program, 'diff <trial> [against]', 'what a trial changed against its parent, or against another trial', 'diff t0031 t0000')
    .action(async (trial: string, against: string | undefined, flags: { run?: string; json?: boolean }) => reading(here, flags.run, async (opened) => {
      if (opened.lineage.imported) throw new Mistake(`${opened.run} was imported, and a results.tsv holds no recipes: brigade show ${trial} --run ${opened.run} has what was tried`);
      const row = findTrial(opened, trial);
      const other = against === undefined ? null : findTrial(opened, against);
      const patch = other === null ? row.proposal.patch : recipeDiff(await recipeOf(opened, other), await recipeOf(opened, row));
      if (flags.json) here.out.write(jsonLine({ run: opened.run, trial: row.trial, against: other?.trial ?? row.proposal.parent, stat: diffStat(patch), patch }));
      else here.out.write(patch === '' ? `${row.trial} and ${other?.trial ?? row.proposal.parent} are the same recipe\n` : paintDiff(patch, painter(here.color)));
    }));
}

const recipeOf = async ({ blobs }: OpenRun, row: TrialRow): Promise<Recipe> => {
  if (row.snapshot === null) throw new Mistake(`${row.trial} was refused, so it has no recipe to compare: brigade show ${row.trial} has its diff and the reason`);
  return readRecipe(blobs, row.snapshot);
};

/** A unified diff between two recipes, file by file in order of their paths. */
function recipeDiff(before: Recipe, after: Recipe): string {
  const paths = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort().filter((path) => before[path] !== after[path]);
  return paths.map((path) => {
    const from = path in before ? `a/${path}` : '/dev/null';
    const to = path in after ? `b/${path}` : '/dev/null';
    return createTwoFilesPatch(from, to, before[path] ?? '', after[path] ?? '', undefined, undefined, { context: 3 }).replace(/^=+\n/, '');
  }).join('');
}
