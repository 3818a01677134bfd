import type { Command } from 'commander';
import { mostTrials } from '../actors/specialist/index.ts';
import { plural } from '../domain/figures.ts';
import { COMPOSER } from '../domain/components.ts';
import { BASELINE } from '../domain/ids.ts';
import { best, countTrials } from '../domain/lineage.ts';
import { componentsOf } from '../domain/worth.ts';
import { choice } from './choice.ts';
import { Mistake } from './mistake.ts';
import { findRun } from './place.ts';
import { jsonLine, reading } from './reading.ts';
import { requireOwn } from './read-only.ts';
import { goOn } from './run.ts';
import type { Surroundings } from './surroundings.ts';
import { worthLines, worthObjects } from './view/worth.ts';

interface Flags { readonly strategy: string; readonly slots?: string; readonly sandbox?: string; readonly json?: boolean; readonly show?: boolean }

const STRATEGIES = ['greedy', 'ablate'] as const;

/** Adds `brigade compose`: an ended run goes on with nobody but a composer. */
export function composeCommand(program: Command, here: Surroundings): void {
  program.command('compose [run]').description('go on with an ended run, putting together what its specialists had kept apart, and say what each part is worth')
    .option('--strategy <name>', 'greedy: one after another, what is kept stays; ablate: all at once, then each left out once', 'greedy')
    .option('--slots <n>', 'slots of this machine (default: its cores)').option('--sandbox <level>', 'as for run')
    .option('--show', 'only say what is known already').option('--json', 'print one JSON object a line')
    .addHelpText('after', '\nExamples:\n  $ brigade compose golf-mini-1121a\n  $ brigade compose golf-mini-1121a --strategy ablate')
    .action(async (asked: string | undefined, flags: Flags) => {
      const strategy = choice('--strategy', flags.strategy, STRATEGIES);
      const { run } = await findRun(here.place, asked);
      if (!flags.show) {
        await requireOwn(here.place, run, 'nothing can be added to it');
        const { trials, so, says, remedy } = await reading(here, run, ({ lineage }) => {
          if (lineage.started?.arm.lineage === false) throw new Mistake(`${run} was started without lineage, so nobody in it may know what was kept: compose another run`);
          if (lineage.stopped === null) throw new Mistake(`${run} has not ended: brigade run --resume ${run} goes on with it, and brigade run --compose ${strategy} composes while it runs`);
          const components = componentsOf(lineage);
          const head = best(lineage)?.trial ?? BASELINE;
          const tried = [...lineage.trials.values()].filter(({ trial, proposal, result }) => trial === BASELINE || proposal.specialist === COMPOSER || result?.status === 'keep')
            .map(({ trial, proposal }) => ({ stamp: proposal.proposer.strategy, components: components.of(trial) }));
          const [has, apart] = [components.of(head).size, components.apart(head)];
          return {
            trials: mostTrials({ strategy, whole: true, best: head, components, tried }), so: countTrials(lineage),
            remedy: strategy === 'greedy' && has > 1 ? `; brigade compose ${run} --strategy ablate takes the best to pieces` : '',
            says: has === 0 ? 'nothing was kept' : `${head} is made of ${plural(has, 'component')}, and ${apart.length === 0 ? 'nothing that was kept lies' : `${apart.join(', ')} ${apart.length === 1 ? 'lies' : 'lie'}`} apart from it`,
          };
        });
        if (trials === 0) throw new Mistake(`${run}: ${says}: nothing is left for ${strategy} to try${remedy}`);
        if (!flags.json) here.out.write(`${run}   ${says}: ${plural(trials, 'trial')} at most\n`);
        await goOn(here, run, {
          strategy, trials: so + trials, ...(flags.slots === undefined ? {} : { slots: flags.slots }), ...(flags.sandbox === undefined ? {} : { sandbox: flags.sandbox }), json: flags.json === true,
        });
      }
      await reading(here, run, ({ lineage }) => {
        for (const line of flags.json ? worthObjects(run, lineage).map(jsonLine) : worthLines(lineage, here).map((text) => `${text}\n`)) here.out.write(line);
      });
    });
}
