import { describeEnding } from '../../domain/evidence.ts';
import { decimal, signed } from '../../domain/figures.ts';
import { BASELINE } from '../../domain/ids.ts';
import { statusOf, type Lineage, type TrialRow } from '../../domain/lineage.ts';
import { gain } from '../../domain/objective.ts';
import { scoreOn } from '../../domain/purpose.ts';
import { isValid, STATUSES } from '../../domain/status.ts';
import { bestSoFar, summarize } from '../../domain/summary.ts';
import { byline, endedRows } from '../../domain/tables.ts';
import { markup, NOTHING, type Markup } from './markup.ts';
import { hueOf, toneOf } from './palette.ts';
import { linear } from './scale.ts';

const WIDTH = 1040;
const LEFT = 148;
const RIGHT = 22;
const TOP = 18;
const HEIGHT = 340;
const RIM = 17; // one line of the rim, tall enough for its label

/** Every trial by its number: scored ones at their score on the data that the line is on, failures on the rim under their label, the best so far as steps, and how far the baseline scatters as a band. */
export function progressFigure(run: string, lineage: Lineage): Markup {
  const objective = lineage.started?.objective;
  const bests = bestSoFar(lineage);
  const first = bests[0];
  const { beside: measured, ...calibrated } = summarize(run, lineage).baseline;
  const beside = bests.length > 1 ? measured : null; // the line stands on what its bests were scored on
  const baseline = beside ?? calibrated;
  if (!objective || !first || baseline.score === null) return NOTHING;
  const scoreOf = (row: TrialRow): number => scoreOn(lineage, row, beside ? 'confirm' : 'search') ?? 0;
  const rows = endedRows(lineage).filter((row) => row.trial !== BASELINE);
  const scored = rows.filter((row) => { const status = statusOf(row); return status !== null && isValid(status) && row.result?.score != null; });
  const failed = rows.filter((row) => !scored.includes(row));
  const labels = STATUSES.filter((status) => failed.some((row) => statusOf(row) === status));
  const x = linear([0, Math.max(8, lineage.nextNumber - 1)], [LEFT, WIDTH - RIGHT], 10);
  const y = scoreScale(objective, baseline.score, baseline.sd ?? 0, bests.map((b) => b.score), scored.map(scoreOf));
  const floor = TOP + HEIGHT;
  const rimTop = floor + 30;
  const rim = labels.map((label, i) => ({ label, y: rimTop + i * RIM }));
  const bottom = rimTop + rim.length * RIM + 8;
  const last = bests.at(-1) ?? first;
  const steps = bests.map((b, i) => (i === 0 ? `M${x(b.number)} ${y(b.score)}` : `H${x(b.number)}V${y(b.score)}`)).join('');
  const roster = lineage.started?.roster ?? [];
  const dot = (row: TrialRow): Markup => {
    const score = scoreOf(row);
    const kept = statusOf(row) === 'keep';
    const place = { x: x(row.number), y: y(score) };
    const beyond = !y.holds(score);
    const shape = beyond ? arrow(place.x, gain(objective, score, baseline.score ?? score) > 0 ? edge(objective, 'better') : edge(objective, 'worse')) : markup`<circle cx="${place.x}" cy="${place.y}" r="${kept ? 5 : 3.6}"/>`;
    return markup`<g class="${hueOf(roster, row.proposal.specialist)} ${kept ? 'kept' : 'dropped'}">${shape}<title>${tip(row)}</title></g>`;
  };
  return markup`<svg class="figure" viewBox="0 0 ${WIDTH} ${bottom}" role="img" aria-label="Best ${objective.metric} so far over trials">
${y.ticks.map((tick) => markup`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(tick)}" y2="${y(tick)}"/><text class="tick" x="${LEFT - 10}" y="${y(tick) + 4}" text-anchor="end">${decimal(tick, y.digits)}</text>`)}
<text class="axis" x="${LEFT - 10}" y="${TOP - 4}" text-anchor="end">${objective.metric}</text>
<text class="axis" x="${WIDTH - RIGHT}" y="${TOP - 4}" text-anchor="end">${objective.direction === 'minimize' ? 'lower is better' : 'higher is better'}</text>
${band(x, y, baseline.score, baseline.sd)}
<path class="best" d="${steps}H${x(Math.max(8, lineage.nextNumber - 1))}"/>
${scored.filter((row) => statusOf(row) !== 'keep').map(dot)}${scored.filter((row) => statusOf(row) === 'keep').map(dot)}
${keepLabels(bests.slice(1), x, y, objective.direction)}
${x.ticks.filter(Number.isInteger).map((tick) => markup`<text class="tick" x="${x(tick)}" y="${floor + 16}" text-anchor="middle">${tick}</text>`)}
<text class="axis" x="${LEFT - 10}" y="${floor + 16}" text-anchor="end">trial</text>
${rim.map((line) => markup`<text class="rim ${toneOf(line.label)}" x="${LEFT - 10}" y="${line.y + 4}" text-anchor="end">${line.label}</text><line class="rimline" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${line.y}" y2="${line.y}"/>`)}
${failed.map((row) => cross(x(row.number), rim.find((line) => line.label === statusOf(row))?.y ?? rimTop, `${hueOf(roster, row.proposal.specialist)} failed`, tip(row)))}
<text class="end" x="${WIDTH - RIGHT}" y="${y(last.score) + (objective.direction === 'minimize' ? 18 : -10)}" text-anchor="end">${last.trial === BASELINE ? 'the baseline stands' : `best ${decimal(last.score)}`}</text>
</svg>${beside && calibrated.score !== null ? markup`<p class="note">Trials that were only screened are drawn where they would read on confirmation data: at their score ${signed(beside.score - calibrated.score)}, which is how far the baseline's two means lie apart.</p>` : NOTHING}`;
}

/** The same best against what had been spent by then. */
export function spendingFigure(lineage: Lineage): Markup {
  const objective = lineage.started?.objective;
  const bests = bestSoFar(lineage);
  const first = bests[0];
  const last = bests.at(-1);
  if (!objective || !first || !last || bests.length < 2) return NOTHING;
  const height = 150;
  const hours = lineage.slotSeconds > 3 * 3600;
  const unit = hours ? 3600 : 60;
  const scores = bests.map((b) => b.score);
  const x = linear([0, Math.max(lineage.slotSeconds, 1) / unit], [LEFT, WIDTH - RIGHT], 8);
  const [low, high] = [Math.min(...scores), Math.max(...scores)];
  const y = linear([low - (high - low) * 0.06, high + (high - low) * 0.06], [TOP + height, TOP], 3);
  const steps = bests.map((b, i) => (i === 0 ? `M${x(0)} ${y(b.score)}` : `H${x(b.slotSeconds / unit)}V${y(b.score)}`)).join('');
  return markup`<svg class="figure" viewBox="0 0 ${WIDTH} ${TOP + height + 36}" role="img" aria-label="Best so far over slot time">
