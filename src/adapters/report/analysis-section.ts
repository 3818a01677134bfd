import { analyze } from '../../domain/analysis/analysis.ts';
import { labelTable, quantities, roleTable } from '../../domain/analysis/quantities.ts';
import type { Lineage } from '../../domain/lineage.ts';
import { markup, NOTHING, type Markup } from './markup.ts';

/** The tables by which runs are compared: outcomes, who built on whom, diversity, throughput and compute. */
export function analysisSection(run: string, lineage: Lineage): Markup {
  const [analysis] = analyze([{ run, lineage }]);
  if (!analysis || analysis.outcomes.trials === 0) return NOTHING;
  return markup`<h2>In the tables of brigade analyze</h2><p class="lead">The same for every run, imported ones too; docs/analysis.md says how each is computed.</p>
<div class="pair"><table><tbody>${quantities([analysis]).map(({ name, values }) => markup`<tr><td>${name}</td><td>${values[0] ?? ''}</td></tr>`)}</tbody></table><div class="scroll">${table(roleTable(analysis))}${table(labelTable(analysis))}</div></div>`;
}

const table = ([head = [], ...rows]: readonly (readonly string[])[]): Markup =>
  markup`<table><thead><tr>${head.map((name, i) => markup`<th${i === 0 ? NOTHING : N}>${name}</th>`)}</tr></thead><tbody>${rows.map((row) => markup`<tr>${row.map((cell, i) => markup`<td${i === 0 ? NOTHING : N}>${cell}</td>`)}</tr>`)}</tbody></table>`;

const N = markup` class="n"`;
