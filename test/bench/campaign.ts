import { spawn } from 'node:child_process';
import { existsSync, openSync, closeSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { verifySignature } from '../../src/adapters/signature/index.ts';
import { listRunFiles, readLive, runDir, type Place } from '../../src/cli/place.ts';
import type { Fact } from '../../src/domain/fact.ts';
import { BASELINE } from '../../src/domain/ids.ts';
import { emptyLineage, grow, type Lineage } from '../../src/domain/lineage.ts';

// A campaign: the same surface searched by several proposers, seed by seed, for the same slot-seconds.
//
//   C1. Every run is an ordinary `brigade run` in runs/, one after another, under a name that says what it is.
//   C2. The first proposer is the yardstick: it has so many trials, and the slot-seconds they took are what each rival gets with its seed. Trials
//       are not equal work, because a gain is measured five times over and a crash ends at once; slots are what somebody pays for.
//   C3. The baseline is calibrated once, before, and that counts against no budget. The final claim does: a rival that has kept nothing spends its
//       share on trials.
//   C4. Killed anywhere, a campaign goes on: a run that ended is read, one that did not is resumed, one that is alive is waited for.

export interface Campaign {
  readonly place: Place;
  /** The program that is run: `node <main>`. */
  readonly main: string;
  readonly surface: string;
  readonly seeds: readonly number[];
  /** Such as `search`, `random`, or `tpe/single` for an arm of its own. */
  readonly proposers: readonly string[];
  readonly trials: number;
  /** Further flags for every run, e.g. `--slots 2`. */
  readonly flags: readonly string[];
  readonly say: (line: string) => void;
}

/** One run that ended, as its journal tells it. */
export interface CampaignRun { readonly run: string; readonly proposer: string; readonly seed: number; readonly lineage: Lineage; readonly slotSeconds: number }

/** No limit that a campaign could reach. */
const NEVER = '1000000';
const LOOK_MS = 500;

/** Runs what is missing of a campaign and answers all of it. */
export async function conductCampaign(campaign: Campaign): Promise<CampaignRun[]> {
  const { surface, seeds, proposers, trials, say } = campaign;
  await ensure(campaign, `rivals-${surface}-calibration`, ['calibrate', surface]); // C3
  const done: CampaignRun[] = [];
  for (const seed of seeds) {
    let budget: number | null = null;
    for (const proposer of proposers) {
      const [kind = proposer, arm] = proposer.split('/');
      const run = `rivals-${surface}-${proposer.replace('/', '-')}-${trials}-${seed}`;
      const limits = budget === null ? ['--trials', String(trials)] : ['--trials', NEVER, '--slot-seconds', budget.toFixed(1)]; // C2
      const lineage = await ensure(campaign, run, ['run', surface, '--proposer', kind, ...(arm === undefined ? [] : ['--arm', arm]), '--seed', String(seed), '--minutes', NEVER, ...limits]);
      const slotSeconds = spentSeconds(lineage);
      budget ??= slotSeconds;
      done.push({ run, proposer, seed, lineage, slotSeconds });
      say(`${run}   ${lineage.admittedCount} trials, ${lineage.bests.length - 1} keeps, ${slotSeconds.toFixed(0)} slot-seconds${lineage.claim === null ? ', nothing kept' : `, ${lineage.claim.delta.toFixed(4)}`}`);
    }
  }
  return done;
}

/** Slot-seconds a run spent, calibrating the baseline apart. */
export function spentSeconds(lineage: Lineage): number { // C3
  let aside = 0;
  for (const row of lineage.trials.values()) {
    for (const { replicate, measured, attempts } of row.replicates.values()) {
      if (measured && row.trial === BASELINE && replicate.startsWith('s')) aside += (measured.heldMs / 1000) * (attempts[measured.attempt - 1]?.lease.slots.length ?? 1);
    }
  }
  return lineage.slotSeconds - aside;
}

/** Brings one run to its end, whatever became of it before. */
async function ensure(campaign: Campaign, run: string, args: readonly string[]): Promise<Lineage> { // C4
  const { place, say } = campaign;
  while (await readLive(place, run)) await sleep(LOOK_MS);
  const before = await readEnded(place, run);
  if (before) return before;
  const isBegun = (await listRunFiles(place)).some((file) => file.run === run);
  say(`${run}   ${isBegun ? 'goes on' : 'begins'}`);
  let ended = await brigade(campaign, run, isBegun ? ['run', '--resume', run] : [...args, '--name', run, ...campaign.flags]);
  if (isBegun && ended === 1) ended = await brigade(campaign, run, [...args, '--name', run, ...campaign.flags]); // it had not come to its first fact
  const lineage = await readEnded(place, run);
  if (lineage) return lineage;
  throw new Error(`${run} did not come to its end (exit code ${ended}); ${logOf(place, run)} says why, and the same command goes on`);
}

/** A run whose journal says that everything was decided; null for any other. */
async function readEnded(place: Place, run: string): Promise<Lineage | null> {
  const text = await readFile(join(runDir(place, run), 'journal.jsonl'), 'utf8').catch(() => null);
  if (text === null) return null;
  const lineage = emptyLineage();
  for (const line of text.trimEnd().split('\n')) grow(lineage, JSON.parse(line) as Fact, run, verifySignature);
  return lineage.stopped !== null && lineage.stopMode === 'complete' ? lineage : null;
}

const logOf = (place: Place, run: string): string => join(place.runs, `${run}.log`);

/** Runs the program to its end, its words in a log beside the run, so that it outlives whoever asked. */
async function brigade({ place, main }: Campaign, run: string, args: readonly string[]): Promise<number | null> {
  if (!existsSync(main)) throw new Error(`${main} is not built: npm run build`);
  await mkdir(place.runs, { recursive: true });
  const log = openSync(logOf(place, run), 'a');
  try {
    const child = spawn(process.execPath, [main, ...args], { cwd: place.root, env: { ...process.env, BRIGADE_RUNS: place.runs }, stdio: ['ignore', log, log] });
    return await new Promise((resolve, reject) => { child.once('exit', resolve); child.once('error', reject); });
  } finally {
    closeSync(log);
  }
}
