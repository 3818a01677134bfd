import { consistency } from '../domain/consistency.ts';
import { plural } from '../domain/figures.ts';
import type { Imported } from '../domain/imported.ts';
import type { OpenRun } from './opening.ts';
import { jsonLine } from './reading.ts';

/** What a table cannot prove, whoever reads it. */
const BEYOND = ['the scores, which nobody measured here', 'the diffs, which a table does not hold', 'who proposed what, and what people did'] as const;

/** What can be proved of an imported run, in lines, and whether it holds. */
export function verifyImported({ run, lineage }: OpenRun, imported: Imported, json: boolean): { readonly text: string; readonly holds: boolean } {
  const { changes, keeps, discards, uncompared, contradictions } = consistency(lineage);
  const differing = imported.tree?.differing ?? [];
  const holds = imported.intact && contradictions.length === 0 && differing.length === 0;
  if (json) {
    const lines = contradictions.map((one) => jsonLine({ run, ...one, agrees: false }));
    return { holds, text: [...lines, jsonLine({ run, imported: imported.source, intact: imported.intact, rows: imported.rows, damagedRows: imported.damagedRows.length, damagedCells: imported.damagedCells.length, changes, keeps, discards, uncompared, wrong: contradictions.length, tree: imported.tree && { rows: imported.tree.rows, differing: differing.length, reworded: imported.tree.reworded }, cannotVerify: BEYOND })].join('') };
  }
  const lines = [
    ...contradictions.map(({ what, trial, says }) => `${what} ${trial}   ${says}`), ...differing.map(({ line, what }) => `tree.tsv:${line}   ${what}`),
    `${holds ? 'holds' : 'does not hold'}   imported from ${imported.source}, ${imported.intact ? 'unchanged since' : 'and the copy here has changed since'}`,
    `proved   ${plural(changes, 'change')}, ${plural(keeps, 'keep')} and ${plural(discards, 'discard')} against the scores beside them, ${contradictions.length} wrong, ${uncompared} that cannot be compared${imported.tree === null ? '' : `   tree.tsv says the same of ${plural(Math.max(0, imported.tree.compared - differing.length), 'row')}`}`,
    `set aside   ${plural(imported.damagedRows.length, 'damaged row')}, ${plural(imported.damagedCells.length, 'damaged cell')}`,
    `beyond proof   ${BEYOND.join('; ')}`,
  ];
  return { holds, text: `${lines.join('\n')}\n` };
}
