import { join, resolve } from 'node:path';
import { readdir } from 'node:fs/promises';
import type { Command } from 'commander';
import { exportRun, readRecipe, writeRecipe } from '../adapters/report/index.ts';
import { decimal } from '../domain/figures.ts';
import { headline } from '../domain/leaderboard.ts';
import { best } from '../domain/lineage.ts';
import { summarize } from '../domain/summary.ts';
import { Mistake } from './mistake.ts';
import { jsonLine, reading, runCommand } from './reading.ts';
import type { Surroundings } from './surroundings.ts';

/** `brigade best`: the best recipe of a run, written out ready to run. */
export function bestCommand(program: Command, here: Surroundings): void {
  runCommand(program, 'best', 'write out the best recipe of a run and say how good it is', 'best golf-mini-1121a --out ./best')
    .option('--out <dir>', 'an empty or new folder; runs/<run>/best/ when not given')
    .action(async (run: string | undefined, flags: { json?: boolean; out?: string }) => reading(here, run, async (opened) => {
      const head = best(opened.lineage);
      if (!head) throw new Mistake(`${opened.run} has no best yet: its baseline is still being measured`);
      if (opened.lineage.imported) {
        const summary = summarize(opened.run, opened.lineage);
        if (flags.out !== undefined) throw new Mistake(`${opened.run} was imported, and a results.tsv holds no recipe: there is nothing to write to ${flags.out}`);
        here.out.write(flags.json ? jsonLine({ run: opened.run, trial: head.trial, score: head.score, baseline: summary.best.from, delta: summary.best.delta, claim: null, snapshot: null, folder: null }) : `${head.trial}   ${head.score === null ? 'unscored' : `${summary.metric} ${decimal(head.score)}`}   its recipe is not part of what was imported\n${headline(summary)}\n`);
        return;
      }
      const folder = flags.out === undefined ? join(opened.dir, 'best') : resolve(flags.out);
      if (flags.out === undefined) await exportRun(opened, { parts: ['best'] });
      else {
        if ((await readdir(folder).catch(() => [])).length > 0) throw new Mistake(`${flags.out} is not empty: give a new folder`);
        await writeRecipe(folder, { ...opened.standalone, ...(await readRecipe(opened.blobs, head.snapshot)) });
      }
      const summary = summarize(opened.run, opened.lineage, here.now());
      if (flags.json) here.out.write(jsonLine({ run: opened.run, trial: head.trial, score: head.score, baseline: summary.best.from, delta: summary.best.delta, claim: summary.claim, snapshot: head.snapshot, folder }));
      else here.out.write(`${head.trial}   ${head.score === null ? 'unscored' : `${summary.metric} ${decimal(head.score)}`}   ${folder}\n${headline(summary)}\n`);
    }));
}
