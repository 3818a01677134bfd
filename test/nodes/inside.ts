import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fact } from '../../src/domain/fact.ts';
import { StopRun } from '../../src/protocols/run.ts';
import { begin, describeRun, evaluatorOf } from './begin.ts';
import { lookInside } from './boxes.ts';
import { openCluster, type Cluster } from './cluster.ts';
import { roll } from './dice.ts';
import { clockBy, FAULTS, type Ability, type Fault } from './faults/index.ts';
import { openHistory } from './history.ts';
import { fold } from './invariants/journal.ts';
import { openLab, type Lab } from './lab.ts';
import { brokenIn, strike, type Row } from './nemesis.ts';
import { copyProgram } from './program.ts';
import { tableOf } from './table.ts';
import { lookOn, type Watch } from './watch.ts';
import type { Flags } from './flags.ts';

// The scripted run, inside its namespaces: begin, strike, stop, look, tell.

/** How long a run on a machine with nothing else to do may take to go on after a fault. */
const RESUME_MS = 60_000;
const FIRST_MS = 600_000;

/** Runs the surface under faults; resolves with the exit code. */
export async function conduct(flags: Flags, { root, folder, id, missing, signal }: { readonly root: string; readonly folder: string; readonly id: string; readonly missing: ReadonlyMap<Ability, string>; readonly signal: AbortSignal }): Promise<number> {
  const say = (text: string): void => { process.stdout.write(`${text}\n`); history.add({ kind: 'says', text }); };
  const history = openHistory(join(folder, 'history.jsonl'));
  const run = `nodes-${id.replaceAll(/[^A-Za-z0-9]/g, 'x')}`;
  const program = await copyProgram(root, folder, flags.surface, await evaluatorOf(root, flags.surface), flags);
  const { started, recipe } = await describeRun(root, program.original, flags.surface, flags);
  const secret = randomBytes(16).toString('hex');
  await using lab = await openLab({ id, run, surface: flags.surface, roster: started.roster, folder, program, history, isApart: !missing.has('network'), slots: flags.slots, proposer: started.proposer, seed: flags.seed, secret, relay: join(import.meta.dirname, 'relay.js') });
  say(`${lab.hosts.length} hosts, ${missing.has('network') ? 'all on loopback' : 'each in namespaces of its own'}; seed ${flags.seed}; leases of ${flags.ttlSeconds} s; clocks are moved by ${clockBy}`);
  for (const [ability, why] of missing) say(`CANNOT ${ability}: ${why}`);
  if (lab.hosts.some(({ group }) => group === null)) say('CANNOT see what runs in a slot: no control group can be made here, so I3 looks at leases alone, and I4 and I8 at less');
  await begin(lab, started, recipe);
  lab.staff();
  await using watch = await lookOn(lab);
  await using cluster = await openCluster(lab);
  const first = await watch.until((fact) => fact.word === 'trial.result' && fact.ids[0] !== 't0000', { after: -1, patienceMs: FIRST_MS, signal });
  if (signal.aborted) return 130;
  if (first === null) throw new Error(`no trial ended within ${FIRST_MS / 60_000} minutes: the logs of the hosts say why`);
  say(`the run goes: ${watch.facts.length} facts after ${Math.round(history.now() / 1000)} s`);

  const { rows, skipped, known } = await strikeAll(flags, { lab, cluster, watch, missing, signal, say });
  const ending = await endRun(lab, watch, cluster, { secret, known, say, resumeMs: RESUME_MS * flags.slow });
  rows.push(ending);
  say(`\n${tableOf(rows, skipped)}`);
  for (const row of rows) for (const what of row.broken) say(`BROKEN  ${row.fault}: ${what}`);
  const lineage = fold(run, watch.facts);
  const notes = history.entries.filter(({ kind }) => kind === 'ok').length;
  const killed = history.entries.filter((entry) => entry.kind === 'died' && entry.signal === 'SIGKILL').length;
  const statuses = new Map<string, number>();
  for (const { result, rejection } of lineage.trials.values()) { const status = result?.status ?? (rejection === null ? 'undecided' : 'rejected'); statuses.set(status, (statuses.get(status) ?? 0) + 1); }
  const relayed = await readFile(join(lab.relay.host.folder, 'relay.log'), 'utf8').then((text) => text.trimEnd().split('\n').at(-1) ?? '', () => '');
  say(`${watch.facts.length} facts, ${lineage.trials.size} trials (${[...statuses].map(([status, n]) => `${n} ${status}`).join(', ')}), ${lineage.superseded} measurements superseded, ${notes} notes acknowledged, ${killed} processes killed, term ${lineage.term}; ${Math.round(history.now() / 1000)} s, seed ${flags.seed}; relayed ${relayed}`);
  const holds = rows.every(({ broken }) => broken.length === 0);
  if (flags.json !== null) await writeFile(flags.json, `${JSON.stringify({ surface: flags.surface, seed: flags.seed, rows, skipped, facts: watch.facts.length, trials: lineage.trials.size, statuses: Object.fromEntries(statuses), superseded: lineage.superseded, notes, killed, holds }, null, 2)}\n`);
  return signal.aborted ? 130 : holds ? 0 : 1;
}

