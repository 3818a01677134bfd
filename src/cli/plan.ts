import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { CalibrationKey } from '../actors/broker/index.ts';
import { openCalibrations } from '../adapters/calibrations/index.ts';
import { loadEvaluator, loadSurface, SurfaceNotSetUp } from '../adapters/surfaces/index.ts';
import type { Limits } from '../domain/budget.ts';
import { estimate, firstLimit, type FirstLimit } from '../domain/estimate.ts';
import type { Calibrated } from '../domain/fact.ts';
import { plural } from '../domain/figures.ts';
import { RunCalibrated } from '../protocols/run.ts';
import { configure, type RunFlags } from './config.ts';
import { modelFlagsIn, modelOptions, modelsBy, type ModelFlags } from './models-flags.ts';
import { Mistake } from './mistake.ts';
import { slotsHere } from './needs.ts';
import type { Place } from './place.ts';
import { planThinking, sayThinking } from './plan-thinking.ts';

/** Adds `brigade plan`: what a run would cost, before it costs anything. */
export function planCommand(program: Command, place: Place, out: { write(text: string): unknown }): void {
  modelOptions(program.command('plan <surface>').description('say what calibration, a trial and a confirmation will cost, and thinking with models may, before launch'))
    .option('--trials <n>', 'trials in all').option('--minutes <n>', 'minutes in all').option('--slot-seconds <n>', 'slot-seconds in all').option('--slots <n>', 'slots of this machine (default: its cores, or its GPUs)').option('--keep <rule>', 'confirmed or strict').option('--replicates <n>', 'seeds of a confirmation').option('--calibration <n>', 'replicates of the baseline')
    .option('--proposer <kind>', 'llm adds what thinking with a model may cost').option('--arm <arm>', 'specialists, single or generic-N').option('--tokens <n>', 'tokens of models in all').option('--money <amount>', 'money for models in all')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExamples:\n  $ brigade plan golf-mini --trials 32\n  $ brigade plan golf-mini --proposer llm --model gpt-5-mini --price 0.25,2.0 --money 5')
    .action(async (name: string, flags: RunFlags & ModelFlags & { json?: boolean }) => {
      const surface = await loadSurface(place.root, name).catch((error: unknown) => { // what it will cost can be known before anything is fetched
        if (error instanceof SurfaceNotSetUp) return { ...error.outline, hash: '' };
        throw error;
      });
      const evaluator = await loadEvaluator(place.root, surface.evaluator, { dataDir: join(place.root, '.brigade', 'data') });
      const config = configure(surface, flags);
      const { count } = surface.slots;
      const slots = count * Math.max(1, Math.floor((config.slots ?? await slotsHere(surface.slots)) / count)); // those that gangs can be made of
      const trials = config.limits.trials ?? 0;
      const calibrated = await earlierCalibration(join(place.root, '.brigade', 'calibrations'), { surfaceHash: surface.hash, evaluatorHash: evaluator.hash, replicates: config.calibrationReplicates });
      const planned = estimate(evaluator, calibrated, { trials, keep: config.keep, calibrationReplicates: config.calibrationReplicates, slotsPerReplicate: count });
      const first = firstLimit(planned, config.limits, slots);
      const named = modelFlagsIn(flags);
      if (config.proposer !== 'llm' && named.length > 0) throw new Mistake(`${named.join(', ')} ${named.length === 1 ? 'is' : 'are'} for specialists that think with a model: add --proposer llm`);
      const thinking = config.proposer !== 'llm' ? null : planThinking(named.length === 0 ? null : await modelsBy(flags, { names: [...new Set([...surface.roster.map(({ specialist }) => specialist), ...config.roster])], environment: process.env }), config.roster, config.limits);
      if (flags.json) { out.write(`${JSON.stringify({ surface: name, slots, trials, ...planned, first, thinking })}\n`); return; }
      const line = (what: string, replicates: string, slotSeconds: number, note = ''): string => `${what.padEnd(16)}${replicates.padEnd(26)}${`${Math.round(slotSeconds)} s of slots`.padEnd(20)}${note}`.trimEnd();
      out.write(`${[
        `${name}   ${slots} ${slots === 1 ? 'slot' : 'slots'}   ${planned.from === 'calibration' ? `from the calibration of ${calibrated?.reusedFrom ?? 'an earlier run'}` : 'upper bounds from the phases\' budgets: nothing was measured here yet'}`,
        line('calibration', `${config.calibrationReplicates} replicates`, planned.calibrationSeconds, calibrated ? `nothing to pay if a node is still as ${calibrated.device} was` : ''),
        line('a trial', '1 replicate', planned.trialSeconds),
        line('a confirmation', config.keep.kind === 'strict' ? 'none under strict' : `${planned.confirmationReplicates} replicates`, planned.confirmationSeconds, config.keep.kind === 'strict' ? '' : planned.incumbentSeconds > 0 ? 'and as many once for the incumbent, if it is the baseline' : 'half of them of the incumbent, turn by turn'),
        line('the final claim', `${2 * config.keep.replicates} replicates`, planned.claimSeconds),
        `${trials} trials: ${duration(planned.runSeconds[0] / slots)} when none needs confirming, ${duration(planned.runSeconds[1] / slots)} when every one does`,
        ...(first === null ? [] : [sayFirst(first, config.limits)]), ...(thinking === null ? [] : sayThinking(thinking)),
      ].join('\n')}\n`);
    });
}

/** Which limit a run will end by, in a sentence. */
function sayFirst(first: FirstLimit, limits: Limits): string {
  if (first.limit === 'trials') return `the limit of ${limits.trials} trials ends it first`;
  const time = first.limit === 'wallSeconds' ? duration(limits.wallSeconds ?? 0) : `${limits.slotSeconds} slot-seconds`;
  const [least, most] = first.trials;
  return first.confirmations === null ? `the limit of ${time} ends it first, after ${least} to ${most} trials` : `the limit of ${time} ends it first when ${first.confirmations === 0 ? 'any trial needs' : `more than ${plural(first.confirmations, 'trial')} ${first.confirmations === 1 ? 'needs' : 'need'}`} confirming, else that of ${limits.trials} trials`;
}

const duration = (seconds: number): string => (seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`);

/** What was measured of this very surface and evaluator with as many replicates; whether a node will still be like the one it was measured on, only its enrolment says. */
async function earlierCalibration(dir: string, key: { readonly surfaceHash: string; readonly evaluatorHash: string; readonly replicates: number }): Promise<Calibrated | null> {
  for (const file of await readdir(dir).catch(() => [])) {
    const parsed = RunCalibrated.body.safeParse(await readFile(join(dir, file), 'utf8').then(JSON.parse).catch(() => null));
    if (!parsed.success) continue;
    const { device, environmentHash } = parsed.data;
    const found = await openCalibrations<CalibrationKey>(dir).find({ ...key, device, environmentHash });
    if (found) return found;
  }
  return null;
}
