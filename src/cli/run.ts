import { relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { openClock } from '../adapters/clock/index.ts';
import { openSyntax } from '../adapters/python/index.ts';
import { verifySignature } from '../adapters/signature/index.ts';
import { findToolchain, projectRoot } from '../adapters/toolchain/index.ts';
import type { Fact } from '../domain/fact.ts';
import { NO_LIMITS, type Limits } from '../domain/budget.ts';
import { TOKEN, type RunId } from '../domain/ids.ts';
import { emptyLineage, grow, type Lineage } from '../domain/lineage.ts';
import type { Journal } from '../ports.ts';
import { EVERY_RUN } from '../protocols/actor.ts';
import { adviceOnBaseline } from './advice.ts';
import { conductRun, readStandalone, requireEnding, taken, type ConductOptions } from './conduct.ts';
import { configure, type RunConfig, type RunFlags } from './config.ts';
import { keepExported } from './exporter.ts';
import { onInterrupt } from './interrupt.ts';
import { requireOptuna } from './daemon-specialist.ts';
import { extendBy } from './limits.ts';
import { Mistake } from './mistake.ts';
import { modelFlagsIn, modelOptions, modelsAnew, modelsBy, type ModelFlags } from './models-flags.ts';
import { recallModels, requireKeys, requirePrices } from './models.ts';
import { loadToRun } from './needs.ts';
import { findRun, freshRunId, listRunFiles, runDir, type Place, type RunFile } from './place.ts';
import { problemsOfLibrary } from './library.ts';
import { requireOwn } from './read-only.ts';
import { keysOption, natsOption } from './server.ts';
import type { Surroundings } from './surroundings.ts';
import { followRun } from './view/follow.ts';
import { liveView } from './view/live.ts';

type Flags = RunFlags & { readonly resume?: string; readonly name?: string; readonly nats?: string; readonly keys?: string; readonly json?: boolean; readonly roster?: string; readonly detach?: boolean } & ModelFlags;

/** Flags that are settled when a run starts, by what commander calls them. */
const SETTLED: readonly (readonly [name: keyof Flags, flag: string])[] = [
  ['seed', '--seed'], ['calibration', '--calibration'], ['ttl', '--ttl'], ['name', '--name'], ['roster', '--roster'], ['priority', '--priority'], ['wholeNode', '--whole-node'], ['keep', '--keep'], ['alpha', '--alpha'], ['replicates', '--replicates'],
  ['proposer', '--proposer'], ['compose', '--compose'], ['arm', '--arm'], ['ownership', '--ownership'], ['lineage', '--no-lineage'],
  ['model', '--model'],
];

/** Adds `brigade run` and `brigade calibrate`. */
export function runCommand(program: Command, around: Surroundings): void {
  const shared = (command: Command): Command => command
    .option('--slots <n>', 'slots of this machine (default: its cores)')
    .option('--seed <n>', 'seed of the proposer (default 0)')
    .option('--sandbox <level>', 'best, bubblewrap, namespaces, or none: recipes are then not held at all (default best)')
    .option('--calibration <n>', 'replicates of the baseline')
    .option('--ttl <seconds>', 'how long a silent node keeps its lease (default 30)')
    .addOption(natsOption('a nats-server of yours instead of one of its own')).addOption(keysOption())
    .option('--name <run>', 'name of the run').option('--roster <name>', "one of the surface's rosters, such as paper (default: the surface's own)").option('--json', 'print one JSON object a line');
  modelOptions(shared(program.command('run [surface]').description('search one surface until a limit, with specialists, a broker and an evaluator on this machine'))
    .option('--resume <run>', 'go on with a run that stopped or died')).option('--trials <n>', 'trials in all; +N adds to what a resumed run had, as with the next five').option('--minutes <n>', 'minutes in all')
    .option('--slot-seconds <n>', 'slot-seconds in all').option('--patience <minutes>', 'stop after so long without a keep')
    .option('--tokens <n>', 'tokens of models in all').option('--money <amount>', 'money for models in all, in the unit of their prices')
    .option('--keep <rule>', 'confirmed or strict (default confirmed)').option('--alpha <p>', 'level of a confirmation (default 0.01)').option('--replicates <n>', 'seeds of a confirmation (default 5)')
    .option('--proposer <kind>', 'search; llm, with a model; or a rival to hold search against: random, tpe (default search)').option('--arm <arm>', 'specialists, single or generic-N (default specialists)').option('--ownership <mode>', 'enforced or advisory').option('--no-lineage', 'specialists know the best and nothing else')
    .option('--detach', 'only begin it, on the server of --nats: what brigade up keeps there does the work')
    .option('--priority <weight>', 'its share of slots that other runs of one broker want too (default 1)').option('--whole-node', 'measure each replicate on a node where nothing else runs')
    .option('--compose <strategy>', 'one more author, who puts together what was kept apart: greedy or ablate')
    .addHelpText('after', '\nExamples:\n  $ brigade run golf-mini\n  $ brigade run golf-mini --trials 8 --seed 3 --json\n  $ brigade run --resume golf-mini-1121a --trials +32\n  $ brigade run --resume golf-mini-1121b --base-url http://127.0.0.1:8001/v1\n  $ brigade run golf-mini --proposer llm --model gpt-5-mini --price 0.25,2.0 --money 5')
    .action((surface: string | undefined, { nats, ...flags }: Flags, command: Command) => {
      const isForNewRuns = flags.resume !== undefined && command.getOptionValueSource('nats') === 'env'; // a run that goes on has its server
      return run(around, surface, nats === undefined || isForNewRuns ? flags : { ...flags, nats });
    });
  shared(program.command('calibrate <surface>').description('measure the unmodified recipe and the canaries, and keep the result for later runs'))
    .addHelpText('after', '\nExample:\n  $ brigade calibrate golf-mini --calibration 5')
    .action((surface: string, flags: Flags) => run(around, surface, { ...flags, trials: '0' }));
}

/** Goes on with an ended run, with nobody to propose but a composer; it is bounded by its trials, so its other limits are lifted. */
export const goOn = (around: Surroundings, ended: string, { strategy, trials, slots, sandbox, json }: { readonly strategy: 'greedy' | 'ablate'; readonly trials: number; readonly slots?: string; readonly sandbox?: string; readonly json: boolean }): Promise<void> =>
  run(around, undefined, { resume: ended, json, ...(slots === undefined ? {} : { slots }), ...(sandbox === undefined ? {} : { sandbox }) }, {
    composer: { strategy, whole: true }, extend: (limits) => ({ ...limits, trials, slotSeconds: null, wallSeconds: null, secondsWithoutKeep: null }),
  });

/** What a run that replays another is started with. `keep` puts the recording where its daemon finds it. */
export interface ReplayStart { readonly config: RunConfig; readonly surface: string; readonly roster: string | null; readonly name: string | null; readonly json: boolean; keep(run: RunId): Promise<void> }

/** Starts a run that makes the proposals of an earlier one again. */
export const replayed = (around: Surroundings, replay: ReplayStart): Promise<void> =>
  run(around, replay.surface, { json: replay.json, ...(replay.name === null ? {} : { name: replay.name }), ...(replay.roster === null ? {} : { roster: replay.roster }) }, null, replay);

type Stretch = Pick<ConductOptions, 'composer' | 'extend'>;

async function run(around: Surroundings, asked: string | undefined, flags: Flags, stretch: Stretch | null = null, replay: ReplayStart | null = null): Promise<void> {
  const { place } = around;
  const earlier = flags.resume === undefined ? null : await findRun(place, flags.resume);
  if (earlier) await requireOwn(place, earlier.run, 'it cannot go on');
  if (earlier && asked !== undefined && asked !== earlier.surface) throw new Mistake(`${earlier.run} is a run of ${earlier.surface}, not of ${asked}: leave the surface out`);
  const surface = earlier?.surface ?? asked;
  if (surface === undefined) throw new Mistake('name a surface: brigade run golf-mini; brigade surfaces lists them');
  if (earlier) refuseOnResume(flags, earlier);
  else if (flags.keys !== undefined && flags.nats === undefined) throw new Mistake('--keys are those of a server of yours: give its --nats URL too');
  if (flags.detach === true && (flags.nats ?? earlier?.url ?? null) === null) throw new Mistake('--detach leaves a run to the daemons of a server of yours: give its --nats URL');
  const roster = earlier ? earlier.roster ?? null : flags.roster ?? null;
  const loaded = await loadToRun(place, surface, { roster, isAlone: (flags.nats ?? earlier?.url ?? null) === null });
  const config = earlier ? null : replay?.config ?? configure(loaded, flags);
  if (config?.proposer === 'tpe') requireOptuna();
  const machine = config ?? configure(loaded, { ...(flags.slots === undefined ? {} : { slots: flags.slots }), ...(flags.sandbox === undefined ? {} : { sandbox: flags.sandbox }) });
  if (!earlier && flags.name !== undefined) await requireFree(place, flags.name, surface, flags.nats ?? null, replay !== null);
  const models = stretch !== null ? null : await modelsToRun(place, earlier, { flags, proposer: config?.proposer ?? null, specialists: loaded.roster.map(({ specialist }) => specialist), roster: config?.roster ?? earlier?.agents ?? [], limits: config?.limits ?? null });
  const toolchain = await findToolchain(projectRoot());
  { // an edit that cannot be used is said before anything starts
    await using syntax = await openSyntax({ python: toolchain.python });
    const problems = await problemsOfLibrary(loaded, syntax);
    if (problems.length > 0) throw new Mistake(problems.join('\n'));
  }
  const run = earlier?.run ?? flags.name ?? await freshRunId(place, surface, new Date());
  await replay?.keep(run);
  const clock = openClock();
  const folder = relative(process.cwd(), runDir(place, run)) || '.';
  const view = liveView({ run, out: around.out, width: around.width, color: around.color, json: flags.json === true, now: around.now, folder, runsAlone: Object.keys(await readStandalone(place, loaded.evaluator)).length > 0, context: flags.nats === undefined ? `brigade-${run}` : null });
  const conducted = await conductRun({
    place, run, surface, roster, config, specialists: stretch === null, composer: stretch?.composer ?? null, extend: stretch?.extend ?? extendBy(earlier ? flags : {}), models,
    slots: machine.slots, sandbox: machine.sandbox, url: flags.nats ?? earlier?.url ?? null, keys: flags.keys === undefined ? earlier?.keys ?? null : resolve(flags.keys), onStep: (says) => view.say(says), isDetached: flags.detach === true,
  });
  if (flags.detach === true) {
    await conducted.close();
    view.say(`${run} has begun at ${conducted.session.url}: brigade up node, broker, keeper and specialist work for it there; brigade watch ${run} follows it`);
    return;
  }
  const interrupt = onInterrupt(conducted, (says) => view.say(says));
  try {
    const journal = conducted.session.journal(run);
    const { lineage, facts } = await foldNow(journal, run);
    const watching = new AbortController();
    using exporting = keepExported({ run, dir: runDir(place, run), lineage, facts, blobs: conducted.session.blobs(run), columns: conducted.evaluator.columns, standalone: conducted.standalone }, clock);
    const following = followRun({ run, lineage, bus: conducted.session.bus, follow: (signal) => grown(journal, lineage, run, signal, (fact) => { facts.push(fact); exporting.note(fact); }) }, view, clock, watching.signal);
    const ended = await conducted.ended;
    if (ended.kind !== 'stopped') watching.abort(new Error('the run is over'));
    await following;
    if (ended.kind !== 'unserved') {
      for await (const fact of journal.follow({ after: lineage.applied, until: await journal.position() })) { grow(lineage, fact, run, verifySignature); facts.push(fact); } // said while the daemons were ending
      await exporting.last();
    }
    if (ended.kind === 'stopped') for (const line of await adviceOnBaseline(lineage, conducted.session.blobs(run))) view.say(line);
    requireEnding(ended, run, folder);
    if (ended.kind === 'aborted') process.exitCode = 130;
    else if (lineage.operatorActs.at(-1)?.act === 'stop' && interrupt.asked.aborted) process.exitCode = 130;
    else if (lineage.bests[0]?.score == null && lineage.bests.length < 2) process.exitCode = 2;
  } finally {
    interrupt.stop();
    await conducted.close();
  }
}

/** A name may be used again only for a run that never came to its first fact. */
async function requireFree(place: Place, name: string, surface: string, url: string | null, isNew: boolean): Promise<void> {
  if (!TOKEN.test(name)) throw new Mistake(`--name ${name} must be 1 to 64 letters, digits, - or _`);
  if (name === EVERY_RUN) throw new Mistake(`--name ${name} stands for all of them: give another`);
  const there = (await listRunFiles(place)).find((file) => file.run === name);
  if (there && (isNew || there.surface !== surface || there.url !== url)) throw taken(name);
}

/** What specialists are to think with, once it is known that they could: keys are there, and what a limit of money needs. */
async function modelsToRun(place: Place, earlier: RunFile | null, { flags, proposer, specialists, roster, limits }: { readonly flags: Flags; readonly proposer: string | null; readonly specialists: readonly string[]; readonly roster: readonly string[]; readonly limits: Limits | null }): Promise<ConductOptions['models']> {
  const idle = modelFlagsIn(flags);
  const had = earlier === null ? null : await recallModels(place, earlier.run);
  if (earlier === null ? proposer !== 'llm' : had === null) {
    if (idle.length > 0) throw new Mistake(`${idle.join(', ')} ${idle.length === 1 ? 'is' : 'are'} for specialists that think with a model: ${earlier === null ? 'add --proposer llm' : `those of ${earlier.run} do not`}`);
    return null;
  }
  const about = { names: [...new Set([...specialists, ...roster])], environment: process.env };
  const models = had === null ? await modelsBy(flags, about) : idle.length === 0 ? had : await modelsAnew(flags, had, { ...about, roster });
  requirePrices(models, roster, limits ?? { ...NO_LIMITS, money: flags.money === undefined ? null : 0 });
  await requireKeys(models, roster);
  return { config: models, isSaid: idle.length > 0 || had === null };
}

/** What a run was started with stands: a flag that could not change it must not look as if it did. */
function refuseOnResume(flags: Flags, earlier: RunFile): void {
  const idle = SETTLED.filter(([name]) => flags[name] !== undefined && flags[name] !== true).map(([, flag]) => flag); // commander says lineage: true by itself
  if (idle.length > 0) throw new Mistake(`${idle.join(', ')} cannot change ${earlier.run}, which goes on as it was started: leave ${idle.length === 1 ? 'it' : 'them'} out, or start a new run`);
  if (earlier.url === null && (flags.nats !== undefined || flags.keys !== undefined)) throw new Mistake(`${earlier.run} has a nats-server of its own, with all that was recorded: leave --nats and --keys out`);
}

async function foldNow(journal: Journal, run: string): Promise<{ lineage: Lineage; facts: Fact[] }> {
  const lineage = emptyLineage();
  const facts: Fact[] = [];
  for await (const fact of journal.follow({ after: 0, until: await journal.position() })) {
    grow(lineage, fact, run, verifySignature);
    facts.push(fact);
  }
  return { lineage, facts };
}

async function* grown(journal: Journal, lineage: Lineage, run: string, signal: AbortSignal, note: (fact: Fact) => void): AsyncIterable<Fact> {
  for await (const fact of journal.follow({ after: lineage.applied, signal })) {
    grow(lineage, fact, run, verifySignature);
    note(fact);
    yield fact;
  }
}
