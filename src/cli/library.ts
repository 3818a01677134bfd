import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BadEdit, build, readEdit, type Edit } from '../actors/specialist/index.ts';
import { patches } from '../adapters/patches/index.ts';
import type { LoadedSurface } from '../adapters/surfaces/index.ts';
import type { Syntax } from '../ports.ts';
import { admissionOf } from './admission.ts';

/** Every program edit of a surface, in the order of its folders and names; those of a roster with a name lie in a folder of that name. */
export async function loadLibrary(surfaceDir: string, syntax: Syntax, roster: string | null = null): Promise<Edit[]> {
  const dir = join(surfaceDir, 'edits', roster ?? '');
  const folders = (await readdir(dir, { withFileTypes: true }).catch(() => [])).filter((entry) => entry.isDirectory()).map(({ name }) => name).sort();
  const edits: Edit[] = [];
  for (const specialist of folders) {
    const files = (await readdir(join(dir, specialist))).filter((file) => file.endsWith('.py')).sort();
    for (const file of files) edits.push(readEdit(specialist, file.slice(0, -'.py'.length), await readFile(join(dir, specialist, file), 'utf8'), syntax));
  }
  return edits;
}

/** What is wrong with a surface's edits: one that cannot be read stands alone, else every one that the free checks would refuse on the baseline. */
export async function problemsOfLibrary(surface: LoadedSurface, syntax: Syntax): Promise<string[]> {
  let library: Edit[];
  try {
    library = await loadLibrary(surface.dir, syntax, surface.rosterName);
  } catch (error) {
    if (error instanceof BadEdit) return [`surfaces/${surface.name}/${error.message}`];
    throw error;
  }
  const admit = admissionOf(surface, { syntax, patches });
  const problems: string[] = [];
  for (const edit of library) {
    const file = `edits/${edit.specialist}/${edit.name}.py`;
    const built = build(surface.recipe, [`edit:${edit.specialist}/${edit.name}`], library, syntax);
    if (built.kind === 'refused') { problems.push(`${file}: cannot be applied to the baseline: ${built.reason}`); continue; }
    const judged = await admit({ specialist: edit.specialist, patch: patches.diff(surface.recipe, built.recipe), parent: surface.recipe, ownership: 'enforced', parts: [], authors: [edit.specialist], chain: [], baseline: surface.recipe, known: async () => null });
    if (judged.kind === 'rejected') problems.push(`${file}: ${judged.rejection.message}`);
  }
  return problems.map((problem) => `surfaces/${surface.name}/${problem}`);
}
