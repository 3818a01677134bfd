#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { NEVER_AGAIN } from './actors/supervisor/index.ts';
import { Hopeless } from './cli/stand.ts';
import { Mistake } from './cli/mistake.ts';
import { findPlace } from './cli/place.ts';
import { addCommands } from './cli/commands.ts';

/** Errors of adapters that a user mends: a missing set-up, a server that is not there, a broken surface. */
const MISTAKES = new Set(['SetupNeeded', 'ServerUnreachable', 'ServerNotStarted', 'ServerNotDurable', 'ClusterTooSmall', 'NoCertificates', 'StreamDiffers', 'BadSurface', 'UnknownSurface', 'BadEdit', 'SandboxUnavailable', 'NameTaken', 'BadTrace']);

const program = new Command('brigade')
  .description('auto research: specialists propose changes to a training recipe, and an evaluator out of their reach measures every one')
  .option('--debug', 'show stack traces')
  .showHelpAfterError('(brigade --help lists the commands)')
  .exitOverride()
  .addHelpText('after', '\nExamples:\n  $ brigade run golf-mini --trials 32\n  $ brigade status\n  $ brigade show t0005\n\nREADME.md has the way from here. Runs go to runs/ in the project, or where BRIGADE_RUNS says.');

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => { if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0); throw error; });

try {
  addCommands(program, findPlace(process.env));
  pointToHelp(program, 'brigade');
  await program.parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}

/** Whoever leaves out what a command needs is pointed to the help of that command. */
function pointToHelp(command: Command, name: string): void {
  for (const one of command.commands) {
    one.showHelpAfterError(`(${name} ${one.name()} --help says what it takes)`);
    pointToHelp(one, `${name} ${one.name()}`);
  }
}

/** One line of what, where and the remedy; 1 for the user's mistake, 2 for ours, and a code of its own for a supervisor that need not try again. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 1;
  const message = error instanceof Error ? error.message : String(error);
  const told = process.argv.includes('--debug') && error instanceof Error ? error.stack ?? message : message;
  process.stderr.write(`${process.env.BRIGADE_LOGS === 'json' ? JSON.stringify({ at: new Date().toISOString(), level: 'error', message: told }) : told}\n`);
  if (error instanceof Hopeless) return NEVER_AGAIN;
  return error instanceof Mistake || (error instanceof Error && MISTAKES.has(error.name)) ? 1 : 2;
}