async function strikeAll(flags: Flags, { lab, cluster, watch, missing, signal, say }: { lab: Lab; cluster: Cluster; watch: Watch; missing: ReadonlyMap<Ability, string>; signal: AbortSignal; say: (text: string) => void }): Promise<{ rows: Row[]; skipped: { fault: string; why: string }[]; known: Set<string> }> {
  const dice = roll(flags.seed);
  const known = new Set<string>();
  const rows: Row[] = [];
  const skipped: { fault: string; why: string }[] = [];
  const wanted = flags.faults === null ? dice.shuffle(FAULTS) : flags.faults.flatMap((name) => FAULTS.filter((fault) => fault.name === name));
  const until = performance.now() + flags.minutes * 60_000;
  const scene = { lab, cluster, dice, ttlMs: flags.ttlSeconds * 1000 };
  const strikeOne = async (fault: Fault): Promise<void> => {
    const lacks = fault.needs.find((ability) => missing.has(ability));
    const why = lacks !== undefined ? `this machine lacks ${lacks}` : signal.aborted ? 'it was ended before' : performance.now() > until ? `${flags.minutes} minutes were over` : null;
    if (why !== null) { skipped.push({ fault: fault.name, why }); return; }
    const row = await strike(fault, scene, { watch, resumeMs: RESUME_MS * flags.slow, signal, known });
    rows.push(row);
    say(`${row.fault}: ${row.did}; ${row.broken.length === 0 ? 'holds' : `BROKEN ${row.broken.join('; ')}`}; longest stall ${(row.stallMs / 1000).toFixed(1)} s, seen ${(row.lateMs / 1000).toFixed(1)} s late, went on after ${row.resumedMs === null ? 'never' : `${(row.resumedMs / 1000).toFixed(1)} s`}`);
  };
  for (const fault of wanted) await strikeOne(fault);
  return { rows, skipped, known };
}

/** Stops the run, ends the daemons, looks into the boxes. */
async function endRun(lab: Lab, watch: Watch, cluster: Cluster, { secret, known, say, resumeMs }: { secret: string; known: Set<string>; say: (text: string) => void; resumeMs: number }): Promise<Row> {
  const { history } = lab;
  const from = history.now();
  say('stopping');
  const operator = await lab.session('operator');
  for (let tries = 0; tries < 30; tries++) {
    if (await operator.bus.ask(StopRun, { run: lab.run }, { now: false }, { timeoutMs: 5_000 }).then(({ ok }) => ok, () => false)) break;
    await sleep(1_000);
  }
  const stopped = await watch.until((fact: Fact) => fact.word === 'run.stopped', { after: from, patienceMs: resumeMs * 2 });
  await sleep(3_000); // whoever reads the journal has read its last fact
  await lab.dismiss();
  const boxes = await lookInside(lab, cluster, secret);
  const broken = brokenIn({ run: lab.run, entries: history.entries, facts: [...watch.facts], resumeMs, boxes }, known);
  return { fault: 'the end', did: 'the run is stopped, every box is looked into', threatens: ['I1–I11'], broken, stallMs: 0, lateMs: 0, resumedMs: stopped === null ? null : history.now() - from };
}
