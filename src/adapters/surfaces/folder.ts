import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suggest } from '../../domain/likeness.ts';
import type { Recipe } from '../../domain/recipe.ts';
import { BadSurface } from './bad-surface.ts';

const IGNORED = new Set(['__pycache__', '.DS_Store', '.git']); // what running or looking at a folder leaves in it

/** The folders in a folder that hold a given file, by name; empty when there is no such folder. */
export async function listFolders(dir: string, file: string): Promise<readonly string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(entries.filter((entry) => entry.isDirectory()).map(async ({ name }) => ((await readdir(join(dir, name))).includes(file) ? [name] : [])));
  return found.flat().sort();
}

/** Throws `BadSurface` naming those there are, unless one of them is meant. */
export function demand(kind: 'surface' | 'evaluator', asked: string, known: readonly string[]): void {
  if (known.includes(asked)) return;
  const there = known.length === 0 ? `There is no ${kind}s/ folder here: run brigade in its project's folder` : `There ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}`;
  throw new BadSurface([`no ${kind} is called ${JSON.stringify(asked)}${suggest(asked, known)} ${there}.`]);
}

/** Every plain file of a folder by its relative path; links and odd files are mistakes. */
export async function listFiles(dir: string, shown: string): Promise<readonly string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    throw new BadSurface([`${shown}/ does not exist: add it.`], { cause });
  });
  const files: string[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name).slice(dir.length + 1);
    if (path.split('/').some((step) => IGNORED.has(step)) || entry.isDirectory()) continue;
    if (!entry.isFile()) throw new BadSurface([`${shown}/${path} is a link or no plain file: put the file itself there.`]);
    files.push(path);
  }
  return files.sort();
}

/** A folder of text files as a recipe. */
export async function readRecipe(dir: string, shown: string): Promise<Recipe> {
  const files = await Promise.all((await listFiles(dir, shown)).map(async (path) => [path, await readFile(join(dir, path))] as const));
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  return Object.fromEntries(files.map(([path, bytes]) => {
    try {
      return [path, decoder.decode(bytes)];
    } catch (cause) {
      throw new BadSurface([`${shown}/${path} is not UTF-8 text: a recipe holds text only; data belongs to the evaluator.`], { cause });
    }
  }));
}

/** SHA-256 over files by path and content, whatever order they are given in, and over lines that stand for what is too large to read each time. */
export async function hashFiles(files: readonly { readonly path: string; readonly at: string }[], lines: readonly string[] = []): Promise<string> {
  const whole = createHash('sha256');
  for (const { path, at } of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    whole.update(`${path}\0${createHash('sha256').update(await readFile(at)).digest('hex')}\n`);
  }
  for (const line of lines) whole.update(`${line}\n`);
  return whole.digest('hex');
}
