import { totalmem, availableParallelism } from 'node:os';
import { basename, isAbsolute, relative } from 'node:path';
import { openParser } from '../../adapters/python/index.ts';
import { expand, findPython, headOf, isProgram, namedBy, proposePartition, reach, readCommand, readHead, ROLES, takenBy, type FoundPython, type Plan, type Wrapped } from '../../adapters/starter/index.ts';
import { TOKEN } from '../../domain/ids.ts';
import { Mistake } from '../mistake.ts';
import { number } from '../number.ts';
import type { Asker } from './ask.ts';
import type { InitFlags } from './flags.ts';
import { settleMetric } from './metric.ts';
import { readMounts, spellMounts, unseen } from './mount.ts';

export interface Gathered { readonly plan: Plan; readonly python: FoundPython; readonly notes: readonly string[] }

/** Seconds a run may take when nobody said. */
const BUDGET_SECONDS = 600;
const SIZES: Readonly<Record<string, number>> = { '': 1, K: 1e3, M: 1e6, G: 1e9, KI: 1024, MI: 1024 ** 2, GI: 1024 ** 3 };

/** Everything that is written, from flags, answers and what the folder holds. Throws `Mistake` for the first thing that is wrong; writes nothing. */
export async function gather(folder: string, flags: InitFlags, asker: Asker | null, environment: Readonly<Record<string, string | undefined>>): Promise<Gathered> {
  const commit = await headOf(folder);
  const line = flags.command ?? await asker?.ask('Which command trains and prints the metric?', null);
  if (line === undefined || line === '') throw new Mistake('--command is missing: how is the recipe run, e.g. --command "python train.py --epochs 1"');
  const read = readCommand(line);
  if (read.kind === 'refused') throw new Mistake(`--command: ${read.why}`);
  const command = read.command;
  const python = await pythonFor(folder, flags, command, environment);
  const named = await namedBy(folder, command);
  const isOwn = command.program?.includes('/') === true && named.includes(command.program.replace(/^\.\//, ''));
  if (command.program !== null && !isOwn && !await isProgram(command.program, python.path)) throw new Mistake(`--command: there is no ${command.program} beside ${python.path} or in /usr/bin: name a program that a sandbox can start, such as python train.py, or a script that git has here, such as ./train.sh`);
  const reached = await reach(folder, command, python.path).catch((error: unknown) => { if (flags.files) return { files: [], missing: [], texts: [] }; throw error; });
  const files = flags.files ? [...new Set([...await expand(folder, flags.files), ...named, ...(command.start?.kind === 'script' ? [command.start.name] : [])])] : reached.files;
  const lacks = reached.missing.length === 0 ? null : `the files import ${reached.missing.join(', ')}, which ${python.path} (${python.from}) does not have`;
  if (lacks !== null && flags.python === undefined) throw new Mistake(`${lacks}: activate the environment that does, or give --python PATH`);
  const recipe = await readHead(folder, files);
  const { metric, notes } = await settleMetric(folder, flags, reached.texts, asker);
  const budget = number('--budget', flags.budget ?? await asker?.ask('How many seconds may a run take?', String(BUDGET_SECONDS)) ?? String(BUDGET_SECONDS), 1, 1_000_000, false);
  const mounts = await readMounts(folder, flags.mount ?? await askMounts(asker), files);
  const name = await settleName(folder, flags, asker);
  const parser = await openParser();
  const partition = proposePartition(Object.entries(recipe).map(([file, source]) => ({ file, source, table: parser.symbols(source) })), { metric: metric.name, options: command.options });
  if (partition.roster.length === 0) throw new Mistake(`nothing in ${files.join(', ')} speaks for a role, so no specialist would own anything: name the files that hold the recipe with --files`);
  const hidden = await unseen(folder, [...reached.texts, ...command.words], files, mounts);
  return {
    python,
    plan: {
      name, commit, commandLine: line.trim(), words: spellMounts(command.words, mounts), env: command.env, metric, recipe, partition, mounts, python: within(folder, python.path),
      budgetSeconds: budget, artifact: artifactOf(flags), memoryBytes: flags.memory === undefined ? memoryShare() : bytesOf('--memory', flags.memory),
      replicates: flags.replicates === undefined ? 5 : number('--replicates', flags.replicates, 2, 50, true), script: command.start?.kind === 'script' ? command.start.name : null,
    },
    notes: [
      ...notes, ...(lacks === null ? [] : [lacks]), ...(flags.budget === undefined && !asker ? [`no --budget was given: a run may take ${BUDGET_SECONDS} s`] : []),
      ...(hidden.length === 0 ? [] : [`the files name ${hidden.join(', ')}, which the sandbox will not see: if the command reads ${hidden.length === 1 ? 'it' : 'them'}, ${hidden.map((path) => `--mount ${path}`).join(' ')}`]),
      ...seedNote(command, recipe), ...absent(partition.roster),
    ],
  };
}

async function pythonFor(folder: string, flags: InitFlags, command: Wrapped, environment: Readonly<Record<string, string | undefined>>): Promise<FoundPython> {
  const named = flags.python ?? command.interpreter;
  const found = await findPython({ folder, named, environment });
  if (found.kind === 'found') return found.python;
  if (named !== null) throw new Mistake(`--python ${named} is no Python 3.8 or newer that runs here`);
  throw new Mistake(`there is no Python 3.8 or newer: looked for ${found.tried.slice(0, 6).join(', ') || 'one on PATH'}. Activate an environment, or give --python PATH`);
}

/** Roles that nobody will have. */
function absent(roster: readonly string[]): readonly string[] {
  const without = ROLES.filter((role) => !roster.includes(role));
  return without.length === 0 ? [] : [`nothing in the files speaks for ${without.join(' or ')}: ${without.length === 1 ? 'it has' : 'they have'} no specialist until surface.yaml gives ${without.length === 1 ? 'it' : 'each'} something`];
}

/** A project's own environment is named from the project: it moves with it. */
function within(folder: string, path: string): string {
  const inside = relative(folder, path);
  return inside.startsWith('..') || isAbsolute(inside) ? path : inside;
}

/** A recipe that ignores its seed cannot say how large chance is. */
function seedNote(command: Wrapped, recipe: Plan['recipe']): readonly string[] {
  const sources = Object.values(recipe);
  if (command.words.some((word) => word.includes('{seed}')) || sources.some((text) => text.includes('BRIGADE_SEED'))) return [];
  const option = sources.flatMap((text) => /["'](--[\w-]*seed)["']/.exec(text)?.[1] ?? [])[0];
  const isFixed = sources.some((text) => /\b(?:manual_seed|random\.seed|default_rng|seed_everything|set_seed)\s*\(/.test(text));
  if (option !== undefined) return [`every replicate will have the same seed: end the command with ${option} {seed}, and each gets its own`];
  return isFixed ? ['the seed is fixed in the code: read it from the environment, int(os.environ.get("BRIGADE_SEED", 0)), and each replicate gets its own'] : [];
}

async function askMounts(asker: Asker | null): Promise<readonly string[]> {
  const said = await asker?.ask('What else does it read? Files and folders, with a space between them, or Enter for nothing', null) ?? '';
  return said.split(/\s+/).filter((word) => word !== '');
}

async function settleName(folder: string, flags: InitFlags, asker: Asker | null): Promise<string> {
  const proposal = basename(folder).replaceAll(/[^A-Za-z0-9_-]+/g, '-').replaceAll(/^-+|-+$/g, '').slice(0, 64) || 'mine';
  const name = flags.name ?? await asker?.ask('What shall the surface be called?', proposal) ?? proposal;
  if (!TOKEN.test(name)) throw new Mistake(`--name ${name} must be 1 to 64 letters, digits, - or _`);
  const taken = flags.force ? null : await takenBy(folder, name);
  if (taken !== null) throw new Mistake(`${taken} exists already: give another --name, or --force to write it anew (what was changed in it is lost)`);
  return name;
}

function artifactOf({ artifact, cap }: InitFlags): Plan['artifact'] {
  if (artifact === undefined) { if (cap !== undefined) throw new Mistake('--cap is that of a file the command leaves: name it with --artifact PATH'); return null; }
  if (artifact.startsWith('/') || artifact.split('/').includes('..')) throw new Mistake(`--artifact ${artifact} must be a path inside the folder that the command is run in`);
  return { path: artifact, capBytes: cap === undefined ? null : bytesOf('--cap', cap) };
}

function bytesOf(flag: string, text: string): number {
  const read = /^(\d+(?:\.\d+)?) ?([KMG]?i?)B?$/i.exec(text);
  const unit = SIZES[(read?.[2] ?? '?').toUpperCase()];
  if (!read || unit === undefined || Number(read[1]) * unit < 1) throw new Mistake(`${flag} ${text} must be bytes, or a number with a unit such as 64KB, 16MB, 4GB`);
  return Math.round(Number(read[1]) * unit);
}

/** What a slot gets of this machine's memory when nobody said: half of an equal share, at least a gigabyte. */
const memoryShare = (): number => Math.max(1e9, Math.floor(totalmem() / availableParallelism() / 2 / 1e9) * 1e9);
