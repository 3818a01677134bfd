import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { PROTECTED } from '../../domain/partition.ts';
import type { Recipe } from '../../domain/recipe.ts';
import type { Brief, Claim, Surface } from '../../domain/surface.ts';
import { finite, line, token } from '../../protocols/message.ts';
import { BadSurface, readDocument, type Read } from './document.ts';
import { filesBelow, hashOf, readRecipeFolder } from './folder.ts';
import { bytes } from './size.ts';

const place = z.string().min(1).max(400);
const SurfaceFile = z.strictObject({
  title: line(200), evaluator: token,
  slots: z.strictObject({ kind: z.enum(['cpu', 'gpu']), count: z.int().min(1).max(64), memory: bytes }),
  calibration: z.strictObject({ replicates: z.int().min(2).max(50) }),
  limits: z.strictObject({ trials: z.int().min(1), minutes: finite.gt(0) }),
  roster: z.array(token).min(1).max(64),
  partition: z.record(token, z.array(place).min(1)),
  protected: z.array(place).default([]),
  addable: z.array(z.string().regex(/^[^/].*\/$/, 'a prefix ends in / and does not begin with one')).default([]),
});

/** A surface folder, read, with its baseline. */
export type LoadedSurface = Surface & { readonly dir: string; readonly recipe: Recipe };

/** The names of every surface of a project. */
export const listSurfaces = async (root: string): Promise<string[]> =>
  (await readdir(join(root, 'surfaces'), { withFileTypes: true }).catch(() => [])).filter((entry) => entry.isDirectory()).map(({ name }) => name).sort();

/** No surface of that name; the message names those there are. */
export class UnknownSurface extends Error {
  constructor(name: string, known: readonly string[]) {
    super(`there is no surface ${name}: surfaces/ has ${known.join(', ') || 'none'}`);
    this.name = 'UnknownSurface';
  }
}

/** Reads `surfaces/<name>/`. Throws `BadSurface` with file, line and field, or `UnknownSurface`. The partition itself is checked by `checkSurface`. */
export async function loadSurface(root: string, name: string): Promise<LoadedSurface> {
  const known = await listSurfaces(root);
  if (!known.includes(name)) throw new UnknownSurface(name, known);
  const dir = join(root, 'surfaces', name);
  const read = await readDocument(root, join(dir, 'surface.yaml'), SurfaceFile);
  const file = read.value;
  const recipe = await readRecipeFolder(join(dir, 'recipe')).catch((cause: unknown) => {
    if (cause instanceof BadSurface) throw cause;
    throw new BadSurface(`surfaces/${name} has no recipe/: add one, or remove the folder`, { cause });
  });
  const hashed = ['surface.yaml', ...(await filesBelow(join(dir, 'recipe'))).map((path) => `recipe/${path}`)];
  return {
    name, dir, recipe, title: file.title, evaluator: file.evaluator,
    roster: await Promise.all(file.roster.map((specialist) => readBrief(dir, name, specialist))),
    claims: claimsOf(read), addable: file.addable,
    slots: { kind: file.slots.kind, count: file.slots.count, minimumMemoryBytes: file.slots.memory },
    calibrationReplicates: file.calibration.replicates,
    limits: { trials: file.limits.trials, wallSeconds: file.limits.minutes * 60 },
    hash: await hashOf(hashed.map((path) => ({ name: path, path: join(dir, path) }))),
  };
}

function claimsOf({ value, lineOf }: Read<z.infer<typeof SurfaceFile>>): Claim[] {
  const claim = (owner: string, what: string, line: number): Claim => {
    const hash = what.indexOf('#');
    return { owner, file: hash < 0 ? what : what.slice(0, hash), symbol: hash < 0 ? null : what.slice(hash + 1), line };
  };
  return [
    ...Object.entries(value.partition).flatMap(([owner, places]) => places.map((what, i) => claim(owner, what, lineOf(['partition', owner, i])))),
    ...value.protected.map((what, i) => claim(PROTECTED, what, lineOf(['protected', i]))),
  ];
}

async function readBrief(dir: string, surface: string, specialist: string): Promise<Brief> {
  const where = `surfaces/${surface}/specialists/${specialist}.md`;
  const text = await readFile(join(dir, 'specialists', `${specialist}.md`), 'utf8').catch((cause: unknown) => { throw new BadSurface(`${where} is missing: every specialist of the roster has a brief with the headings Scope, Non-scope and Edit radius`, { cause }); });
  const parts = new Map(text.split(/^## +/m).slice(1).map((part) => {
    const [title = '', ...body] = part.split('\n');
    return [title.trim().toLowerCase(), body.join('\n').trim()] as const;
  }));
  const part = (title: string): string => {
    const body = parts.get(title.toLowerCase());
    if (!body) throw new BadSurface(`${where} has no text under the heading "## ${title}": a brief says scope, non-scope and edit radius`);
    return body;
  };
  return { specialist, scope: part('Scope'), nonScope: part('Non-scope'), editRadius: part('Edit radius') };
}
