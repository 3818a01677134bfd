import { duration, percent } from '../../domain/figures.ts';
import type { Lineage } from '../../domain/lineage.ts';
import { slotWork, type SlotWork } from '../../domain/summary.ts';
import { markup, NOTHING, type Markup } from './markup.ts';
import { linear } from './scale.ts';

const WIDTH = 1040;
const LEFT = 148;
const RIGHT = 22;
const ROW = 30;
/** Above this many stretches of work single ones cannot be seen, so hovering each is given up. */
const MOST_TIPS = 1500;

/** What every slot did over time: screening, confirming, the final claim, and work that ended in a failure. */
export function slotsFigure(lineage: Lineage): Markup {
  const work = slotWork(lineage);
  const first = work[0];
  if (!first) return NOTHING;
  const slots = [...new Set(work.map(({ slot }) => slot))].sort();
  const end = work.reduce((latest, { to }) => Math.max(latest, to), first.to);
  const total = (end - first.from) / 1000;
  const unit = total > 3 * 3600 ? 3600 : total > 180 ? 60 : 1;
  const x = linear([0, Math.max(total / unit, 1e-3)], [LEFT, WIDTH - RIGHT], 10);
  const at = (time: number): number => x((time - first.from) / 1000 / unit);
  const bottom = 8 + slots.length * ROW;
  return markup`<svg class="figure slots" viewBox="0 0 ${WIDTH} ${bottom + 40}" role="img" aria-label="Slot utilisation over time">
${slots.map((slot, i) => {
    const own = work.filter((w) => w.slot === slot);
    const busy = own.reduce((sum, w) => sum + w.to - w.from, 0) / Math.max(1, end - first.from);
    const top = 8 + i * ROW;
    return markup`<text class="tick" x="${LEFT - 10}" y="${top + 17}" text-anchor="end">${slot} ${percent(Math.min(1, busy))}</text><rect class="idle" x="${LEFT}" y="${top}" width="${WIDTH - RIGHT - LEFT}" height="${ROW - 8}"/>${work.length > MOST_TIPS ? strips(own, at, top) : own.map((w) => block(w, at, top))}`;
  })}
${x.ticks.map((tick) => markup`<text class="tick" x="${x(tick)}" y="${bottom + 14}" text-anchor="middle">${tick.toFixed(x.digits)}</text>`)}
<text class="axis" x="${WIDTH - RIGHT}" y="${bottom + 32}" text-anchor="end">${unit === 3600 ? 'hours' : unit === 60 ? 'minutes' : 'seconds'} since the first measurement</text></svg>`;
}

/** The words of the legend, in the order of the work. */
export const SLOT_KINDS = [['work-search', 'screening'], ['work-confirm', 'confirming'], ['work-final', 'final claim'], ['work-failed', 'ended in a failure']] as const;

const kindOf = (w: SlotWork): string => (w.failed ? 'work-failed' : `work-${w.purpose}`);

const block = (w: SlotWork, at: (time: number) => number, top: number): Markup =>
  markup`<rect class="${kindOf(w)}" x="${at(w.from)}" y="${top}" width="${Math.max(0.6, Math.round((at(w.to) - at(w.from) - 0.6) * 10) / 10)}" height="${ROW - 8}"><title>${w.trial} ${w.replicate}, ${duration((w.to - w.from) / 1000)}</title></rect>`;

const strips = (work: readonly SlotWork[], at: (time: number) => number, top: number): Markup[] =>
  SLOT_KINDS.map(([kind]) => markup`<path class="${kind}" d="${work.filter((w) => kindOf(w) === kind).map((w) => `M${at(w.from)} ${top}H${at(w.to)}v${ROW - 8}H${at(w.from)}z`).join('')}"/>`);
