import { cutMiddle } from '../../../domain/cut.ts';
import { suggest } from '../../../domain/likeness.ts';
import type { Recipe } from '../../../domain/recipe.ts';
import type { LineageRow } from '../../../protocols/lineage.ts';
import type { ToolInput } from '../../../protocols/tools.ts';
import { TOOL_BYTES } from './caps.ts';

/** Rows whose recipes a specialist may see: what was kept, and its own. */
export const rowsOf = ({ rows, specialist }: { readonly rows: readonly LineageRow[]; readonly specialist: string }): readonly LineageRow[] =>
  rows.filter((row) => row.status === 'keep' || row.status === 'baseline' || row.specialist === specialist);

/** Some lines of a file, as they are, so that they can be quoted in an edit. `whose` is said where it is not the recipe in work. */
export function readFile(recipe: Recipe, { file, from, to }: ToolInput<'read'>, whose = ''): string {
  const text = Object.hasOwn(recipe, file) ? recipe[file] : undefined;
  if (text === undefined) return `There is no such file${suggest(file.slice(0, 200), Object.keys(recipe))} The files are ${Object.keys(recipe).sort().join(', ')}.`;
  const lines = text.split('\n');
  const [first, last] = [Math.min(from ?? 1, lines.length), Math.min(to ?? lines.length, lines.length)];
  if (last < first) return `${file} has lines 1 to ${lines.length}: from must not be greater than to.`;
  return cutMiddle(`${file}${whose}, lines ${first} to ${last} of ${lines.length}:\n${lines.slice(first - 1, last).join('\n')}`, TOOL_BYTES - 200, `read ${file.slice(0, 100)} with from and to shows them`);
}
