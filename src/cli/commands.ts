import type { Command } from 'commander';
import { analyzeCommand } from './analyze.ts';
import { bestCommand } from './best.ts';
import { compareCommand } from './compare.ts';
import { composeCommand } from './compose.ts';
import { controlCommands } from './control.ts';
import { daemonCommands } from './daemons.ts';
import { diffCommand } from './diff.ts';
import { doctorCommand } from './doctor.ts';
import { healthCommand } from './health.ts';
import { initCommand } from './init.ts';
import { lineageCommand } from './lineage.ts';
import { openRun } from './open-run.ts';
import { natsCommand } from './nats.ts';
import { importCommand } from './import.ts';
import type { Place } from './place.ts';
import { planCommand } from './plan.ts';
import { replayCommand } from './replay.ts';
import { reportCommand } from './report.ts';
import { resultsCommand } from './results.ts';
import { runCommand } from './run.ts';
import { runsCommand } from './runs.ts';
import { showCommand } from './show.ts';
import { statusCommand } from './status.ts';
import { surfacesCommand } from './surfaces.ts';
import type { Surroundings } from './surroundings.ts';
import { surveyCommand } from './survey.ts';
import { upCommand } from './up.ts';
import { verifyCommand } from './verify.ts';
import { watchCommand } from './watch.ts';

/** Every command of the program. */
export function addCommands(program: Command, place: Place): void {
  const out = process.stdout;
  const here: Surroundings = {
    place, out, open: (run) => openRun(place, run), now: () => Date.now(),
    width: () => (out.isTTY ? out.columns ?? 80 : null),
    color: out.isTTY === true && !process.env.NO_COLOR,
  };
  program.commandsGroup('Searching:');
  runCommand(program, here);
  planCommand(program, place, out);
  controlCommands(program, place, out);
  program.commandsGroup('Looking at a run, the newest unless one is named:');
  for (const add of [statusCommand, watchCommand, runsCommand, resultsCommand, showCommand, diffCommand, bestCommand, lineageCommand, reportCommand, verifyCommand]) add(program, here);
  program.commandsGroup('Comparing, and trying again:');
  for (const add of [analyzeCommand, compareCommand, importCommand, composeCommand, replayCommand]) add(program, here);
  program.commandsGroup('What is searched:');
  initCommand(program);
  surfacesCommand(program, place, out);
  surveyCommand(program, here);
  program.commandsGroup('This machine, and many:');
  doctorCommand(program);
  natsCommand(program, place, out);
  upCommand(program, place);
  healthCommand(program, out);
  program.commandsGroup('One daemon by itself, as brigade run and up start them:');
  daemonCommands(program, place);
}
