import { signed } from '../../domain/figures.ts';
import { BASELINE } from '../../domain/ids.ts';
import { statusOf, type Lineage, type TrialRow } from '../../domain/lineage.ts';
import { endedRows } from '../../domain/tables.ts';
import { markup, NOTHING, type Markup } from './markup.ts';
import { hueOf } from './palette.ts';
import { tip } from './progress-figure.ts';
import { linear, quantile } from './scale.ts';

const WIDTH = 520;
const HEIGHT = 400;
const LEFT = 66;

/** Trials whose author's prediction can be compared: scored, and judged against a best. */
export const predicted = (lineage: Lineage): TrialRow[] =>
  endedRows(lineage).filter((row) => row.trial !== BASELINE && row.result?.deltaVsBest != null && ['keep', 'discard'].includes(statusOf(row) ?? '') && Number.isFinite(row.proposal.expectedDelta));

/** What authors expected against what was measured; on the diagonal they were right. */
export function predictionFigure(lineage: Lineage): Markup {
  const rows = predicted(lineage);
  if (rows.length < 2) return NOTHING;
  const expectations = rows.map((row) => row.proposal.expectedDelta);
  const measured = rows.map((row) => row.result?.deltaVsBest ?? 0);
  const bound = (values: readonly number[]): [number, number] => {
    const low = Math.min(0, quantile(values, 0.06));
    const high = Math.max(0, quantile(values, 0.78));
    const room = (high - low || 1e-6) * 0.12;
    return [low - room, high + room];
  };
  const x = linear(bound(expectations), [LEFT, WIDTH - 12], 5);
  const y = linear(bound(measured), [HEIGHT - 46, 14], 6);
  const inside = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
  const dot = (row: TrialRow): Markup => {
    const px = inside(x(row.proposal.expectedDelta), LEFT + 4, WIDTH - 16);
    const score = row.result?.deltaVsBest ?? 0;
    const py = inside(y(score), 18, HEIGHT - 50);
    const shape = y.holds(score) ? markup`<circle cx="${px}" cy="${py}" r="${statusOf(row) === 'keep' ? 5 : 3.6}"/>` : markup`<path d="M${px - 4} ${py + (py < 100 ? 3 : -3)}h8l-4 ${py < 100 ? -7 : 7}z"/>`;
    return markup`<g class="${hueOf(lineage.started?.roster ?? [], row.proposal.specialist)} ${statusOf(row) === 'keep' ? 'kept' : 'dropped'}">${shape}<title>${`${tip(row)}\npredicted ${signed(row.proposal.expectedDelta)}, measured ${signed(score)}`}</title></g>`;
  };
  const [from, to] = diagonal(bound(expectations), bound(measured));
  return markup`<svg class="figure" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Predicted against measured change">
${y.ticks.map((tick) => markup`<line class="${Math.abs(tick) < 1e-12 ? 'zero' : 'grid'}" x1="${LEFT}" x2="${WIDTH - 12}" y1="${y(tick)}" y2="${y(tick)}"/><text class="tick" x="${LEFT - 8}" y="${y(tick) + 4}" text-anchor="end">${signed(tick, y.digits)}</text>`)}
${x.ticks.map((tick) => markup`<text class="tick" x="${x(tick)}" y="${HEIGHT - 30}" text-anchor="middle">${signed(tick, x.digits)}</text>`)}
<line class="zero" x1="${x(0)}" x2="${x(0)}" y1="14" y2="${HEIGHT - 46}"/>${to > from ? markup`<line class="diagonal" x1="${x(from)}" y1="${y(from)}" x2="${x(to)}" y2="${y(to)}"/>` : NOTHING}
${rows.map(dot)}<text class="axis" x="${WIDTH - 12}" y="${HEIGHT - 10}" text-anchor="end">predicted change</text><text class="axis" x="${LEFT + 6}" y="12">measured change</text></svg>`;
}

const diagonal = ([a, b]: readonly [number, number], [c, d]: readonly [number, number]): readonly [number, number] => [Math.max(a, c), Math.min(b, d)];
