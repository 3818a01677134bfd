import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readEdit, type Edit } from '../actors/specialist/index.ts';
import type { Syntax } from '../ports.ts';

/** Every program edit of a surface, in the order of its folders and names. */
export async function loadLibrary(surfaceDir: string, syntax: Syntax): Promise<Edit[]> {
  const folders = (await readdir(join(surfaceDir, 'edits'), { withFileTypes: true }).catch(() => [])).filter((entry) => entry.isDirectory()).map(({ name }) => name).sort();
  const edits: Edit[] = [];
  for (const specialist of folders) {
    const files = (await readdir(join(surfaceDir, 'edits', specialist))).filter((file) => file.endsWith('.py')).sort();
    for (const file of files) edits.push(readEdit(specialist, file.slice(0, -'.py'.length), await readFile(join(surfaceDir, 'edits', specialist, file), 'utf8'), syntax));
  }
  return edits;
}
