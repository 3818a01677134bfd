import type { Command } from 'commander';
import { statusOf, type TrialRow } from '../domain/lineage.ts';
import { Mistake, nearest } from './mistake.ts';
import type { OpenRun } from './opening.ts';
import type { Surroundings } from './surroundings.ts';

/** Opens a run, hands it to `use`, and closes it however that ends. */
export async function reading<T>({ open }: Surroundings, run: string | undefined, use: (opened: OpenRun) => Promise<T> | T): Promise<T> {
  const opened = await open(run);
  try {
    return await use(opened);
  } finally {
    await opened.close();
  }
}

/** A trial by the name a person typed: `t0005`, `5` and `005` are the same. */
export function findTrial({ run, lineage }: OpenRun, asked: string): TrialRow {
  const name = /^\d+$/.test(asked) ? `t${String(Number(asked)).padStart(4, '0')}` : asked;
  const row = lineage.trials.get(name);
  if (row) return row;
  const near = nearest(name, [...lineage.trials.keys()]);
  const ended = [...lineage.trials.values()].filter((one) => statusOf(one) !== null).length;
  throw new Mistake(`${run} has no trial ${asked}${near ? `; the nearest is ${near}` : ''} (${ended} have ended: brigade results ${run} --all)`);
}

/** A trial command takes a trial, and a run when it is not the newest. */
export const trialCommand = (program: Command, name: string, says: string, example: string): Command =>
  program.command(name).description(says).option('--run <run>', 'the run; the newest when not given').option('--json', 'print JSON').addHelpText('after', `\nExample:\n  $ brigade ${example}`);

/** A run command takes a run, the newest when none is named. */
export const runCommand = (program: Command, name: string, says: string, example: string): Command =>
  program.command(`${name} [run]`).description(says).option('--json', 'print JSON').addHelpText('after', `\nExample:\n  $ brigade ${example}`);

/** One JSON value on one line. */
export const jsonLine = (value: unknown): string => `${JSON.stringify(value)}\n`;
