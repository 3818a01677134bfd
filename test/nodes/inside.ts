import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { emptyAccount, holds, tell, testimony, type Account } from './account.ts';
import { begin, describeRun, evaluatorOf } from './begin.ts';
import { openCluster } from './cluster.ts';
import { roll } from './dice.ts';
import { endRun } from './ending.ts';
import type { Ability } from './faults/index.ts';
import { firstTrial } from './first.ts';
import type { Flags } from './flags.ts';
import { openHistory, type History } from './history.ts';
import { openLab, type Lab } from './lab.ts';
import { BROKEN_MARK } from './outside.ts';
import { copyProgram } from './program.ts';
import { strikeAll, wanted } from './strikes.ts';
import { lookOn } from './watch.ts';
import { measureMs } from './work.ts';

// The scripted run, inside its namespaces: begin, strike, stop, look, tell.

/** How long a run on a machine with nothing else to do may take to go on after a fault, beside the time that its own measurements and leases take. */
const RESUME_MS = 60_000;

export interface Place { readonly root: string; readonly folder: string; readonly id: string; readonly missing: ReadonlyMap<Ability, string>; readonly signal: AbortSignal }

/** Runs the surface under faults; resolves with the exit code. */
export async function conduct(flags: Flags, place: Place): Promise<number> {
  const { folder, id, signal } = place;
  const history = openHistory(join(folder, 'history.jsonl'));
  const say = (text: string): void => { process.stdout.write(`${text}\n`); history.add({ kind: 'says', text }); };
  const run = `nodes-${id.replaceAll(/[^A-Za-z0-9]/g, 'x')}`;
  const account = emptyAccount();
  const onBroken = (): void => writeFileSync(join(folder, BROKEN_MARK), 'what lies here is kept for whoever looks for the reason\n');
  try {
    await play(flags, place, { run, history, account, say, onBroken });
  } catch (error) {
    account.problems.push(error instanceof Error ? error.message : String(error));
    history.add({ kind: 'says', text: error instanceof Error ? error.stack ?? error.message : String(error) });
  }
  if (!holds(account)) onBroken();
  await tell(account, { flags, run, folder, entries: history.entries, say });
  return !holds(account) ? 1 : signal.aborted ? 130 : 0;
}

interface Telling { readonly run: string; readonly history: History; readonly account: Account; readonly say: (text: string) => void; readonly onBroken: () => void }

async function play(flags: Flags, { root, folder, id, missing, signal }: Place, { run, history, account, say, onBroken }: Telling): Promise<void> {
  const program = await copyProgram(root, folder, flags.surface, await evaluatorOf(root, flags.surface), flags);
  const { started, recipe } = await describeRun(root, program.original, flags.surface, flags);
  const secret = randomBytes(16).toString('hex');
  await using lab = await openLab({ id, run, surface: flags.surface, roster: started.roster, folder, program, history, isApart: !missing.has('network'), slots: flags.slots, proposer: started.proposer, seed: flags.seed, secret, relay: join(import.meta.dirname, 'relay-daemon.js') });
  say(`${lab.hosts.length} hosts, ${missing.has('network') ? 'all on loopback' : 'each in namespaces of its own'}; seed ${flags.seed}; leases of ${flags.ttlSeconds} s; what is seen goes to ${folder}`);
  for (const [ability, why] of missing) say(`CANNOT ${ability}: ${why}`);
  if (lab.hosts.some(({ group }) => group === null)) say('CANNOT see what runs in a slot: no control group can be made here, so I3 looks at leases alone, and I4 and I8 at less');
  try {
    await strikeAndEnd(lab, flags, { run, history, account, say, onBroken }, { missing, signal, secret, begun: () => begin(lab, started, recipe) });
  } catch (error) {
    for (const line of await testimony(lab.everyone(), history.entries)) say(line);
    throw error;
  }
}

async function strikeAndEnd(lab: Lab, flags: Flags, { account, say, onBroken }: Telling, { missing, signal, secret, begun }: { missing: ReadonlyMap<Ability, string>; signal: AbortSignal; secret: string; begun: () => Promise<void> }): Promise<void> {
  await begun();
  lab.staff();
  await using watch = await lookOn(lab);
  account.facts = watch.facts;
  await using cluster = await openCluster(lab);
  await firstTrial(lab, watch, { slow: flags.slow, signal, say });
  if (signal.aborted) return;
  const measuring = measureMs(watch.facts);
  const patienceMs = RESUME_MS * flags.slow + flags.ttlSeconds * 1000 + 2 * measuring;
  say(`the run goes: ${watch.facts.length} facts after ${Math.round(lab.history.now() / 1000)} s; a measurement takes ${(measuring / 1000).toFixed(1)} s, and the run has ${Math.round(patienceMs / 1000)} s to go on after a fault`);
  const dice = roll(flags.seed);
  const known = new Set<string>();
  const scene = { lab, cluster, watch, dice, ttlMs: flags.ttlSeconds * 1000, measureMs: measuring, patienceMs };
  await strikeAll(wanted(flags, (these) => dice.shuffle(these)), scene, account, { minutes: flags.minutes, missing, signal, say, known, onBroken });
  account.rows.push(await endRun(lab, watch, cluster, { secret, known, say, patienceMs, signal }));
}
