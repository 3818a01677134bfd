import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beginRun, superviseRun, type Ended } from '../actors/supervisor/index.ts';
import { openClock } from '../adapters/clock/index.ts';
import { connectNats, type LogLine, type NatsSession } from '../adapters/nats/index.ts';
import { openParser } from '../adapters/python/index.ts';
import { openProcesses } from '../adapters/processes/index.ts';
import { loadEvaluator, loadSurface } from '../adapters/surfaces/index.ts';
import { findToolchain, projectRoot, type Toolchain } from '../adapters/toolchain/index.ts';
import type { Limits } from '../domain/budget.ts';
import { COMPOSER } from '../domain/components.ts';
import type { RunStarted } from '../domain/fact.ts';
import type { RunId } from '../domain/ids.ts';
import { canonicalRecipe, type Recipe } from '../domain/recipe.ts';
import type { EvaluatorSpec } from '../domain/surface.ts';
import type { Journal } from '../ports.ts';
import { StopRun } from '../protocols/run.ts';
import type { RunConfig } from './config.ts';
import { keepServer } from './embedded.ts';
import { Mistake } from './mistake.ts';
import { describeModels, environmentOf, storeModels, type ModelsConfig } from './models.ts';
import { slotsHere } from './needs.ts';
import { dataDir, keyFileOf, liveFile, preparationOf, readLive, removeLive, runDir, writeLive, writeRunFile, type Place, type RunFile } from './place.ts';

// A run from its first fact to its last, conducted from one terminal.
//
//   C1. The run's folder says how to reach it before any daemon is started, but nothing that was not tried: a start that fails leaves it as it was.
//       It says that nobody runs it after everything has ended.
//   C2. Asked to stop once, it finishes what is leased; asked twice, it stops at once. Either way the journal holds all that was measured.

/** How a run ended here; `unserved` when its server is gone for good. */
export type RunEnded = Ended | { readonly kind: 'unserved'; readonly why: string };

export interface Conducted {
  readonly run: RunId;
  readonly session: NatsSession;
  readonly started: RunStarted;
  readonly evaluator: EvaluatorSpec;
  /** Files of the evaluator that make a recipe run by itself. */
  readonly standalone: Recipe;
  /** Resolves when the run has stopped and every daemon is gone. */
  readonly ended: Promise<RunEnded>;
  /** Asks it to stop: the first time gracefully, the second at once. Answers what it will do. */
  askToStop(): Promise<string>;
  /** Lets the server go. */
  close(): Promise<void>;
}

export interface ConductOptions {
  readonly place: Place;
  readonly run: RunId;
  readonly surface: string;
  /** Which of the surface's rosters takes part; null for its own. */
  readonly roster: string | null;
  /** A new run's settings; null goes on with a run that has been started. */
  readonly config: RunConfig | null;
  /** What a run that goes on makes of the limits it last had. */
  readonly extend: (limits: Limits) => Limits;
  /** False starts no specialist: somebody else proposes. */
  readonly specialists: boolean;
  /** A composer for this stretch alone; null for the one the run was started with, if any. */
  readonly composer: { readonly strategy: 'greedy' | 'ablate'; readonly whole: boolean } | null;
  /** What specialists think with, where they think with a model, and whether it was said now or lies in the folder of a run that goes on. */
  readonly models: { readonly config: ModelsConfig; readonly isSaid: boolean } | null;
  readonly slots: number | null;
  readonly sandbox: string;
  readonly url: string | null;
  readonly keys: string | null;
  readonly onStep: (says: string) => void;
  /** True only begins it: its daemons are those that `brigade up` keeps on other machines. */
  readonly isDetached?: boolean;
}

/** Two runs of one name would be one journal. */
export const taken = (run: RunId): Mistake => new Mistake(`there is a run ${run} already: give another --name, or go on with it by brigade run --resume ${run}`);

