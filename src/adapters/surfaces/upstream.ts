import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Recipe } from '../../domain/recipe.ts';
import { BadSurface } from './bad-surface.ts';
import { git } from './checkout.ts';
import type { Upstream } from './schema.ts';

// The recipe of a surface whose files are somebody else's: read from a checkout, never kept in the project.
//
//   U1. Read is what git holds at the pinned commit, and only while the checkout stands there and none of its files was changed.
//   U2. Where a checkout lies is said by set-up, or by BRIGADE_UPSTREAM_<REPOSITORY>; nothing is fetched by reading.
//   U3. What set-up unpacked is known by its digest: a record's packed script is read from the text that was unpacked from this very file.

/** What set-up wrote beside a checkout. */
export const StateSchema = z.strictObject({ start: z.string().nullable(), unpacked: z.record(z.string(), z.strictObject({ from: z.string().regex(/^[0-9a-f]{64}$/), sha256: z.string().regex(/^[0-9a-f]{64}$/) })) });
export type UpstreamState = z.infer<typeof StateSchema>;

export const upstreamDir = (root: string, surface: string): string => join(root, '.brigade', 'upstream', surface);
export const stateFile = (root: string, surface: string): string => `${upstreamDir(root, surface)}.json`;
/** Where set-up puts what it unpacks for a start. */
export const unpackedDir = (root: string, surface: string): string => `${upstreamDir(root, surface)}.unpacked`;

/** The environment's name for a checkout: BRIGADE_UPSTREAM_NANOCHAT for …/nanochat. */
export const variableOf = ({ repository }: Pick<Upstream, 'repository'>): string => `BRIGADE_UPSTREAM_${(repository.replace(/\.git$/, '').split('/').at(-1) ?? '').toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`;

/** Where a surface's checkout should lie (U2). */
export const checkoutOf = (root: string, surface: string, upstream: Upstream): string => process.env[variableOf(upstream)] ?? upstreamDir(root, surface);

/** What is wrong with a checkout: null when it stands at the commit with no file changed (U1). */
export async function faultOf(folder: string, commit: string): Promise<string | null> {
  if (!existsSync(folder)) return `${folder} is not there`;
  const top = await git(folder, ['rev-parse', '--show-toplevel']).then((text) => text.trim(), () => null);
  if (top === null || top !== await realpath(folder)) return `${folder} is no git checkout`;
  const head = (await git(folder, ['rev-parse', 'HEAD']).catch(() => 'nothing')).trim();
  if (head !== commit) return `${folder} stands at ${head.slice(0, 12)}, not at ${commit.slice(0, 12)}`;
  const [changed] = (await git(folder, ['status', '--porcelain', '--untracked-files=no', '--ignore-submodules=all'])).split('\n');
  if (changed) return `${folder} has changed files (${changed.slice(3)})`;
  const unseen = (await git(folder, ['ls-files', '-v', '-z'])).split('\0').find((line) => /^[a-zS] /.test(line)); // git was told to believe that these are as they were
  return unseen === undefined ? null : `${folder} has files that git was told not to look at (${unseen.slice(2)})`;
}

/** The files of a checkout that some globs name. */
async function filesOf(folder: string, globs: readonly string[]): Promise<readonly string[]> {
  const all = (await git(folder, ['ls-files', '-z'])).split('\0').filter((path) => path !== '');
  const patterns = globs.map((glob) => new RegExp(`^${glob.replaceAll(/[.\-]/g, '\\$&').replaceAll('**/', '\u0000').replaceAll('*', '[^/]*').replaceAll('\u0000', '(?:.*/)?')}$`));
  const missing = globs.find((_, i) => !all.some((path) => patterns[i]?.test(path)));
  if (missing !== undefined) throw new BadSurface([`${folder} has no file ${missing} at this commit: correct upstream.files.`]);
  return all.filter((path) => patterns.some((pattern) => pattern.test(path))).sort();
}

/** The state set-up left; that of a surface without starts where it left none. */
export async function readState(root: string, surface: string): Promise<UpstreamState> {
  const text = await readFile(stateFile(root, surface), 'utf8').catch(() => null);
  if (text === null) return { start: null, unpacked: {} };
  const read = StateSchema.safeParse(await Promise.resolve(text).then(JSON.parse).catch(() => null));
  if (!read.success) throw new BadSurface([`${stateFile(root, surface)} cannot be read: brigade surfaces setup ${surface} writes it again.`]);
  return read.data;
}

/** Reads the recipe out of a checkout; `files` takes other files of it in the place of some. */
export async function readUpstream(root: string, surface: string, folder: string, { globs, files, packed, state }: {
  readonly globs: readonly string[]; readonly files: Readonly<Record<string, string>>; readonly packed: boolean; readonly state: UpstreamState;
}): Promise<Recipe> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  return Object.fromEntries(await Promise.all((await filesOf(folder, globs)).map(async (path) => {
    const from = files[path] ?? path;
    const bytes = await readFile(join(folder, from));
    const known = packed && files[path] !== undefined ? state.unpacked[path] : undefined;
    if (packed && files[path] !== undefined && known?.from !== sha256(bytes)) throw new BadSurface([`${from} was not unpacked yet: brigade surfaces setup ${surface} --start ${state.start ?? ''} does it.`]);
    const text = known ? await readFile(join(unpackedDir(root, surface), path)) : bytes;
    if (known && sha256(text) !== known.sha256) throw new BadSurface([`${join(unpackedDir(root, surface), path)} was changed: brigade surfaces setup ${surface} makes it again.`]); // U3
    try {
      return [path, decoder.decode(text)] as const;
    } catch (cause) {
      throw new BadSurface([`${from} of ${folder} is not UTF-8 text: upstream.files names text only.`], { cause });
    }
  })));
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