${y.ticks.map((tick) => markup`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(tick)}" y2="${y(tick)}"/><text class="tick" x="${LEFT - 10}" y="${y(tick) + 4}" text-anchor="end">${decimal(tick, y.digits)}</text>`)}
${x.ticks.map((tick) => markup`<text class="tick" x="${x(tick)}" y="${TOP + height + 16}" text-anchor="middle">${decimal(tick, x.digits)}</text>`)}
<text class="axis" x="${WIDTH - RIGHT}" y="${TOP + height + 32}" text-anchor="end">${hours ? 'slot-hours' : 'slot-minutes'} spent, calibration included</text>
<path class="best" d="${steps}H${x(lineage.slotSeconds / unit)}"/>
${bests.slice(1).map((b) => { const row = lineage.trials.get(b.trial); return row ? markup`<g class="${hueOf(lineage.started?.roster ?? [], row.proposal.specialist)} kept"><circle cx="${x(b.slotSeconds / unit)}" cy="${y(b.score)}" r="4.5"/><title>${tip(row)}</title></g>` : NOTHING; })}
</svg>`;
}

/** What hovering a trial says. */
export const tip = (row: TrialRow): string =>
  [`${row.trial} ${byline(row)} ${statusOf(row) ?? 'waiting'}${row.result?.score == null ? '' : ` ${decimal(row.result.score)}`}${row.result?.deltaVsBest == null ? '' : ` (${signed(row.result.deltaVsBest)})`}`, row.proposal.hypothesis, describeEnding(row)].filter(Boolean).join('\n');

/** Room for all bests and the noise of the baseline; far worse trials are drawn at the edge so that they do not flatten the rest. */
function scoreScale(objective: { direction: 'minimize' | 'maximize' }, baseline: number, sd: number, bests: readonly number[], values: readonly number[]) {
  const reached = [baseline, ...bests];
  const span = Math.max(...reached) - Math.min(...reached) || Math.max(4 * sd, Math.abs(baseline) * 0.02, 1e-9);
  const worse = objective.direction === 'minimize' ? 1 : -1;
  const limit = (side: number, room: number, margin: number): number => {
    const reachedEdge = side > 0 ? Math.max(...reached) : Math.min(...reached);
    const seen = side > 0 ? Math.max(reachedEdge, baseline + 2 * sd, ...values) : Math.min(reachedEdge, baseline - 2 * sd, ...values);
    return (side > 0 ? Math.min(seen, reachedEdge + room * span) : Math.max(seen, reachedEdge - room * span)) + side * margin * span;
  };
  const low = limit(-1, worse > 0 ? 0.2 : 0.35, 0.09);
  const high = limit(1, worse > 0 ? 0.35 : 0.2, 0.05);
  return linear([low, high], [TOP + HEIGHT, TOP], 6);
}

function edge(objective: { direction: 'minimize' | 'maximize' }, side: 'better' | 'worse'): { at: number; up: boolean } {
  const up = (objective.direction === 'minimize') === (side === 'worse');
  return { at: up ? TOP + 5 : TOP + HEIGHT - 5, up };
}

const arrow = (x: number, { at, up }: { at: number; up: boolean }): Markup => markup`<path d="M${x - 4} ${at + (up ? 3 : -3)}h8l-4 ${up ? -7 : 7}z"/>`;

const cross = (x: number, y: number, kind: string, title: string): Markup => markup`<g class="${kind}"><path d="M${x - 3.5} ${y - 3.5}l7 7m0 -7l-7 7"/><circle cx="${x}" cy="${y}" r="7" class="touch"/><title>${title}</title></g>`;

function band(x: (v: number) => number, y: (v: number) => number, mean: number, sd: number | null): Markup {
  const spread = sd ?? 0;
  const top = Math.min(y(mean + spread), y(mean - spread));
  return markup`<rect class="noise" x="${LEFT}" y="${top}" width="${WIDTH - RIGHT - LEFT}" height="${Math.max(1.5, Math.abs(y(mean + spread) - y(mean - spread)))}"/><text class="noise-label" x="${WIDTH - RIGHT - 6}" y="${top - 5}" text-anchor="end">baseline ${decimal(mean)}${sd === null ? '' : ` ± ${decimal(sd)}`}</text>`;
}

/** Names of the kept trials under their steps; where the next step is too near, the hover has to do. */
function keepLabels(bests: readonly { trial: string; number: number; score: number }[], x: (v: number) => number, y: (v: number) => number, direction: 'minimize' | 'maximize'): Markup[] {
  return bests.flatMap((b, i) => {
    const next = bests[i + 1];
    if (!next || x(next.number) - x(b.number) < 52) return [];
    return [markup`<text class="keep-label" x="${x(b.number) + 7}" y="${y(b.score) + (direction === 'minimize' ? 14 : -7)}">${b.trial}</text>`];
  });
}
