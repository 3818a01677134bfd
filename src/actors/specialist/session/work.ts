import type { Recipe } from '../../../domain/recipe.ts';
import type { Patches } from '../../../ports.ts';
import type { Session } from './state.ts';

type Changes = Session['changes'];

/** The recipe in work: a clean copy of its parent with the session's changes. */
export function workOf(parent: Recipe, changes: Changes): Recipe {
  const work: Record<string, string> = { ...parent };
  for (const [path, text] of changes) if (text === null) delete work[path]; else work[path] = text;
  return work;
}

/** Where a recipe differs from its parent. */
export const changesOf = (parent: Recipe, work: Recipe): Changes => [...new Set([...Object.keys(parent), ...Object.keys(work)])].sort()
  .flatMap((path): Changes => (parent[path] === work[path] ? [] : [[path, work[path] ?? null]]));

/** The patch of a recipe in work; empty when nothing differs. */
export const patchOf = (parent: Recipe, changes: Changes, patches: Patches): string => patches.diff(parent, workOf(parent, changes));

/** `model.py +3 −1, data.py +10 −0`: what a patch does, in a line. */
export function sizeOf(patch: string): string {
  const files = new Map<string, { added: number; removed: number }>();
  let at = { added: 0, removed: 0 };
  for (const line of patch.split('\n')) {
    const header = /^diff --git a\/(.+) b\/\1$/.exec(line);
    if (header) { at = { added: 0, removed: 0 }; files.set(header[1] ?? '', at); } else if (line.startsWith('+') && !line.startsWith('+++ ')) at.added += 1; else if (line.startsWith('-') && !line.startsWith('--- ')) at.removed += 1;
  }
  return [...files].map(([file, { added, removed }]) => `${file} +${added} −${removed}`).join(', ');
}
