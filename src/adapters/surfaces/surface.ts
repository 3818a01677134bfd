import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Recipe } from '../../domain/recipe.ts';
import type { Surface } from '../../domain/surface.ts';
import type { Syntax } from '../../ports.ts';
import { readBrief } from './brief.ts';
import { divisionOf, problemsOf, tablesOf } from './claims.ts';
import { readDescribed } from './document.ts';
import { demand, listFolders, readRecipe } from './folder.ts';
import { BadSurface } from './bad-surface.ts';
import { SurfaceSchema, type SurfaceFile } from './schema.ts';
import { checkoutOf, faultOf, readState, readUpstream, variableOf } from './upstream.ts';

// Surfaces as they lie in their folders.
//
//   S1. A surface is found by listing; nothing else names it.
//   S2. What is read was checked: a surface with two owners of one symbol is no surface.
//   S3. A surface whose recipe is somebody else's is read as far as it goes without a checkout: who takes part, what it needs, what it claims.

/** A surface with its folder and its baseline. */
export interface LoadedSurface extends Surface {
  readonly dir: string;
  readonly recipe: Recipe;
  /** Which of the surface's rosters takes part; null for its own. */
  readonly rosterName: string | null;
  /** Specialists who own nothing and are held to what is protected only. */
  readonly advisory: readonly string[];
  /** The checkout its recipe was read from; null where the recipe lies in its own folder. */
  readonly checkout: string | null;
}

/** What a surface is before its upstream was fetched. */
export type OutlinedSurface = Omit<LoadedSurface, 'recipe' | 'hash' | 'checkout'>;

/** A surface of somebody else's repository that was not fetched yet, or whose checkout is not what was pinned. */
export class SurfaceNotSetUp extends BadSurface {
  readonly outline: OutlinedSurface;
  constructor(outline: OutlinedSurface, why: string, variable: string) {
    super([`surface ${outline.name} is not set up: ${why}. brigade surfaces setup ${outline.name} fetches it; with --from PATH, or ${variable}, it takes a checkout you have.`]);
    this.outline = outline;
  }
}

export interface SurfaceChoice {
  /** One of the surface's rosters; null for its own. */
  readonly roster?: string | null;
}

/** Names of the surfaces of a project. */
export const listSurfaces = (root: string): Promise<readonly string[]> => listFolders(join(root, 'surfaces'), 'surface.yaml'); // S1

/** Reads a surface.yaml alone. */
export async function describeSurface(root: string, surface: string): Promise<SurfaceFile> {
  demand('surface', surface, await listSurfaces(root));
  return readDescribed(join(root, 'surfaces', surface, 'surface.yaml'), `surfaces/${surface}/surface.yaml`, SurfaceSchema);
}

/**
 * Reads one surface. Throws `BadSurface` with every problem found, `SurfaceNotSetUp` when all that is wrong is that its upstream is not there.
 * Without a parser, the symbols a partition names are believed to be there: give one wherever a person's edit is to be checked.
 */
export async function loadSurface(root: string, surface: string, parser: Pick<Syntax, 'symbols'> | null = null, { roster = null }: SurfaceChoice = {}): Promise<LoadedSurface> {
  const described = await describeSurface(root, surface);
  const { value } = described;
  const dir = join(root, 'surfaces', surface);
  const shown = `surfaces/${surface}`;
  const checkout = value.upstream ? checkoutOf(root, surface, value.upstream) : null;
  const state = value.upstream ? await readState(root, surface) : null;
  const start = state?.start ?? Object.keys(value.starts)[0] ?? null;
  if (start !== null && value.starts[start] === undefined) throw new BadSurface([`${shown}/surface.yaml has no start ${start}, which it was set up with: brigade surfaces setup ${surface} --start ${Object.keys(value.starts)[0] ?? ''}`]);
  const fault = value.upstream && checkout !== null ? await faultOf(checkout, value.upstream.commit) : null;
  const begun = start === null ? undefined : value.starts[start];
  const recipe = !value.upstream || checkout === null || state === null ? await readRecipe(join(dir, 'recipe'), `${shown}/recipe`)
    : fault === null ? await readUpstream(root, surface, checkout, { globs: value.upstream.files, files: begun?.files ?? {}, packed: begun?.packed ?? false, state: { ...state, start } }) : null;

  const division = divisionOf(described, shown, roster, start);
  const problems = [...problemsOf(described, division, recipe ? tablesOf(recipe, division.claims, parser) : tablesOf(Object.fromEntries(division.claims.map(({ claim }) => [claim.file, ''])), [...division.claims], null)), ...shadowed(described, recipe ?? {})]
    .filter((problem) => recipe !== null || !problem.includes(' no owner: ')); // S3: whose the rest is can only be told with the files
  const evaluators = await listFolders(join(root, 'evaluators'), 'evaluator.yaml');
  if (!evaluators.includes(value.evaluator)) problems.push(described.problem(['evaluator'], `evaluators/${value.evaluator}/ does not exist: there ${evaluators.length === 1 ? 'is' : 'are'} ${evaluators.join(', ') || 'none'}.`));
  const briefs = await Promise.all(division.specialists.map((specialist) => readBrief(join(dir, 'specialists', `${division.folder}${specialist}.md`), `${shown}/specialists/${division.folder}${specialist}.md`, specialist)
    .catch((error: unknown) => { if (error instanceof BadSurface) { problems.push(...error.problems); return null; } throw error; })));
  if (problems.length > 0) throw new BadSurface(problems); // S2
  const outline: OutlinedSurface = {
    name: surface, dir, title: value.title, evaluator: value.evaluator, roster: briefs.filter((brief) => brief !== null),
    claims: division.claims.map(({ claim }) => claim), addable: value.addable, advisory: division.advisory, rosterName: roster,
    slots: { kind: value.slots.kind, count: value.slots.count, minimumMemoryBytes: value.slots.memory, ...(value.slots.exclusive ? { exclusive: true } : {}) },
    calibrationReplicates: value.calibration.replicates, limits: { trials: value.limits.trials, wallSeconds: value.limits.minutes * 60 },
  };
  if (recipe === null) throw new SurfaceNotSetUp(outline, fault ?? 'its upstream is not there', value.upstream ? variableOf(value.upstream) : '');
  return { ...outline, recipe, checkout: value.upstream ? checkout : null, hash: hashOf(await readFile(join(dir, 'surface.yaml')), recipe) };
}

/** SHA-256 over surface.yaml and the recipe by path and content. */
function hashOf(yaml: Uint8Array, recipe: Recipe): string {
  const whole = createHash('sha256');
  const files = [['surface.yaml', yaml] as const, ...Object.entries(recipe).map(([path, text]) => [`recipe/${path}`, text] as const)].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [path, content] of files) whole.update(`${path}\0${createHash('sha256').update(content).digest('hex')}\n`);
  return whole.digest('hex');
}

/** A folder whose name is a module of the recipe would hide that module. */
function shadowed({ value, problem }: SurfaceFile, recipe: Recipe): readonly string[] {
  return value.addable.flatMap((prefix, i) => (recipe[`${prefix.slice(0, -1)}.py`] === undefined ? [] : [problem(['addable', i], `a package ${prefix} would hide recipe/${prefix.slice(0, -1)}.py: choose another folder.`)]));
}
