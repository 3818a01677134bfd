import { join } from 'node:path';
import { z } from 'zod';
import { PROTECTED, validatePartition } from '../../domain/partition.ts';
import type { Recipe } from '../../domain/recipe.ts';
import type { Claim, Surface } from '../../domain/surface.ts';
import { plainTable, type SymbolTable, type Tables } from '../../domain/symbol.ts';
import type { Syntax } from '../../ports.ts';
import { readBrief } from './brief.ts';
import { readDescribed, type Described, type Path } from './document.ts';
import { inside, name, size, whole, words } from './field.ts';
import { demand, hashFiles, listFiles, listFolders, readRecipe } from './folder.ts';
import { BadSurface } from './bad-surface.ts';

// Surfaces as they lie in their folders.
//
//   S1. A surface is found by listing; nothing else names it.
//   S2. What is read was checked: a surface with two owners of one symbol is no surface.

const claim = z.string('give a file, or "file#symbol"').regex(/^[^#\s]+(?:#\S(?:.*\S)?)?$/, 'give a file, or "file#symbol"');

const SurfaceSchema = z.strictObject({
  title: words,
  evaluator: name,
  slots: z.strictObject({ kind: z.enum(['cpu', 'gpu'], 'give cpu or gpu'), count: whole(1, 64), memory: size }),
  calibration: z.strictObject({ replicates: whole(2, 50) }),
  limits: z.strictObject({ trials: whole(1, 1_000_000), minutes: whole(1, 1_000_000) }),
  roster: z.array(name, 'list the specialists').min(1, 'list at least one specialist').max(64, 'list at most 64').refine((names) => new Set(names).size === names.length, 'name each specialist once')
    .refine((names) => !names.includes(PROTECTED), `\`${PROTECTED}\` is the owner nobody is: choose another name`),
  partition: z.record(z.string(), z.array(claim, 'list files and "file#symbol"s'), 'map each specialist to what it owns'),
  protected: z.array(claim, 'list files and "file#symbol"s').default([]),
  addable: z.array(inside.or(z.string().regex(/\/$/)).refine((prefix) => prefix.endsWith('/') && inside.safeParse(prefix.slice(0, -1)).success, 'give folders of the recipe, each ending in /')).default([]),
});

/** A surface with its folder and its baseline. */
export interface LoadedSurface extends Surface { readonly dir: string; readonly recipe: Recipe }

/** Names of the surfaces of a project. */
export const listSurfaces = (root: string): Promise<readonly string[]> => listFolders(join(root, 'surfaces'), 'surface.yaml'); // S1

/**
 * Reads one surface. Throws `BadSurface` with every problem found.
 * Without a parser, the symbols a partition names are believed to be there: give one wherever a person's edit is to be checked.
 */
export async function loadSurface(root: string, surface: string, parser: Pick<Syntax, 'symbols'> | null = null): Promise<LoadedSurface> {
  demand('surface', surface, await listSurfaces(root));
  const dir = join(root, 'surfaces', surface);
  const shown = `surfaces/${surface}`;
  const described = await readDescribed(join(dir, 'surface.yaml'), `${shown}/surface.yaml`, SurfaceSchema);
  const recipe = await readRecipe(join(dir, 'recipe'), `${shown}/recipe`);
  const { value } = described;
  const claims = claimsOf(described);
  const tables = Object.fromEntries(Object.entries(recipe).map(([file, text]) => [file, tableOf(file, text, claims.map((each) => each.claim), parser)]));
  const problems = [...problemsOf(described, claims, tables), ...shadowed(described, recipe)];
  const evaluators = await listFolders(join(root, 'evaluators'), 'evaluator.yaml');
  if (!evaluators.includes(value.evaluator)) problems.push(described.problem(['evaluator'], `evaluators/${value.evaluator}/ does not exist: there ${evaluators.length === 1 ? 'is' : 'are'} ${evaluators.join(', ') || 'none'}.`));
  const briefs = await Promise.all(value.roster.map((specialist) => readBrief(join(dir, 'specialists', `${specialist}.md`), `${shown}/specialists/${specialist}.md`, specialist)
    .catch((error: unknown) => { if (error instanceof BadSurface) { problems.push(...error.problems); return null; } throw error; })));
  if (problems.length > 0) throw new BadSurface(problems); // S2
  const files = (await listFiles(join(dir, 'recipe'), `${shown}/recipe`)).map((path) => `recipe/${path}`);
  return {
    name: surface, dir, recipe, title: value.title, evaluator: value.evaluator, roster: briefs.filter((brief) => brief !== null),
    claims: claims.map((each) => each.claim), addable: value.addable,
    slots: { kind: value.slots.kind, count: value.slots.count, minimumMemoryBytes: value.slots.memory },
    calibrationReplicates: value.calibration.replicates, limits: { trials: value.limits.trials, wallSeconds: value.limits.minutes * 60 },
    hash: await hashFiles(['surface.yaml', ...files].map((path) => ({ path, at: join(dir, path) }))),
  };
}

type SurfaceFile = Described<z.infer<typeof SurfaceSchema>>;
interface Placed { readonly claim: Claim; readonly path: Path }

function claimsOf({ value, line }: SurfaceFile): readonly Placed[] {
  const placed = (owner: string, given: readonly string[], path: Path): readonly Placed[] => given.map((text, i) => {
    const at = text.indexOf('#');
    return { claim: { owner, file: at < 0 ? text : text.slice(0, at), symbol: at < 0 ? null : text.slice(at + 1), line: line([...path, i]) }, path: [...path, i] };
  });
  return [...Object.entries(value.partition).flatMap(([owner, given]) => placed(owner, given, ['partition', owner])), ...placed(PROTECTED, value.protected, ['protected'])];
}

function problemsOf({ value, problem }: SurfaceFile, claims: readonly Placed[], tables: Tables): string[] {
  return validatePartition(claims.map(({ claim: each }) => each), value.roster, tables)
    .map((fault) => problem(claims.find((placed) => placed.claim === fault.claim)?.path ?? ['partition'], fault.message));
}

/** A folder whose name is a module of the recipe would hide that module. */
function shadowed({ value, problem }: SurfaceFile, recipe: Recipe): readonly string[] {
  return value.addable.flatMap((prefix, i) => (recipe[`${prefix.slice(0, -1)}.py`] === undefined ? [] : [problem(['addable', i], `a package ${prefix} would hide recipe/${prefix.slice(0, -1)}.py: choose another folder.`)]));
}

function tableOf(file: string, text: string, claims: readonly Claim[], parser: Pick<Syntax, 'symbols'> | null): SymbolTable {
  const plain = plainTable(text);
  if (!file.endsWith('.py')) return plain;
  if (parser) return parser.symbols(text);
  const named = claims.filter((each) => each.file === file && each.symbol !== null).map(({ symbol }) => ({ name: symbol ?? '', kind: 'block' as const, line: 1, endLine: 1, text: '', statements: [] }));
  return { ...plain, symbols: [...plain.symbols, ...named] };
}
