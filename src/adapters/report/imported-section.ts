import { plural } from '../../domain/figures.ts';
import { describeDamage, type Imported } from '../../domain/imported.ts';
import { markup, NOTHING, type Markup } from './markup.ts';

/** What is known of how an imported run was measured: what its file says, and what of it could not be read. */
export function importedSection({ source, grounds, damagedRows, damagedCells, tree, notices }: Imported): Markup {
  const rows: readonly (readonly [string, string])[] = [
    ['imported', source], ['objective', grounds], ['scores', 'as the file states them; nothing was measured here'],
    ['damaged', `${plural(damagedRows.length, 'row')}, ${plural(damagedCells.length, 'cell')} of rows that stand`],
    ['tree.tsv', tree === null ? 'not given' : `${plural(tree.rows, 'row')}, ${tree.differing.length} differing in ${tree.compared} that can be compared, ${plural(tree.reworded, 'text')} worded otherwise`],
    ...notices.map((notice): readonly [string, string] => ['note', notice]),
  ];
  return markup`<dl class="method">${rows.map(([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>`)}</dl>${damagedRows.length === 0 ? NOTHING : markup`<ul class="note">${damagedRows.map((row) => markup`<li>${describeDamage(row)}</li>`)}</ul>`}`;
}
