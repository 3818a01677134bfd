import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { openParser, openSyntax } from '../adapters/python/index.ts';
import { BadSurface, listSurfaces, loadEvaluator, loadSurface, setUpSurface, SurfaceNotSetUp } from '../adapters/surfaces/index.ts';
import { divide } from '../domain/block.ts';
import { plural } from '../domain/figures.ts';
import { ownerOf, PROTECTED } from '../domain/partition.ts';
import { suggest } from '../domain/likeness.ts';
import { MODULE } from '../domain/symbol.ts';
import { findToolchain, projectRoot } from '../adapters/toolchain/index.ts';
import { adviceFor, turnable } from './init/advice.ts';
import { loadLibrary, problemsOfLibrary } from './library.ts';
import { Mistake } from './mistake.ts';
import { findPlace, preparationOf, type Place } from './place.ts';

interface Flags { readonly json?: true; readonly roster?: string; readonly verify?: true }
interface SetupFlags { readonly from?: string; readonly data?: string | false; readonly start?: string; readonly python?: string; readonly json?: true }
/** What a flag of `setup` takes the path of. */
const GIVEN = { '--from': 'a checkout of its repository', '--data': 'the folder with the data', '--python': "an environment's bin/python" } as const;

interface Out { write(text: string): unknown }

/** `brigade surfaces`: which surfaces there are, who owns what in one, and whether an edited one is right. */
export function surfacesCommand(program: Command, place: Place = findPlace(process.env), out: Out = process.stdout): void {
  const surfaces = program.command('surfaces').description('list the surfaces, show who owns what in one, check one after editing it, or set up one whose recipe is somebody else\'s')
    .addHelpText('after', '\nExample:\n  $ brigade surfaces check golf-mini');
  const line = (text: string): unknown => out.write(`${text}\n`);

  surfaces.command('list', { isDefault: true }).allowExcessArguments().description('one line a surface').option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  $ brigade surfaces list --json')
    .action(({ json }: Flags, command: Command) => guarded(async () => {
      const names = await listSurfaces(place.root);
      const [word] = command.args; // what is no command of `surfaces` arrives here
      if (word !== undefined) throw new Mistake(names.includes(word) ? `say what about ${word}: brigade surfaces show ${word}, check ${word} or setup ${word}` : `brigade surfaces has no command ${word}${suggest(word, surfaces.commands.map((one) => one.name()))} brigade surfaces --help lists them`);
      if (names.length === 0) throw nothingIn(place);
      for (const name of names) {
        const read = await loadSurface(place.root, name).then((surface) => ({ surface, problem: null }), (error: unknown) => {
          if (error instanceof SurfaceNotSetUp) return { surface: error.outline, problem: `not set up: brigade surfaces setup ${name}` };
          if (error instanceof BadSurface) return { surface: null, problem: error.problems[0] ?? '' };
          throw error;
        });
        const { surface, problem } = read;
        if (json) line(JSON.stringify({ name, title: surface?.title ?? null, evaluator: surface?.evaluator ?? null, roster: surface?.roster.map(({ specialist }) => specialist) ?? [], slots: surface?.slots ?? null, problem }));
        else line(`${name.padEnd(20)} ${surface ? `${surface.title}   ${surface.slots.count} ${surface.slots.kind}   ${surface.roster.map(({ specialist }) => specialist).join(' ')}${problem === null ? '' : `   ${problem}`}` : `cannot be used: ${problem}`}`);
      }
    }));

  surfaces.command('show <name>').description('every file and symbol of a surface with its owner').option('--roster <name>', "under one of the surface's rosters").option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  $ brigade surfaces show golf-mini')
    .action((name: string, { json, roster }: Flags) => guarded(async () => {
      const { surface, evaluator, owners } = await read(place, name, roster);
      if (json) { line(JSON.stringify({ name, title: surface.title, objective: evaluator.objective, limits: surface.limits, slots: surface.slots, hash: surface.hash, evaluatorHash: evaluator.hash, owners, roster: surface.roster })); return; }
      line(`${name}   ${surface.title}`);
      line(`objective   ${evaluator.objective.direction} ${evaluator.objective.metric} (${evaluator.objective.unit})   evaluator ${evaluator.name}   ${evaluator.phases.map((phase) => `${phase.name} ${phase.budgetSeconds} s`).join(', ')}`);
      for (const file of Object.keys(surface.recipe).sort()) {
        const inFile = owners.filter((owned) => owned.file === file);
        const main = ownerOf(surface.claims, file, null);
        line(`${file.padEnd(20)} ${main ?? 'by symbol'}   ${inFile.length} symbols`);
        for (const { symbol, owner } of inFile) if (owner !== main) line(`  ${symbol.padEnd(18)} ${owner}`);
      }
      for (const { specialist, scope } of surface.roster) line(`${specialist.padEnd(20)} ${scope.replaceAll(/\s+/g, ' ')}`);
    }));

  surfaces.command('check [name]').description('read a surface and its evaluator, or all of them, and say everything that is wrong').option('--roster <name>', "under one of the surface's rosters").option('--verify', 'read every byte of data sets that are folders').option('--json', 'one JSON object a surface')
    .addHelpText('after', '\nExamples:\n  $ brigade surfaces check\n  $ brigade surfaces check golf-mini --verify')
    .action((name: string | undefined, flags: Flags) => guarded(async () => {
      if (name === undefined && flags.roster !== undefined) throw new Mistake(`--roster ${flags.roster} is one of a surface's: name the surface, brigade surfaces check NAME --roster ${flags.roster}`);
      const names = name === undefined ? await listSurfaces(place.root) : [name];
      if (names.length === 0) throw nothingIn(place);
      const problems: string[] = [];
      for (const one of names) {
        const checked = await check(place, one, flags);
        if (checked.problems.length > 0) problems.push(...checked.problems);
        if (flags.json) line(JSON.stringify({ name: one, ok: checked.problems.length === 0, problems: checked.problems, ...checked.told }));
        else if (checked.problems.length === 0) line(checked.says);
      }
      if (problems.length === 0) return;
      if (!flags.json) throw new BadSurface(problems);
      process.exitCode = 1;
    }));

  surfaces.command('setup <name>').description("fetch what a surface of somebody else's repository needs: its checkout, an environment, its data; run it again after anything went wrong")
    .option('--from <path>', 'take the pinned commit from a checkout you have, without a network').option('--start <start>', 'which of its starting recipes').option('--data <path>', 'take the data from a folder you have').option('--no-data', 'leave the data and the environment out')
    .option('--python <path>', 'take the environment of this interpreter, ENVIRONMENT/bin/python').option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  $ brigade surfaces setup parameter-golf --start sp8192 --from ~/parameter-golf')
    .action((name: string, { from, start, data, python, json }: SetupFlags) => guarded(() => {
      if (data === false && python !== undefined) throw new Mistake('--no-data leaves the environment out too, so --python would not be looked at: give one of the two');
      for (const [flag, path] of [['--from', from], ['--data', data], ['--python', python]] as const) if (typeof path === 'string' && !existsSync(path)) throw new Mistake(`${flag} ${path} is not there: give the path of ${GIVEN[flag]}`); // also where the step it is for was done
      return setUpSurface(place.root, name, {
        from: from ?? null, start: start ?? null, data: typeof data === 'string' ? data : null, prepare: data !== false, python: python ?? null,
        anyPython: 'python3', say: (text) => line(json ? JSON.stringify({ step: text.split(' ')[0], says: text.slice(14) }) : text),
      });
    }));
}

