import type { ArmOutcome, Comparison } from '../../domain/analysis/comparison.ts';
import { deltaAt } from '../../domain/analysis/course.ts';
import { decimal, duration, plural, signed } from '../../domain/figures.ts';
import { markup, NOTHING, type Markup } from './markup.ts';
import { linear, type Scale } from './scale.ts';

const WIDTH = 1040;
const LEFT = 96;
const RIGHT = 250; // room for the arms' names at their lines' ends
const TOP = 22;
const HEIGHT = 400;
const LINE = 16;

/** What the figure needs beside the page's own style. */
export const ARMS_STYLE = `.arm path{fill:none;stroke:var(--hue);stroke-width:2.2;stroke-linejoin:round}.arm path.one{stroke-width:1;opacity:.4}.arm path.spread{fill:var(--hue);stroke:none;opacity:.15}svg .arm text{fill:var(--hue);font-size:12.5px;font-weight:600}`;

/** The control figure: each arm's change from its start over trials or slot time, the mean of its runs with its interval, every run a thin line. */
export function armsFigure({ arms, metric, direction, axis }: Comparison): Markup {
  const unit = axis === 'trials' ? 1 : Math.max(...arms.flatMap(({ curve }) => curve.map(({ used }) => used))) > 3 * 3600 ? 3600 : 60;
  const longest = Math.max(1e-9, ...arms.flatMap(({ curve }) => curve.map(({ used }) => used / unit)));
  const ways = arms.map((arm) => ({
    arm, mean: arm.curve.flatMap(({ used, delta }) => (delta === null ? [] : [{ x: used / unit, y: delta.mean }])),
    spread: arm.curve.flatMap(({ used, delta }) => (delta?.interval ? [{ x: used / unit, low: delta.interval[0], high: delta.interval[1] }] : [])),
    ones: arm.courses.length < 2 ? [] : arm.courses.map((course) => ({ course, points: arm.curve.flatMap(({ used }) => { const y = deltaAt(course, axis, used); return y === null || (axis === 'trials' && used > course.steps.length) ? [] : [{ x: used / unit, y }]; }) })),
  }));
  const reached = [0, ...ways.flatMap(({ mean, ones }) => [...mean, ...ones.flatMap(({ points }) => points)].map(({ y }) => y))];
  const [least, most] = [Math.min(...reached), Math.max(...reached)];
  const room = (most - least || 1) * 0.12;
  const held = ways.flatMap(({ spread }) => spread.flatMap(({ low, high }) => [low, high])); // an interval over two seeds may be far wider than anything measured
  const x = linear([0, longest], [LEFT, WIDTH - RIGHT], 8);
  const y = linear([Math.max(Math.min(least, ...held), least - 3 * room) - room / 2, Math.min(Math.max(most, ...held), most + 3 * room) + room / 2], [TOP + HEIGHT, TOP], 6);
  const labels = spaced(ways.map(({ mean }) => y(mean.at(-1)?.y ?? 0)));
  return markup`<svg xmlns="http://www.w3.org/2000/svg" class="figure" viewBox="0 0 ${WIDTH} ${TOP + HEIGHT + 44}" role="img" aria-label="Change of ${metric} from the start, by arm">
${y.ticks.map((tick) => markup`<line class="${Math.abs(tick) < 1e-12 ? 'zero' : 'grid'}" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(tick)}" y2="${y(tick)}"/><text class="tick" x="${LEFT - 10}" y="${y(tick) + 4}" text-anchor="end">${signed(tick, y.digits)}</text>`)}
${x.ticks.filter((tick) => axis !== 'trials' || Number.isInteger(tick)).map((tick) => markup`<text class="tick" x="${x(tick)}" y="${TOP + HEIGHT + 17}" text-anchor="middle">${decimal(tick, x.digits)}</text>`)}
<text class="axis" x="${LEFT - 10}" y="${TOP - 8}">change of ${metric} from the start, ${direction === 'minimize' ? 'lower' : 'higher'} is better</text>
<text class="axis" x="${WIDTH - RIGHT}" y="${TOP + HEIGHT + 36}" text-anchor="end">${axis === 'trials' ? 'trials that ended' : unit === 3600 ? 'slot-hours of the search' : 'slot-minutes of the search'}</text>
${ways.map(({ arm, mean, spread, ones }, i) => markup`<g class="arm hue-${i % 10}">${spread.length < 2 ? NOTHING : markup`<path class="spread" d="${band(spread, x, y)}"/>`}
${ones.map(({ course, points }) => markup`<path class="one" d="${steps(points, x, y)}"><title>${course.run}, seed ${course.seed}</title></path>`)}
<path d="${steps(mean, x, y)}"><title>${saying(arm)}</title></path><text x="${WIDTH - RIGHT + 10}" y="${(labels[i] ?? 0) + 4}">${arm.arm}${arm.courses.length > 1 ? `, n ${arm.courses.length}` : ''}</text></g>`)}
</svg>`;
}

/** What hovering an arm says. */
function saying({ arm, courses, curve }: ArmOutcome): string {
  const last = curve.findLast(({ delta }) => delta !== null)?.delta;
  const used = Math.max(...courses.map(({ steps: own }) => own.at(-1)?.slotSeconds ?? 0));
  return `${arm}: ${last ? signed(last.mean) : 'no score'}${last?.interval ? ` (${signed(last.interval[0])} … ${signed(last.interval[1])})` : ''}, ${plural(courses.length, 'run')}, at most ${duration(used)} of slots`;
}

type Point = { readonly x: number; readonly y: number };

const steps = (points: readonly Point[], x: Scale, y: Scale): string => points.map((point, i) => (i === 0 ? `M${x(point.x)} ${y(point.y)}` : `H${x(point.x)}V${y(point.y)}`)).join('');

/** The interval as an area, its edges steps like the mean's; cut where it leaves the paper. */
function band(spread: readonly { readonly x: number; readonly low: number; readonly high: number }[], x: Scale, y: Scale): string {
  const clip = (value: number): number => Math.min(TOP + HEIGHT, Math.max(TOP, y(value)));
  const first = spread[0];
  if (!first) return '';
  const out = spread.slice(1).map(({ x: at, high }) => `H${x(at)}V${clip(high)}`).join('');
  const back = spread.map((point, i) => ({ at: point.x, low: clip(point.low), before: clip(spread[i - 1]?.low ?? point.low) })).reverse().map(({ at, low, before }) => `L${x(at)} ${low}V${before}`).join('');
  return `M${x(first.x)} ${clip(first.high)}${out}${back}Z`;
}

/** Heights as wanted, moved apart so that no two labels lie on one another. */
function spaced(wanted: readonly number[]): number[] {
  const order = wanted.map((at, i) => ({ at, i })).sort((a, b) => a.at - b.at);
  let floor = -Infinity;
  const placed = order.map(({ at, i }) => { floor = Math.max(at, floor + LINE); return { i, at: floor }; });
  const over = Math.max(0, floor - (TOP + HEIGHT));
  return placed.sort((a, b) => a.i - b.i).map(({ at }) => at - over);
}
