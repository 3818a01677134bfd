import { decimal, plural, signed } from '../../domain/figures.ts';
import { best, chain, statusOf, statusWord, type Lineage } from '../../domain/lineage.ts';
import { byline, owner, preorder, type TreeNode } from '../../domain/tables.ts';
import { markup, NOTHING, type Markup } from './markup.ts';
import { hueOf, toneOf } from './palette.ts';
import { tip } from './progress-figure.ts';

const WIDTH = 1040;
const ROW = 21;
/** A tree longer than this is cut; tree.tsv has it whole. */
const MOST_ROWS = 400;
const TREE_WIDTH = 330;

/** The lineage as a tree, one trial a line in preorder, the way to the best drawn strong. */
export function lineageFigure(lineage: Lineage): Markup {
  const all = preorder(lineage);
  const nodes = all.slice(0, MOST_ROWS);
  if (nodes.length === 0) return NOTHING;
  const deepest = Math.max(...nodes.map((node) => node.depth));
  const indent = Math.min(20, (TREE_WIDTH - 70) / Math.max(1, deepest));
  const head = best(lineage)?.trial;
  const strong = new Set(head ? chain(lineage, head).map((row) => row.trial) : []);
  const lineOf = new Map(nodes.map((node, i) => [node.row.trial, i]));
  const columns = { id: 8 + deepest * indent + 16, specialist: 0, status: 0, score: 0, delta: 0, text: 0 };
  columns.specialist = columns.id + 50; columns.status = columns.specialist + (nodes.some(({ row }) => row.proposal.joint !== undefined) ? 180 : 100); columns.score = columns.status + 190; columns.delta = columns.score + 70; columns.text = columns.delta + 14;
  const x = (depth: number): number => Math.round((8 + depth * indent) * 10) / 10;
  const y = (line: number): number => 16 + line * ROW;
  const room = Math.floor((WIDTH - columns.text) / 6.1);
  const edges = (isStrong: boolean): string => nodes.flatMap((node, i) => {
    const from = node.depth === 0 ? undefined : lineOf.get(node.row.proposal.parent);
    const onPath = strong.has(node.row.trial);
    return from === undefined || onPath !== isStrong ? [] : [`M${x(node.depth - 1)} ${y(from) + 5}V${y(i) - 6}q0 6 6 6H${Math.max(x(node.depth) - 5, x(node.depth - 1) + 6)}`];
  }).join('');
  const line = (node: TreeNode, i: number): Markup => {
    const { row } = node;
    const status = statusOf(row);
    const score = row.result?.score;
    const delta = status === 'baseline' ? null : row.result?.deltaVsBest;
    const hue = hueOf(lineage.started?.roster ?? [], owner(row));
    return markup`<g class="row ${strong.has(row.trial) ? 'strong' : ''} ${toneOf(status)}"><rect class="hover" x="0" y="${y(i) - ROW / 2}" width="${WIDTH}" height="${ROW}"/><title>${tip(row)}</title>
<g class="${hue} ${status === 'keep' ? 'kept' : status === 'discard' || status === 'baseline' ? 'dropped' : 'failed'}">${mark(x(node.depth), y(i), status)}</g>
<text class="id" x="${columns.id}" y="${y(i) + 4}">${row.trial}</text><text x="${columns.specialist}" y="${y(i) + 4}">${byline(row)}</text><text class="status" x="${columns.status}" y="${y(i) + 4}">${statusWord(lineage, row)}</text>
<text x="${columns.score}" y="${y(i) + 4}" text-anchor="end">${score == null ? '' : decimal(score)}</text><text x="${columns.delta}" y="${y(i) + 4}" text-anchor="end">${delta == null ? '' : signed(delta)}</text>
<text class="says" x="${columns.text}" y="${y(i) + 4}">${cut(row.proposal.hypothesis, room)}${row.trial === head ? ' ← best' : ''}</text></g>`;
  };
  return markup`<svg class="figure tree" viewBox="0 0 ${WIDTH} ${y(nodes.length - 1) + 14}" role="img" aria-label="Lineage tree">
<path class="edge" d="${edges(false)}"/><path class="edge strong" d="${edges(true)}"/>${nodes.map(line)}</svg>${all.length > nodes.length ? markup`<p class="note">${plural(all.length - nodes.length, 'further trial')} in tree.tsv.</p>` : NOTHING}`;
}

const mark = (x: number, y: number, status: string | null): Markup =>
  (status === 'keep' || status === 'baseline' || status === 'discard' ? markup`<circle cx="${x}" cy="${y}" r="${status === 'discard' ? 3.4 : 4.6}"/>` : markup`<path d="M${x - 3} ${y - 3}l6 6m0 -6l-6 6"/>`);

const cut = (text: string, room: number): string => (text.length > room ? `${[...text].slice(0, Math.max(0, room - 1)).join('')}…` : text);