const nothingIn = (place: Place): Mistake => new Mistake(`there are no surfaces in ${join(place.root, 'surfaces')}: add a folder with a surface.yaml`);

interface Checked { readonly problems: readonly string[]; readonly says: string; readonly told: Readonly<Record<string, unknown>> }

/** Everything that is wrong with one surface, or what it has in a line. */
async function check(place: Place, name: string, { roster, verify }: Flags): Promise<Checked> {
  try {
    const { surface, evaluator, owners } = await read(place, name, roster, verify === true);
    await using syntax = await openSyntax({ python: (await findToolchain(projectRoot())).python });
    const problems = await problemsOfLibrary(surface, syntax);
    if (problems.length > 0) throw new BadSurface(problems);
    const library = await loadLibrary(surface.dir, syntax, surface.rosterName);
    const held = surface.roster.map(({ specialist }) => specialist).filter((specialist) => !surface.advisory.includes(specialist));
    const advice = adviceFor(turnable(surface.recipe, surface.claims, held, syntax), (specialist) => library.filter((edit) => edit.specialist === specialist).length, name);
    const unprepared = evaluator.missing.length > 0 ? `   not prepared yet: ${preparationOf(place, name, { name: surface.evaluator, isMadeFromUpstream: evaluator.isMadeFromUpstream })} makes ${evaluator.missing.join(', ')}` : '';
    const mine = owners.filter(({ owner }) => owner !== PROTECTED).length;
    return {
      problems: [], told: { missingData: evaluator.missing, advice },
      says: [`${name} ✓   ${plural(Object.keys(surface.recipe).length, 'file')}, ${plural(mine, 'symbol')} of ${plural(surface.roster.length, 'specialist')}, ${owners.length - mine} protected${unprepared}`, ...advice].join('\n'),
    };
  } catch (error) {
    if (error instanceof SurfaceNotSetUp) { // nothing of the project is wrong, and the files cannot be seen from here
      return { problems: [], told: { missingData: [], notSetUp: error.message }, says: `${name} ✓   as far as can be seen: ${error.outline.claims.length} claims of ${error.outline.roster.length} specialists were not compared with the files   ${error.message}` };
    }
    if (!(error instanceof BadSurface)) throw error;
    return { problems: error.problems, told: { missingData: [] }, says: '' };
  }
}

async function read(place: Place, name: string, roster: string | null = null, verify = false) {
  const parser = await openParser();
  const surface = await loadSurface(place.root, name, parser, { roster });
  const evaluator = await loadEvaluator(place.root, surface.evaluator, { dataDir: join(place.root, '.brigade', 'data'), verify });
  const owners = Object.entries(surface.recipe).flatMap(([file, text]) => (file.endsWith('.py') ? divide(parser.symbols(text), surface.claims, file).symbols.map(({ name: symbol }) => symbol) : [MODULE])
    .map((symbol) => ({ file, symbol, owner: ownerOf(surface.claims, file, symbol) ?? '' })));
  return { surface, evaluator, owners };
}

/** What a folder's author got wrong is the user's mistake. */
async function guarded(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw error instanceof BadSurface ? new Mistake(error.message, { cause: error }) : error;
  }
}