/** A run to go on with has to be there. */
function unknown({ place, run, url }: ConductOptions): Mistake {
  if (existsSync(join(runDir(place, run), 'lineage.lmdb'))) return new Mistake(`the journal of ${run} is gone${url === null ? '' : ` from ${url}`}: brigade runs restore ${run} puts back what its keeper read`);
  return new Mistake(url === null ? `${run} was never started: leave --resume out` : `${url} holds no fact of ${run}: give the --nats URL it was started with, or leave --resume out to start it there`);
}

/** Starts, or goes on with, a run and its daemons. */
export async function conductRun(options: ConductOptions): Promise<Conducted> {
  const { place, run } = options;
  const toolchain = await findToolchain(projectRoot());
  const surface = await loadSurface(place.root, options.surface, await openParser(), { roster: options.roster });
  const evaluator = await loadEvaluator(place.root, surface.evaluator, { dataDir: dataDir(place) });
  if (evaluator.missing.length > 0) throw new Mistake(`evaluators/${surface.evaluator} lacks ${evaluator.missing.join(', ')}: ${preparationOf(place, surface.name, { name: surface.evaluator, isMadeFromUpstream: evaluator.isMadeFromUpstream })} makes it`);
  const live = await readLive(place, run);
  if (live) throw new Mistake(`${run} is already running (process ${live.pid}, says ${liveFile(place, run)}): brigade watch ${run} shows it`);

  const dir = runDir(place, run);
  const server = options.url === null ? await keepServer({ binary: binaryOf(toolchain), dir: join(dir, 'nats'), clock: openClock(), onStep: options.onStep }) : null;
  const file: RunFile = { run, surface: options.surface, url: options.url, keys: server ? join(dir, 'nats', 'keys') : options.keys, ...(options.roster === null ? {} : { roster: options.roster }) };
  const url = options.url ?? server?.url ?? '';
  let opened: NatsSession | null = null;
  const close = async (): Promise<void> => {
    await opened?.close();
    await server?.stop();
    await removeLive(place, run); // C1
  };
  try {
    const session = opened = await connectNats({ url, keyFile: keyFileOf(file, 'supervisor'), name: `brigade-supervisor-${process.pid}`, role: 'supervisor', monitorUrl: server?.monitorUrl ?? null });
    const isThere = options.config !== null || (await session.listRuns()).includes(run);
    if (!isThere) throw unknown(options); // before anything is made of it there
    const durability = await session.ensureRun(run);
    if (durability.kind === 'unknown') options.onStep(`durability of ${url} cannot be seen: ${durability.why}`);
    const journal = session.journal(run);
    const past = await firstFact(journal);
    if (past && options.config) throw taken(run);
    if (past && (past.surfaceHash !== surface.hash || past.evaluatorHash !== evaluator.hash)) {
      const what = past.surfaceHash === surface.hash ? `evaluators/${surface.evaluator}, or the warden it is measured with (src/adapters/sandbox/warden),` : `surfaces/${surface.name}`;
      throw new Mistake(`${what} has changed since ${run} was started, so new scores could not be compared with its old ones: put it back, or start a new run`);
    }
    if (!past && !options.config) throw unknown(options);
    const snapshot = await session.blobs(run).put(new TextEncoder().encode(canonicalRecipe(surface.recipe)));
    const started = past ?? startedBy(options, surface, evaluator, snapshot, toolchain.brigadeVersion);
    if (started.proposer === 'llm' && options.models === null && options.specialists) throw new Mistake(`${join(dir, 'models.json')} is gone, which says what model ${run} thinks with: put it back, or start a new run`);
    const said = options.models?.isSaid === true ? options.models.config : null;
    if (said !== null && !past) await storeModels(place, run, said);
    await writeRunFile(place, { ...file, agents: [...started.roster] }); // C1
    if (!options.isDetached) await writeLive(place, run, url); // C1

    const slots = options.slots ?? Math.max(1, Math.min(await slotsHere(surface.slots), 64));
    const processes = openProcesses({
      command: [process.execPath, fileURLToPath(new URL('../main.js', import.meta.url))], cwd: place.root, logDir: join(dir, 'logs'),
      secretsOf: (name) => [...environmentOf(options.models?.config ?? null, name), 'BRIGADE_RUNS', ...Object.keys(process.env).filter((key) => key.startsWith('BRIGADE_UPSTREAM_'))],
    });
    const limits = await beginRun(journal, started, options.extend, said === null ? null : describeModels(said, started.roster));
    if (said !== null && past) await storeModels(place, run, said); // C1: only what goes on is told otherwise
    const stopping = new AbortController();
    const supervised: Promise<Ended> = options.isDetached ? Promise.resolve({ kind: 'aborted' }) : superviseRun(
      { journal, bus: session.bus, blobs: session.blobs(run), clock: openClock(), presence: session.presence({ run, actor: 'supervisor', write: logTo(join(dir, 'logs', 'supervisor.log'), options.onStep) }) },
      processes, { run, daemons: daemonsOf(run, started, limits, slots, options), signal: stopping.signal },
    );
    let unserved: string | null = null;
    void server?.lost.then((why) => { unserved = why; stopping.abort(new Error(why)); });
    void supervised.finally(() => stopping.abort(new Error('the run is over'))).catch(() => undefined);
    const ended = supervised.then((how) => (unserved === null ? how : { kind: 'unserved' as const, why: unserved }));
    let asked = 0;
    /** A stop that came before its broker did must not be forgotten. */
    const keepAsking = async (): Promise<void> => {
      const clock = openClock();
      while (asked === 1 && !stopping.signal.aborted) {
        if (await session.bus.ask(StopRun, { run }, { now: false }, { timeoutMs: 3_000 }).then(() => true, () => false)) return;
        await clock.wait(500, stopping.signal).catch(() => undefined);
      }
    };
    return {
      run, session, started, evaluator, standalone: await readStandalone(place, evaluator.name), ended, close,
      async askToStop() { // C2
        asked += 1;
        if (asked > 2) { stopping.abort(new Error('stopped at once')); return 'stopping now'; }
        const now = asked > 1;
        try {
          return (await session.bus.ask(StopRun, { run }, { now }, { timeoutMs: 3_000 })).message;
        } catch {
          if (now) { stopping.abort(new Error('stopped at once')); return 'stopping now'; }
          void keepAsking();
          return 'the broker is not there yet and is asked again until it is';
        }
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The supervisor's log is a file beside those of its daemons; whoever looks on is told its sentences. */
const logTo = (file: string, say: (line: string) => void) => (line: LogLine): void => {
  try { appendFileSync(file, `${JSON.stringify(line)}\n`); } catch { /* a full disk is told by whoever cannot do without it */ }
  say(line.message);
};

/** Throws what whoever conducted it must know when a run did not end by itself or by request. */
export function requireEnding(ended: RunEnded, run: RunId, folder: string): void {
  if (ended.kind === 'unserved') throw new Error(`${run} has no server any more: ${ended.why}. brigade run --resume ${run} goes on with all that was recorded`);
  if (ended.kind === 'lost') throw new Error(`${ended.daemon} could not be kept alive: ${lastWords(join(folder, 'logs', `${ended.daemon}.log`))}\n${folder}/logs/${ended.daemon}.log has the rest; brigade run --resume ${run} tries again, once its surface or evaluator was changed only a new run does`);
}

/** The last line of a daemon's log, which is why it ended. */
function lastWords(file: string): string {
  try {
    const line = readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '';
    return line.startsWith('{') ? String((JSON.parse(line) as { message?: unknown }).message) : line.slice(0, 1000);
  } catch { return 'it said nothing'; }
}

function startedBy({ config, surface: name }: ConductOptions, surface: Awaited<ReturnType<typeof loadSurface>>, evaluator: EvaluatorSpec, snapshot: string, brigade: string): RunStarted {
  if (!config) throw new Error('a new run needs its settings');
  return {
    surface: name, surfaceHash: surface.hash, evaluator: surface.evaluator, evaluatorHash: evaluator.hash, objective: evaluator.objective, snapshot,
    roster: config.roster, ...(surface.rosterName === null ? {} : { rosterName: surface.rosterName }), arm: config.arm, proposer: config.replays === null ? config.proposer : 'replay', seed: config.seed, ...(config.replays === null ? {} : { replays: config.replays }), ...(config.compose === null ? {} : { compose: config.compose }), keep: config.keep, limits: config.limits,
    calibrationReplicates: config.calibrationReplicates, slotsPerReplicate: surface.slots.count, slotKind: surface.slots.kind, ...(surface.slots.kind === 'gpu' ? { slotMemoryBytes: surface.slots.minimumMemoryBytes } : {}), // what a CPU slot has of its machine's memory changes with what else runs there
    ...(config.wholeNode ? { wholeNode: true } : {}), ...(config.priority === 1 ? {} : { priority: config.priority }), leaseTtlMs: config.leaseTtlMs, brigade,
  };
}

function daemonsOf(run: RunId, started: RunStarted, limits: Limits, slots: number, { sandbox, specialists: isStaffed, composer }: ConductOptions): { name: string; args: string[] }[] {
  const own = started.compose === undefined || specialistsRest(isStaffed, limits) ? null : { strategy: started.compose, whole: false };
  const compose = composer ?? own;
  const perAgent = Math.max(1, Math.ceil((Math.floor(slots / started.slotsPerReplicate) + 1) / started.arm.agents));
  const isReplay = started.proposer === 'replay';
  const specialists = isReplay || specialistsRest(isStaffed, limits) ? [] : started.roster.map((specialist) => ({
    name: `specialist-${specialist}`,
    args: ['specialist', '--run', run, '--domain', specialist, '--proposer', started.proposer, '--seed', String(started.seed), '--concurrent', String(perAgent), ...(started.arm.lineage ? [] : ['--no-lineage'])],
  }));
  return [
    { name: 'lineage', args: ['keeper', '--run', run] },
    { name: 'broker', args: ['broker', '--run', run] },
    { name: 'evaluator', args: ['evaluator', '--run', run, '--slots', String(slots), '--sandbox', sandbox] },
    ...specialists,
    ...(isReplay && !specialistsRest(isStaffed, limits) ? [{ name: 'replayer', args: ['replayer', '--run', run] }] : []),
    ...(compose === null ? [] : [{ name: COMPOSER, args: ['composer', '--run', run, '--strategy', compose.strategy, ...(compose.whole ? ['--whole'] : []), '--concurrent', String(Math.floor(slots / started.slotsPerReplicate) + 1)] }]),
  ];
}

/** Whether nobody proposes: somebody else does, or it is only calibrated. */
const specialistsRest = (isStaffed: boolean, limits: Limits): boolean => !isStaffed || limits.trials === 0;

function binaryOf({ nats }: Toolchain): string {
  if (!nats) throw new Mistake('set-up was told of an existing nats-server and fetched none: give --nats URL, or run npm run setup without BRIGADE_NATS_URL');
  return nats.path;
}

/** What makes a recipe run by itself: its evaluator's `standalone.py`, as `run.py`; nothing where the evaluator has none. */
export async function readStandalone(place: Place, evaluator: string): Promise<Recipe> {
  const program = await readFile(join(place.root, 'evaluators', evaluator, 'standalone.py'), 'utf8').catch(() => null);
  return program === null ? {} : { 'run.py': program };
}

async function firstFact(journal: Journal): Promise<RunStarted | null> {
  for await (const fact of journal.follow({ after: 0, until: await journal.position() })) if (fact.word === 'run.started') return fact.body;
  return null;
}
