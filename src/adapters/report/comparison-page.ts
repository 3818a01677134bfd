import type { Comparison } from '../../domain/analysis/comparison.ts';
import { armTable, comparedAt, pairedTable } from '../../domain/analysis/comparison-table.ts';
import { armsFigure, ARMS_STYLE } from './arms-figure.ts';
import { escapeText, markup, NOTHING, type Markup } from './markup.ts';
import { STYLE } from './style.ts';

/** The comparison as one self-contained page: the control figure, and its tables. It asks nothing of any network and runs no script. */
export function comparisonPage(comparison: Comparison): string {
  const { arms, metric, warnings } = comparison;
  const pairs = pairedTable(comparison);
  const body = markup`<main><p class="kicker">${comparedAt(comparison).replaceAll('   ', ' · ')}</p><h1>${metric} by arm, at ${comparison.at === null ? 'whole runs' : 'equal budget'}</h1>
<div class="scroll">${armsFigure(comparison)}</div>
<p class="note">The line of an arm is the mean of its runs, the area Student's 95% interval of it over seeds (none for one run), a thin line one run. The best so far against the run's own start, as its judge scored it.</p>
${warnings.length === 0 ? NOTHING : markup`<ul class="note">${warnings.map((warning) => markup`<li>${warning}</li>`)}</ul>`}
<h2>By arm</h2><div class="scroll">${table(armTable(comparison))}</div>
${pairs.length < 2 ? NOTHING : markup`<h2>Seed by seed</h2><p class="lead">The difference of two arms over the seeds that both have.</p><div class="scroll">${table(pairs)}</div>`}
<h2>Runs</h2><dl class="method">${arms.map(({ arm, courses }) => markup`<dt>${arm}</dt><dd>${courses.map(({ run, seed, record }) => (record.interventions === null ? run : `${run} (seed ${seed})`)).join(', ')}</dd>`)}</dl></main>`;
  return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>${escapeText(`${metric}: ${arms.map(({ arm }) => arm).join(' and ')}`)}</title><style>${STYLE}${ARMS_STYLE}</style></head><body>${body.safe}</body></html>\n`;
}

/** The figure alone, its style inside. */
export const comparisonFigure = (comparison: Comparison): string => `${armsFigure(comparison).safe.replace('>', `><style>${STYLE}${ARMS_STYLE}</style>`)}\n`;

const table = ([head = [], ...rows]: readonly (readonly string[])[]): Markup =>
  markup`<table><thead><tr>${head.map((name, i) => markup`<th${i === 0 ? NOTHING : N}>${name}</th>`)}</tr></thead><tbody>${rows.map((row) => markup`<tr>${row.map((cell, i) => markup`<td${i === 0 ? NOTHING : N}>${cell}</td>`)}</tr>`)}</tbody></table>`;

const N = markup` class="n"`;
