import { relative } from 'node:path';
import type { Command } from 'commander';
import { openParser } from '../adapters/python/index.ts';
import { evaluatorFiles, layOut, NoBaseline, patternFor, readPrograms, surfaceFiles } from '../adapters/starter/index.ts';
import { duration, plural } from '../domain/figures.ts';
import type { Claim } from '../domain/surface.ts';
import { adviceFor, turnable } from './init/advice.ts';
import { Interrupted, openAsker, type Terminal } from './init/ask.ts';
import type { InitFlags } from './init/flags.ts';
import { gather, type Gathered } from './init/gather.ts';
import { Mistake } from './mistake.ts';

// `brigade init`: from a repository with a training script to a surface and an evaluator of it.
//
//   I1. What a flag says is not asked; without a terminal nothing is.
//   I2. Nothing is written before everything is settled, and then all of it or nothing.

interface InitAround {
  readonly out: { write(text: string): unknown };
  readonly folder: () => string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where to ask; null when nobody is there. */
  readonly terminal: () => Terminal | null;
}

const ordinary: InitAround = {
  out: process.stdout, folder: () => process.cwd(), environment: process.env,
  terminal: () => (process.stdin.isTTY && process.stdout.isTTY ? { input: process.stdin, output: process.stdout } : null),
};

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** Adds `brigade init`. */
export function initCommand(program: Command, around: InitAround = ordinary): void {
  program.command('init').description('make a surface and an evaluator of the training script in this git repository')
    .option('--command <line>', 'how it is run, from this folder; {seed} stands for the seed of a replicate')
    .option('--metric <name>', 'what it prints and is to be made better').option('--minimize', 'less is better').option('--maximize', 'more is better')
    .option('--log <file>', 'a log of an earlier run, to find the metric in').option('--line <text>', 'a line that it prints').option('--pattern <regex>', 'how the metric stands in a line, with one group round the number')
    .option('--take <which>', 'which of several values counts: last, best or first (default last)').option('--range <low,high>', 'between which values the metric can lie')
    .option('--budget <seconds>', 'seconds a run may take (default 600)').option('--artifact <file>', 'a file it must leave').option('--cap <bytes>', 'how large that may be, e.g. 16MB').option('--memory <bytes>', 'memory of a run, e.g. 4GB')
    .option('--files <glob>', 'files of the recipe, instead of the script and what it imports; may be repeated', collect).option('--mount <path>', 'a file or folder that it reads; may be repeated', collect)
    .option('--python <path>', 'interpreter, or folder of an environment (default: the active one, .venv, or python on PATH)')
    .option('--replicates <n>', 'runs of the baseline at calibration (default 5)').option('--name <name>', 'name of the surface (default: that of the folder)').option('--force', 'write it anew where it exists').option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ brigade init --command "python train.py --epochs 1 --seed {seed}" --metric val_loss --budget 60 --mount data')
    .action(async (flags: InitFlags) => {
      if (flags.minimize && flags.maximize) throw new Mistake('give --minimize or --maximize, not both');
      try {
        await init(around, flags);
      } catch (error) {
        if (error instanceof NoBaseline) throw new Mistake(error.message, { cause: error });
        if (!(error instanceof Interrupted)) throw error;
        process.stderr.write(`\n${error.message}\n`);
        process.exitCode = 130;
      }
    });
}

async function init({ out, folder: where, environment, terminal: find }: InitAround, flags: InitFlags): Promise<void> {
  const folder = where();
  const terminal = flags.json ? null : find();
  using asker = terminal ? openAsker(terminal) : null; // I1
  const gathered = await gather(folder, flags, asker, environment);
  const { plan } = gathered;
  const parser = await openParser();
  const claims = plan.partition.claims.map(({ owner, file, symbol }): Claim => ({ owner, file, symbol, line: 0 }));
  const found = turnable(plan.recipe, claims, plan.partition.roster, parser);
  const notes = [...gathered.notes, ...adviceFor(found, () => 0, plan.name)];
  await layOut(folder, plan.name, surfaceFiles(plan), evaluatorFiles(plan, await readPrograms())); // I2
  if (flags.json) {
    out.write(`${JSON.stringify({ name: plan.name, surface: `surfaces/${plan.name}`, evaluator: `evaluators/${plan.name}`, commit: plan.commit, python: gathered.python, metric: plan.metric, budgetSeconds: plan.budgetSeconds, files: Object.keys(plan.recipe), mounts: plan.mounts, partition: plan.partition, knobs: found, notes })}\n`);
    return;
  }
  out.write(`${say(gathered, found, notes, relative(process.cwd(), folder) || '.').join('\n')}\n`);
}

function say({ plan, python }: Gathered, found: ReturnType<typeof turnable>, notes: readonly string[], folder: string): readonly string[] {
  const { name, metric, partition } = plan;
  const line = (word: string, text: string): string => `${word.padEnd(14)}${text}`.trimEnd();
  const width = Math.max(...partition.claims.map(({ file, symbol }) => labelOf(file, symbol).length), 12);
  return [
    line('python', `${python.path}   ${python.version}, ${python.from}`),
    line('command', `${plan.commandLine}   at most ${duration(plan.budgetSeconds)}`),
    line('metric', `${metric.name}, ${metric.direction}d   the ${metric.take} ${metric.pattern === patternFor(metric.name) ? `number after ${metric.name}` : `match of ${metric.pattern}`} in what it prints`),
    line('baseline', `${plural(Object.keys(plan.recipe).length, 'file')} of commit ${plan.commit.slice(0, 12)}: ${Object.keys(plan.recipe).join(' ')}`),
    ...plan.mounts.map((mount) => line('mounted', `${mount.path}, read-only`)),
    '',
    ...partition.claims.map(({ owner, file, symbol, reason }) => `  ${labelOf(file, symbol).padEnd(width)}  ${owner.padEnd(12)}  ${reason}`),
    '',
    ...found.map(({ specialist, knobs }) => line(specialist, knobs.length === 0 ? 'no knobs' : `${plural(knobs.length, 'knob')}: ${knobs.join(', ')}`)),
    ...(notes.length === 0 ? [] : ['', ...notes.map((note) => line('note', note))]),
    '',
    line('written', `${folder === '.' ? '' : `${folder}/`}surfaces/${name}/ and evaluators/${name}/   correct who owns what in surface.yaml; the score is the command's own word until you write scorer.py (evaluators/${name}/README.md)`),
    line('next', `brigade surfaces check ${name}`), line('', `brigade calibrate ${name}`), line('', `brigade run ${name}`),
  ];
}

const labelOf = (file: string, symbol: string | null): string => (symbol === null ? file : `${file}#${symbol}`);
