import { oneLine, signed } from '../../domain/figures.ts';
import { range } from '../../domain/leaderboard.ts';
import type { Lineage } from '../../domain/lineage.ts';
import { worthOf, type Worth } from '../../domain/worth.ts';
import { aligned, fit, painter } from './terminal.ts';

/** What each component is worth, a line each. */
export function worthLines(lineage: Lineage, { color, width }: { readonly color: boolean; width(): number | null }): string[] {
  const all = worthOf(lineage);
  if (all.length === 0) return ['nothing was kept, so there are no components'];
  const paint = painter(color);
  const rows = all.map((one) => [one.component, one.specialist, sayGain(one), sayHow(one), fit(oneLine(one.hypothesis), Math.max(20, (width() ?? 140) - 90))]);
  return aligned([['component', 'specialist', `gains, in ${lineage.started?.objective.metric ?? 'score'}`, 'measured', ''].map((cell) => paint('quiet', cell)), ...rows]);
}

/** The same for machines. */
export const worthObjects = (run: string, lineage: Lineage): (Worth & { readonly run: string })[] => worthOf(lineage).map((one) => ({ run, ...one }));

/** A gain with its interval; what became of it where there is none. */
export const sayGain = ({ gain, interval, failed }: Worth): string => (gain === null ? failed ?? 'unknown' : `${signed(gain)}${interval ? ` (${range(interval)})` : ''}`);

/** How a gain was measured, in a few words. */
export const sayHow = ({ how, having, lacking, component }: Worth): string => (how === 'kept' ? `when kept, over ${lacking}` : how === 'added' ? `${having} with it, over ${lacking}` : `${having} with it, over ${lacking} without ${component}`);
