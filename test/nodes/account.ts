import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fact } from '../../src/domain/fact.ts';
import { logOf, type Daemon } from './daemons.ts';
import { unasked } from './figures.ts';
import type { Flags } from './flags.ts';
import type { Entry } from './history.ts';
import { fold } from './invariants/journal.ts';
import type { Row } from './nemesis.ts';
import { tableOf } from './table.ts';

// What is told of a scripted run when it is over, however it came to be over.
//
//   A1. It held only when every fault that came took hold, was healed and broke nothing, and when nothing but its time or a person ended it. What this machine cannot do is said.
//   A2. What was seen is told even when the lab fell over in the midst of it.

/** What a run of the lab came to, filled while it goes. */
export interface Account {
  readonly rows: Row[];
  readonly skipped: { readonly fault: string; readonly why: string }[];
  /** Why the lab could not go on, a sentence each. */
  readonly problems: string[];
  facts: readonly Fact[];
}

export const emptyAccount = (): Account => ({ rows: [], skipped: [], problems: [], facts: [] });

/** Whether everything held (A1). */
export const holds = ({ rows, problems }: Account): boolean => problems.length === 0 && rows.every(({ broken, isHealed }) => broken.length === 0 && isHealed);

const TAIL_BYTES = 16_384;

/** The last lines of a daemon's log. */
async function lastWords({ host, name }: Daemon, lines: number): Promise<string[]> {
  const file = await open(logOf(host, name)).catch(() => null);
  if (file === null) return [];
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, Math.max(0, size - TAIL_BYTES));
    return buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n').slice(-lines).map((line) => line.slice(0, 400));
  } finally {
    await file.close();
  }
}

/** What the logs of those who died by themselves end with, for whoever has to find out why; of everybody when nobody did. */
export async function testimony(daemons: readonly Daemon[], entries: readonly Entry[]): Promise<string[]> {
  const deaths = unasked(entries);
  const these = daemons.filter(({ name }) => deaths.has(name));
  const told = await Promise.all((these.length > 0 ? these : daemons).map(async (daemon) => (await lastWords(daemon, these.length > 0 ? 3 : 1)).map((line) => `  ${daemon.name}: ${line}`)));
  return told.flat();
}

/** Tells the table, what broke, and the run in figures; with `--json` into a file too. */
export async function tell(account: Account, { flags, run, folder, entries, say }: { readonly flags: Flags; readonly run: string; readonly folder: string; readonly entries: readonly Entry[]; readonly say: (text: string) => void }): Promise<void> {
  const { rows, skipped, problems, facts } = account;
  if (rows.length + skipped.length > 0) say(`\n${tableOf(rows, skipped)}`);
  for (const row of rows) for (const what of row.broken) say(`BROKEN  ${row.fault}: ${what}`);
  for (const problem of problems) say(`STOPPED  ${problem}`);
  const lineage = fold(run, facts);
  const notes = entries.filter(({ kind }) => kind === 'ok').length;
  const killed = entries.filter((entry) => entry.kind === 'died' && entry.signal === 'SIGKILL').length;
  const statuses = new Map<string, number>();
  for (const { result, rejection } of lineage.trials.values()) { const status = result?.status ?? (rejection === null ? 'undecided' : 'rejected'); statuses.set(status, (statuses.get(status) ?? 0) + 1); }
  const relayed = await readFile(join(folder, 'n3', 'relay.log'), 'utf8').then((text) => text.trimEnd().split('\n').at(-1) ?? '', () => '');
  const deaths = [...unasked(entries)].map(([name, times]) => `${name} ${times}`).join(', ');
  const injected = rows.filter(({ fault }) => fault !== 'the end').length;
  say(`${injected} of ${injected + skipped.length} faults injected; ${facts.length} facts, ${lineage.trials.size} trials (${[...statuses].map(([status, n]) => `${n} ${status}`).join(', ')}), ${lineage.superseded} measurements superseded, ${notes} notes acknowledged, ${killed} processes killed, ended by themselves: ${deaths || 'none'}, term ${lineage.term}; ${Math.round((entries.at(-1)?.ms ?? 0) / 1000)} s, seed ${flags.seed}; relayed ${relayed}`);
  if (flags.json !== null) await writeFile(flags.json, `${JSON.stringify({ surface: flags.surface, seed: flags.seed, rows, skipped, problems, facts: facts.length, trials: lineage.trials.size, statuses: Object.fromEntries(statuses), superseded: lineage.superseded, notes, killed, holds: holds(account) }, null, 2)}\n`);
}
