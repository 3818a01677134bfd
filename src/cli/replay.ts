import { basename } from 'node:path';
import type { Command } from 'commander';
import { openParser } from '../adapters/python/index.ts';
import { loadEvaluator, loadSurface } from '../adapters/surfaces/index.ts';
import { reproduction } from '../domain/analysis/reproduction.ts';
import { NO_LIMITS } from '../domain/budget.ts';
import type { RunStarted } from '../domain/fact.ts';
import { counted, plural } from '../domain/figures.ts';
import { TOKEN } from '../domain/ids.ts';
import type { Lineage } from '../domain/lineage.ts';
import { recordingOf, type Recorded } from '../domain/recording.ts';
import { configure, type RunConfig } from './config.ts';
import { Mistake } from './mistake.ts';
import { dataDir, type Place } from './place.ts';
import { jsonLine, reading } from './reading.ts';
import { keepRecording, readRun } from './replay-recording.ts';
import { replayed } from './run.ts';
import type { Surroundings } from './surroundings.ts';
import { reproductionLines, reproductionObject } from './view/reproduction.ts';

interface Flags { readonly name?: string; readonly slots?: string; readonly sandbox?: string; readonly with?: string; readonly json?: boolean }

/** `brigade replay`: a recorded run's proposals run again without whoever thought of them, and what came out otherwise. */
export function replayCommand(program: Command, here: Surroundings): void {
  program.command('replay <run>').description('run the proposals of an earlier run again, in the same order under the same ids, and say where the new measurements agree')
    .option('--name <run>', 'name of the new run').option('--slots <n>', 'slots of this machine (default: its cores)').option('--sandbox <level>', 'as for run')
    .option('--with <run>', 'run nothing: compare with a replay that was made').option('--json', 'print one JSON object a line')
    .addHelpText('after', '\n<run> is a run of this folder, or the journal.jsonl that one left behind anywhere, or the folder with it.\nEnds with 0 where everything agrees, and with 2 where something differs.\n\nExamples:\n  $ brigade replay golf-mini-1121a\n  $ brigade replay elsewhere/golf-mini-1121a/journal.jsonl --name claim-again\n  $ brigade replay golf-mini-1121a --with claim-again')
    .action(async (asked: string, flags: Flags) => {
      const { run, lineage } = await readRun(here, asked);
      if (lineage.imported !== null) throw new Mistake(`${run} was imported, and a results.tsv holds no patches: there is nothing to propose again`);
      let again = flags.with ?? null;
      if (again === null) {
        const { started, recorded } = replayable(run, lineage);
        const { rosterName } = started;
        await requireSame(here.place, run, started);
        const surface = await loadSurface(here.place.root, started.surface, null, { roster: rosterName ?? null });
        if (flags.json !== true) here.out.write(`${says(run, lineage, recorded)}\n`);
        await replayed(here, {
          config: configOf(run, started, lineage, configure(surface, { ...(flags.slots === undefined ? {} : { slots: flags.slots }), ...(flags.sandbox === undefined ? {} : { sandbox: flags.sandbox }) })),
          surface: started.surface, roster: rosterName ?? null, name: flags.name ?? null, json: flags.json === true,
          keep: async (name) => { again = name; await keepRecording(here.place, name, recorded); },
        });
      }
      const name = again ?? '';
      if (process.exitCode === 130) { here.out.write(flags.json ? '' : `next     brigade run --resume ${name} goes on; then brigade replay ${asked} --with ${name} compares\n`); return; }
      await reading(here, name, ({ lineage: second }) => {
        if (second.started?.proposer !== 'replay') throw new Mistake(`${name} replays nothing: brigade compare sets runs side by side`);
        const found = reproduction(lineage, second);
        here.out.write(flags.json ? jsonLine(reproductionObject(run, name, found)) : `\n${reproductionLines(run, name, lineage, found, here).join('\n')}\n`);
        if (!found.holds) process.exitCode = 2;
      });
    });
}

/** What of a run can be replayed. Throws `Mistake` where nothing can. */
function replayable(run: string, lineage: Lineage): { readonly started: RunStarted; readonly recorded: readonly Recorded[] } {
  const found = recordingOf(lineage);
  if (found.kind === 'damaged') throw new Mistake(`${run} cannot be replayed: ${found.why}, and what follows would have other ids. brigade verify ${run} says what else is wrong`);
  if (lineage.started === null || found.recorded.length === 0) throw new Mistake(`${run} has no proposals: there is nothing to run again`);
  return { started: lineage.started, recorded: found.recorded };
}

/** A patch means what it meant only on the recipe it was made for, and a score only under the evaluator that gave it. Throws `Mistake`. */
async function requireSame(place: Place, run: string, started: RunStarted): Promise<void> {
  const remedy = `put it back as it was (brigade ${started.brigade}), or search it anew: brigade run ${started.surface}`;
  const surface = await loadSurface(place.root, started.surface, await openParser(), { roster: started.rosterName ?? null });
  if (surface.hash !== started.surfaceHash) throw new Mistake(`surfaces/${started.surface} is not what ${run} searched (${surface.hash.slice(0, 8)}, was ${started.surfaceHash.slice(0, 8)}), so its patches could mean something else: ${remedy}`);
  const evaluator = await loadEvaluator(place.root, surface.evaluator, { dataDir: dataDir(place) });
  if (evaluator.hash !== started.evaluatorHash) throw new Mistake(`evaluators/${started.evaluator}, or the warden it measures with, is not what measured ${run} (${evaluator.hash.slice(0, 8)}, was ${started.evaluatorHash.slice(0, 8)}), so its scores could not be compared with new ones: ${remedy}`);
}

/** As the run was started; bounded by its own trials alone, and open about what was kept, because nobody is left to be kept from it. */
const configOf = (run: string, started: RunStarted, lineage: Lineage, machine: RunConfig): RunConfig => ({
  limits: { ...NO_LIMITS, trials: lineage.admittedCount }, seed: started.seed, keep: started.keep, arm: { ...started.arm, lineage: true }, roster: started.roster, proposer: 'search', compose: null,
  replays: TOKEN.test(basename(run)) ? run : 'recording', calibrationReplicates: started.calibrationReplicates, leaseTtlMs: started.leaseTtlMs, priority: started.priority ?? 1, wholeNode: started.wholeNode === true, slots: machine.slots, sandbox: machine.sandbox,
});

const says = (run: string, lineage: Lineage, recorded: readonly Recorded[]): string =>
  `replay   ${run}   ${plural(recorded.length, 'proposal')} of ${lineage.started?.proposer ?? 'unknown'}: ${plural(lineage.admittedCount, 'trial')}, ${counted(recorded.length - lineage.admittedCount)} refused`;
