import { oneLine, signed } from '../../domain/figures.ts';
import { range } from '../../domain/leaderboard.ts';
import type { Lineage } from '../../domain/lineage.ts';
import { worthOf, type Worth } from '../../domain/worth.ts';
import { markup, NOTHING, type Markup } from './markup.ts';
import { hueOf } from './palette.ts';

/** What each component of the kept recipes is worth, by every comparison that was measured; nothing where no composition was. */
export function worthSection(lineage: Lineage): Markup {
  const all = worthOf(lineage);
  if (!all.some(({ how }) => how !== 'kept')) return NOTHING; // the cards above say what each gained when it was kept
  const roster = lineage.started?.roster ?? [];
  const components = [...new Set(all.map(({ component }) => component))];
  return markup`<h2>What each part is worth</h2><p class="lead">By how much a recipe was better with a part than without it, everything else alike; 95% intervals from the run's noise.</p>
<div class="scroll"><table><thead><tr><th>part</th><th>what it does</th><th class="n">when kept</th><th class="n">added to others</th><th class="n">left out of others</th></tr></thead><tbody>${components.map((component) => {
    const own = all.filter((one) => one.component === component);
    return markup`<tr><td class="${hueOf(roster, own[0]?.specialist ?? '')}"><span class="dot"></span>${component} ${own[0]?.specialist ?? ''}</td><td>${oneLine(own[0]?.hypothesis ?? '')}</td>${(['kept', 'added', 'left out'] as const).map((how) => markup`<td class="n">${own.filter((one) => one.how === how).map((one) => markup`<div title="${`${one.having} with it, ${one.lacking} without`}">${said(one)}</div>`)}</td>`)}</tr>`;
  })}</tbody></table></div>`;
}

const said = ({ gain, interval, failed }: Worth): string => (gain === null ? failed ?? 'unknown' : `${signed(gain)}${interval ? ` (${range(interval)})` : ''}`);
