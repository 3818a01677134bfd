import type { Account } from './account.ts';
import { FAULTS, type Ability, type Fault, type Scene } from './faults/index.ts';
import type { Flags } from './flags.ts';
import { strike } from './nemesis.ts';

// All faults that were asked for, one after another.

/** What was asked for, in its order: that of the command line, or the one that the seed decides. */
export const wanted = ({ faults }: Flags, shuffle: (these: readonly Fault[]) => Fault[]): readonly Fault[] =>
  (faults === null ? shuffle(FAULTS) : faults.flatMap((name) => FAULTS.filter((fault) => fault.name === name)));

export interface StrikeOptions { readonly minutes: number; readonly missing: ReadonlyMap<Ability, string>; readonly signal: AbortSignal; readonly say: (text: string) => void; readonly known: Set<string>; readonly onBroken: () => void }

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** Injects these, and writes each down. One that cannot come any more, because the run or the lab is not what it was, is a problem. */
export async function strikeAll(faults: readonly Fault[], scene: Scene, account: Account, { minutes, missing, signal, say, known, onBroken }: StrikeOptions): Promise<void> {
  const until = performance.now() + minutes * 60_000;
  let over: string | null = null;
  for (const [i, fault] of faults.entries()) {
    const lacks = fault.needs.find((ability) => missing.has(ability));
    const ended = scene.watch.facts.find(({ word }) => word === 'run.stopped');
    if (over === null && ended?.word === 'run.stopped') {
      over = `the run had ended by itself: ${ended.body.reason}`;
      account.problems.push(over);
    }
    const why = lacks !== undefined ? `this machine lacks ${lacks}: ${missing.get(lacks)}` : over ?? (signal.aborted ? 'it was ended before' : performance.now() > until ? `${minutes} minutes were over` : null);
    if (why !== null) { account.skipped.push({ fault: fault.name, why }); continue; }
    const row = await strike(fault, scene, { signal, known });
    account.rows.push(row);
    if (row.broken.length > 0) onBroken();
    say(`${i + 1}/${faults.length} ${row.fault}: ${row.did}; ${row.broken.length === 0 ? 'holds' : `BROKEN ${row.broken.join('; ')}`}; longest stall ${seconds(row.stallMs)}, seen ${seconds(row.lateMs)} late, went on after ${row.resumedMs === null ? 'never' : seconds(row.resumedMs)}`);
    if (!row.isHealed) over = `${fault.name} could not be healed`; // N1 of the nemesis
  }
}
