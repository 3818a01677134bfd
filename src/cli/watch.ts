import { relative } from 'node:path';
import type { Command } from 'commander';
import { openClock } from '../adapters/clock/index.ts';
import { requireOwn } from './read-only.ts';
import { reading, runCommand } from './reading.ts';
import type { Surroundings } from './surroundings.ts';
import { followRun } from './view/follow.ts';
import { liveView } from './view/live.ts';

/** `brigade watch`: a live run as `brigade run` shows it; leaving does not stop it. */
export function watchCommand(program: Command, here: Surroundings): void {
  runCommand(program, 'watch', 'follow a live run as it goes on; Ctrl-C leaves it running', 'watch golf-mini-1121a --json')
    .action(async (run: string | undefined, flags: { json?: boolean }) => reading(here, run, async (opened) => {
      if (opened.lineage.imported) await requireOwn(here.place, opened.run, 'nothing will happen in it');
      const view = liveView({ run: opened.run, out: here.out, width: here.width, color: here.color, json: flags.json === true, now: here.now, folder: relative(process.cwd(), opened.dir) || '.', runsAlone: Object.keys(opened.standalone).length > 0, context: null });
      const leaving = new AbortController();
      const leave = (): void => { process.exitCode = 130; leaving.abort(new Error('left')); };
      process.once('SIGINT', leave);
      try {
        await followRun(opened, view, openClock(), leaving.signal);
      } finally {
        process.off('SIGINT', leave);
      }
    }));
}
