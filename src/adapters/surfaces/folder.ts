import { createHash } from 'node:crypto';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Recipe } from '../../domain/recipe.ts';
import { BadSurface } from './document.ts';

/** Every regular file below a folder by its relative path, sorted; compiled Python is passed over, links are refused. */
export async function filesBelow(dir: string, prefix = ''): Promise<string[]> {
  const found: string[] = [];
  for (const entry of (await readdir(join(dir, prefix), { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (entry.name === '__pycache__' || entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) found.push(...await filesBelow(dir, path));
    else if (entry.isFile() && (await lstat(join(dir, path))).isFile()) found.push(path);
    else throw new BadSurface(`${join(dir, path)} is a link or a special file: put the file itself there`);
  }
  return found;
}

/** A recipe folder as text. */
export async function readRecipeFolder(dir: string): Promise<Recipe> {
  const paths = await filesBelow(dir);
  return Object.fromEntries(await Promise.all(paths.map(async (path) => [path, await readFile(join(dir, path), 'utf8')] as const)));
}

/** SHA-256 over the names and contents of files, and of further words. */
export async function hashOf(files: readonly { readonly name: string; readonly path: string }[], words: readonly string[] = []): Promise<string> {
  const hash = createHash('sha256');
  for (const { name, path } of files) {
    const bytes = await readFile(path);
    hash.update(`${name}\0${bytes.length}\0`).update(bytes);
  }
  for (const word of words) hash.update(`\0${word}`);
  return hash.digest('hex');
}
