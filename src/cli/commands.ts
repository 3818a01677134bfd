import type { Command } from 'commander';
import { bestCommand } from './best.ts';
import { controlCommands } from './control.ts';
import { daemonCommands } from './daemons.ts';
import { diffCommand } from './diff.ts';
import { doctorCommand } from './doctor.ts';
import { lineageCommand } from './lineage.ts';
import { openRun } from './open-run.ts';
import type { Place } from './place.ts';
import { planCommand } from './plan.ts';
import { reportCommand } from './report.ts';
import { resultsCommand } from './results.ts';
import { runCommand } from './run.ts';
import { showCommand } from './show.ts';
import type { Surroundings } from './surroundings.ts';

/** Every command of the program. */
export function addCommands(program: Command, place: Place): void {
  const out = process.stdout;
  const here: Surroundings = {
    place, out, open: (run) => openRun(place, run), now: () => Date.now(),
    width: () => (out.isTTY ? out.columns ?? 80 : null),
    color: out.isTTY === true && !process.env.NO_COLOR,
  };
  runCommand(program, here);
  planCommand(program, place, out);
  for (const add of [resultsCommand, showCommand, diffCommand, bestCommand, lineageCommand, reportCommand]) add(program, here);
  controlCommands(program, place, out);
  doctorCommand(program);
  daemonCommands(program, place);
}
