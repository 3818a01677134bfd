import { counted, plural } from '../../domain/figures.ts';
import type { Lineage } from '../../domain/lineage.ts';
import { SESSION_ENDINGS } from '../../domain/session.ts';
import { amount, thoughts } from '../../domain/thought.ts';
import { markup, NOTHING, type Markup } from './markup.ts';
import { hueOf } from './palette.ts';

/** How each specialist's sessions with its model ended, and what they cost; nothing where no model was asked. */
export function thinkingSection(lineage: Lineage): Markup {
  const all = thoughts(lineage).filter(({ sessions }) => sessions > 0);
  if (all.length === 0) return NOTHING;
  const roster = lineage.started?.roster ?? [];
  const endings = SESSION_ENDINGS.filter((ending) => all.some((one) => one.endings.has(ending)));
  const sessions = all.reduce((sum, one) => sum + one.sessions, 0);
  const vain = all.reduce((sum, one) => sum + one.fruitless, 0);
  const models = [...new Set([...lineage.sessions.rows.values()].map(({ opened }) => opened.model))];
  return markup`<h2>Thinking</h2><p class="lead">${plural(sessions, 'session')} with ${models.join(', ')}; ${vain} led to no trial and cost no slot. A call that was never settled counts in full.</p>
<div class="scroll"><table><thead><tr><th>specialist</th><th class="n">sessions</th>${endings.map((ending) => markup`<th class="n">${ending}</th>`)}<th class="n">repairs</th><th class="n">calls</th><th class="n">failed</th><th class="n">tokens</th><th class="n">money</th></tr></thead><tbody>${all.map((one) =>
    markup`<tr><td class="${hueOf(roster, one.specialist)}"><span class="dot"></span>${one.specialist}</td><td class="n">${one.sessions}</td>${endings.map((ending) => markup`<td class="n">${one.endings.get(ending) ?? 0}</td>`)}<td class="n">${one.repairs}</td><td class="n">${one.calls}</td><td class="n">${one.failed}</td><td class="n">${counted(one.spent.tokens)}</td><td class="n">${amount(one.spent.money)}</td></tr>`)}</tbody></table></div>`;
}
