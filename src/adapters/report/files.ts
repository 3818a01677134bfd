import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Recipe } from '../../domain/recipe.ts';

// Files that a reader never sees half written.
//
//   W1. A file appears under its name complete, or stays as it was.
//   W2. A path of a recipe never leads out of the folder it is written to.

/** Writes a file whole, unless it already holds exactly this. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content);
  const present = await readFile(path).catch(() => null);
  if (present?.equals(bytes)) return;
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${randomUUID().slice(0, 8)}.draft`;
  try {
    await writeFile(draft, bytes);
    await rename(draft, path); // W1
  } catch (cause) {
    await rm(draft, { force: true });
    throw cause;
  }
}

/** Puts a recipe into a folder of its own, in place of whatever was there. */
export async function writeRecipe(folder: string, recipe: Recipe): Promise<void> {
  if (await holds(folder, recipe)) return;
  const draft = `${folder}.${randomUUID().slice(0, 8)}.draft`;
  const before = `${draft}.before`;
  try {
    for (const [path, content] of Object.entries(recipe)) {
      const target = join(draft, checkedPath(path));
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, content);
    }
    await mkdir(draft, { recursive: true });
    await rename(folder, before).catch(absent);
    await rename(draft, folder); // W1, but for the instant between two renames
  } finally {
    await Promise.all([draft, before].map((path) => rm(path, { recursive: true, force: true })));
  }
}

/** The path itself when it stays inside a folder and out of git's own; throws otherwise. */
export function checkedPath(path: string): string {
  const parts = path.split('/');
  if (path.includes('\0') || path.includes('\\') || parts.some((part) => part === '' || part === '.' || part === '..' || part.toLowerCase() === '.git')) { // W2
    throw new Error(`${JSON.stringify(path)} cannot be a file of a recipe: it does not stay inside its folder`);
  }
  return path;
}

async function holds(folder: string, recipe: Recipe): Promise<boolean> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => null);
  const files = entries?.filter((entry) => !entry.isDirectory()).length;
  if (files !== Object.keys(recipe).length) return false;
  for (const [path, content] of Object.entries(recipe)) {
    if ((await readFile(join(folder, checkedPath(path)), 'utf8').catch(() => null)) !== content) return false;
  }
  return true;
}

const absent = (cause: NodeJS.ErrnoException): void => { if (cause.code !== 'ENOENT') throw cause; };
