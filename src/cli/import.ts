import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Command } from 'commander';
import { exportRun } from '../adapters/report/index.ts';
import { findTrace, foldFiles, keepTrace, noteOf, readNote, type Asked, type TraceFiles } from '../adapters/traces/index.ts';
import { plural } from '../domain/figures.ts';
import { TOKEN } from '../domain/ids.ts';
import { describeDamage, type Imported } from '../domain/imported.ts';
import { headline, tallyLine } from '../domain/leaderboard.ts';
import type { Lineage } from '../domain/lineage.ts';
import { summarize } from '../domain/summary.ts';
import { openImported } from './open-imported.ts';
import { Mistake } from './mistake.ts';
import { listRunFiles, runDir, writeRunFile, type Place } from './place.ts';
import { jsonLine } from './reading.ts';
import type { Surroundings } from './surroundings.ts';

interface Flags { readonly name?: string; readonly metric?: string; readonly direction?: string; readonly json?: boolean }

/** `brigade import`: a run that the reference, or another Brigade, has left behind, as a read-only run of this place. */
export function importCommand(program: Command, { place, out }: Surroundings): void {
  program.command('import <path...>').description("read the results.tsv of a finished run (the reference's, or ours) into a read-only run")
    .option('--name <run>', "name of the run; its folder's when not given").option('--metric <column>', 'the column that was improved; found from the changes when not given')
    .option('--direction <way>', 'minimize or maximize; found from what was kept when not given').option('--json', 'print one JSON object a run')
    .addHelpText('after', '\nExamples:\n  $ brigade import traces/cifar\n  $ brigade import old/results.tsv --name old-night --direction maximize')
    .action(async (paths: string[], flags: Flags) => {
      if (flags.name !== undefined && paths.length > 1) throw new Mistake('--name names one run: import the others by themselves');
      const asked = askedBy(flags);
      for (const path of paths) {
        const files = await findTrace(resolve(path));
        const run = flags.name ?? files.name.replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, 64);
        if (!TOKEN.test(run)) throw new Mistake(flags.name === undefined ? `${path} gives no name for a run: give one by --name` : `--name ${flags.name} must be 1 to 64 letters, digits, - or _`);
        const { lineage, isNew } = await importOne(place, run, files, asked);
        if (lineage.imported) out.write(flags.json ? jsonLine({ run, dir: runDir(place, run), isNew, ...lineage.imported, summary: summarize(run, lineage) }) : `${told(run, lineage, lineage.imported, isNew).join('\n')}\n`);
      }
    });
}

/** Keeps a trace as a run. A second import of the same files changes nothing; other files under the same name are refused. */
async function importOne(place: Place, run: string, files: TraceFiles, asked: Asked): Promise<{ readonly lineage: Lineage; readonly isNew: boolean }> {
  const dir = runDir(place, run);
  const before = await readNote(dir);
  const note = noteOf(files, asked);
  if (before === null && (existsSync(join(dir, 'nats')) || (await listRunFiles(place)).some((file) => file.run === run))) throw new Mistake(`there is a run ${run} of our own: give another --name`);
  if (before !== null && !isDeepStrictEqual({ ...before, source: '' }, { ...note, source: '' })) {
    throw new Mistake(`${run} was imported from ${before.source} with other contents or flags: give another --name, or remove it first with brigade runs remove ${run} --yes`);
  }
  const lineage = foldFiles(run, files, asked); // a file that cannot be read leaves nothing behind
  if (before === null) await keepTrace(dir, files, note);
  if (!existsSync(join(dir, 'run.json'))) await writeRunFile(place, { run, surface: 'imported', url: null, keys: null }); // the newest run is the one imported last, not the one looked at again
  const opened = await openImported(run, dir);
  if (opened === null) throw new Error(`${dir}/import was written and cannot be read`);
  await exportRun(opened, { parts: ['tables'] });
  return { lineage, isNew: before === null };
}

function askedBy({ metric, direction }: Flags): Asked {
  if (direction !== undefined && direction !== 'minimize' && direction !== 'maximize') throw new Mistake(`--direction ${direction} must be minimize or maximize`);
  return { metric: metric ?? null, direction: direction ?? null };
}

/** What was read, and all that could not be. */
function told(run: string, lineage: Lineage, { rows, grounds, damagedRows, damagedCells, notices, tree }: Imported, isNew: boolean): string[] {
  const summary = summarize(run, lineage);
  return [
    `${run}   ${isNew ? 'imported' : 'was imported before, unchanged'}   ${plural(rows, 'row')}: the baseline and ${plural(summary.trials, 'trial')}`, grounds,
    ...(damagedRows.length > 0 ? [`${plural(damagedRows.length, 'row')} damaged: kept as written, without an ending`, ...damagedRows.map((row) => `  ${describeDamage(row)}`)] : []),
    ...(damagedCells.length > 0 ? [`${plural(damagedCells.length, 'cell')} damaged in rows that stand`, ...damagedCells.map(({ line, trial, column, reason }) => `  results.tsv:${line}   ${trial}   ${column}: ${reason}`)] : []),
    ...notices,
    ...(tree === null ? [] : [`tree.tsv: ${plural(tree.rows, 'row')}, ${tree.differing.length === 0 ? `the ${tree.compared} that can be compared agree` : `${tree.differing.length} differ`}${tree.reworded > 0 ? `; ${tree.reworded} hypotheses are worded otherwise` : ''}`, ...tree.differing.map(({ line, what }) => `  tree.tsv${line > 0 ? `:${line}` : ''}   ${what}`)]),
    headline(summary), `${tallyLine(summary)}.`, `next   brigade analyze ${run}   brigade lineage ${run}   brigade report ${run}`,
  ];
}
