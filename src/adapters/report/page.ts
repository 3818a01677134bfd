import { counted, decimal, duration, percent, plural, probability, signed } from '../../domain/figures.ts';
import { comparability, measuredOn, range, relative } from '../../domain/leaderboard.ts';
import type { Lineage } from '../../domain/lineage.ts';
import { summarize, type Summary } from '../../domain/summary.ts';
import { amount } from '../../domain/thought.ts';
import { analysisSection } from './analysis-section.ts';
import { importedSection } from './imported-section.ts';
import { lineageFigure } from './lineage-figure.ts';
import { escapeText, markup, NOTHING, type Markup } from './markup.ts';
import { hueOf } from './palette.ts';
import { predictionFigure } from './prediction-figure.ts';
import { progressFigure, spendingFigure } from './progress-figure.ts';
import { failureTable, keptCards, mixBars, predictionTable, trialList } from './sections.ts';
import { SLOT_KINDS, slotsFigure } from './slots-figure.ts';
import { STYLE } from './style.ts';
import { thinkingSection } from './thinking-section.ts';
import { worthSection } from './worth-table.ts';

// report.html: one page that somebody forwards to their team.
//
//   P1. It asks nothing of any network and runs no script; its policy forbids both.
//   P2. Whatever a proposal, a log or a recipe said is escaped.

/** The whole page of a run, the same for the same lineage. */
export function reportPage(run: string, lineage: Lineage): string {
  const summary = summarize(run, lineage);
  const roster = lineage.started?.roster ?? [];
  const body = markup`<main><p class="kicker">${run} · ${summary.surface} · ${asOf(lineage)}</p>
<h1>${sentence(summary, lineage)}</h1>
${factGrid(summary, lineage)}
<ul class="legend">${roster.map((name) => markup`<li class="${hueOf(roster, name)}"><i></i>${name}</li>`)}<li><i class="full"></i>kept</li><li><i class="open"></i>not kept</li><li><i class="mark">▲</i>beyond the scale</li><li><i class="mark">×</i>failed, by its label on the rim</li></ul>
<div class="scroll">${progressFigure(run, lineage)}</div>
<div class="scroll">${spendingFigure(lineage)}</div>
<h2>What made the difference</h2><p class="lead">${differenceLead(summary, lineage)}</p>${keptCards(lineage, summary)}
${worthSection(lineage)}
<h2>Who tried what</h2><p class="lead">Every trial by how it ended.</p>${mixBars(lineage)}
<h2>Lineage</h2><p class="lead">Each trial under the one it changed; the strong line leads to the best.</p><div class="scroll">${lineageFigure(lineage)}</div>
<h2>What failed, and what it cost</h2>${failureTable(lineage)}
${predictionSection(lineage)}
${thinkingSection(lineage)}
${slotsSection(summary, lineage)}
${analysisSection(run, lineage)}
<h2>How it was measured</h2>${method(summary, lineage)}
<h2 class="trials">Every trial</h2><p class="lead trials">A line opens to its evidence${lineage.imported ? '' : ' and its diff'}. ${comparability(summary) ?? ''}</p>${trialList(lineage)}</main>`;
  return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>${escapeText(`${run}: ${titleOf(summary)}`)}</title><style>${STYLE}</style></head><body>${body.safe}</body></html>\n`;
}

const titleOf = (summary: Summary): string =>
  (summary.best.delta === null || summary.best.from === null ? 'the baseline stands' : `${summary.metric} ${relative(summary.claim?.delta ?? summary.best.delta, summary.claim?.baselineMean ?? summary.best.from)}`);

const asOf = (lineage: Lineage): string => {
  const at = lineage.newestAt === 0 ? '' : new Date(lineage.newestAt).toISOString().replace('T', ' ').slice(0, 16);
  return lineage.stopped !== null ? `ended ${at} UTC` : `as of ${at} UTC, still running`;
};

function sentence(summary: Summary, lineage: Lineage): Markup {
  const { baseline, best, claim, metric } = summary;
  const spent = `in ${plural(summary.trials, 'trial')} and ${duration(summary.wallSeconds)}${summary.money > 0 ? ` for ${amount(summary.money)}` : ''}`;
  if (baseline.score === null) return markup`The baseline has no score yet.`;
  if (best.delta === null || best.score === null || best.from === null) return markup`${metric} stayed at <strong>${decimal(baseline.score)}</strong>: nothing better was found ${spent}.`;
  if (!claim) return markup`${metric} went from ${decimal(best.from)} to <strong>${decimal(best.score)}</strong> (${relative(best.delta, best.from)}) ${spent}; ${lineage.stopped === null ? 'the run goes on' : 'the final claim was not made'}.`;
  const sure = claim.interval[0] * claim.interval[1] > 0 ? '' : ', an interval that holds zero';
  return markup`${metric} went from ${decimal(claim.baselineMean)} to <strong>${decimal(claim.bestMean)}</strong> (<strong>${relative(claim.delta, claim.baselineMean)}</strong>) ${spent}: a change of ${signed(claim.delta)}, 95% interval ${range(claim.interval)}${sure}, on ${claim.n} fresh seeds each.`;
}

function factGrid(summary: Summary, lineage: Lineage): Markup {
  const { baseline, best, claim } = summary;
  const falseKeeps = lineage.started?.keep.kind === 'confirmed' ? `luck alone predicts ${decimal(summary.expectedFalseKeeps, 2)} false keeps` : 'strict rule: luck is not ruled out';
  const facts: readonly (readonly [string, string, string])[] = [
    baselineFact(baseline, best.delta !== null),
    ['best', best.score === null ? 'unknown' : decimal(best.score), best.trial],
    ['final claim', claim ? signed(claim.delta) : 'not made', claim ? `p ${probability(claim.p)}, ${measuredOn(claim)}` : ''],
    ['trials', counted(summary.trials), `${plural(summary.keeps, 'keep')}, ${plural(summary.discards, 'discard')}, ${plural(summary.failures, 'failure')}${summary.rejected > 0 ? `; ${summary.rejected} refused` : ''}${summary.damaged > 0 ? `; ${plural(summary.damaged, 'row')} damaged` : ''}`],
    ['confirmations', counted(summary.confirmations), falseKeeps],
    ['time', duration(summary.wallSeconds), `${counted(summary.slotSeconds)} slot-seconds${summary.busyShare === null ? '' : `, ${percent(summary.busyShare)} busy`}`],
    ...(lineage.imported ? [['people', 'not recorded', 'nor what models cost'] as const] : [['cost', summary.money > 0 ? amount(summary.money) : 'no money', summary.tokens > 0 ? `${counted(summary.tokens)} tokens` : 'no model was called'] as const,
    ['people', summary.interventions === 0 ? 'nobody intervened' : plural(summary.interventions ?? 0, 'intervention'), `proposer ${lineage.started?.proposer ?? 'unknown'}, seed ${lineage.started?.seed ?? 0}`] as const]),
  ];
  return markup`<dl class="facts">${facts.map(([name, value, more]) => markup`<div><dt>${name}</dt><dd>${value}<small>${more}</small></dd></div>`)}</dl>`;
}

/** On the data that the best was scored on, so that the two facts can be set side by side. */
const baselineFact = ({ score, sd, n, beside }: Summary['baseline'], isBeaten: boolean): readonly [string, string, string] => (beside !== null && isBeaten
  ? ['baseline', decimal(beside.score), `± ${decimal(beside.sd)} over ${plural(beside.n, 'seed')}, like the best${score === null ? '' : `; ${decimal(score)} on search data`}`]
  : ['baseline', score === null ? 'unknown' : decimal(score), sd === null ? '' : `± ${decimal(sd)} over ${plural(n, 'seed')}`]);

const differenceLead = (summary: Summary, lineage: Lineage): string => (summary.keeps === 0 ? '' : lineage.started?.keep.kind === 'confirmed'
  ? `${plural(summary.keeps, 'trial')} beat the best of their time on fresh seeds. The bar under each is its part of the way from the baseline to the best.`
  : `${plural(summary.keeps, 'trial')} scored better than the best of their time once; some of it may be noise.`);

function predictionSection(lineage: Lineage): Markup {
  const figure = predictionFigure(lineage);
  return figure.safe === '' ? NOTHING : markup`<h2>Predicted against measured</h2><p class="lead">On the dashed line an author was right; arrows lie beyond the paper.</p><div class="pair half">${figure}${predictionTable(lineage)}</div>`;
}

/** Nobody knows which machine ran what of an imported run. */
const slotsSection = (summary: Summary, lineage: Lineage): Markup => (lineage.imported ? NOTHING : markup`<h2>Slots over time</h2><p class="lead">${summary.busyShare === null ? '' : `${plural(summary.slots, 'slot')}, ${percent(summary.busyShare)} busy between the first measurement and the last.`}</p>
<ul class="legend">${SLOT_KINDS.map(([kind, name]) => markup`<li class="${kind}"><i class="square"></i>${name}</li>`)}</ul><div class="scroll">${slotsFigure(lineage)}</div>`);

function method(summary: Summary, lineage: Lineage): Markup {
  const started = lineage.started;
  if (!started) return NOTHING;
  if (lineage.imported) return importedSection(lineage.imported);
  const nodes = [...lineage.nodes].map(([node, n]) => `${node}: ${plural(n.slots.length, 'slot')}, ${n.device}, sandbox ${n.sandbox}`).join('; ');
  const canaries = [...lineage.nodes.values()].at(0)?.canaries.map((c) => `${c.name} ended ${c.ended}${c.score === null ? '' : ` at ${decimal(c.score)}`}`).join(', ') ?? '';
  const rows: readonly (readonly [string, string])[] = [
    ['objective', `${started.objective.metric}, ${started.objective.direction}, unit ${started.objective.unit}`],
    ['keep rule', started.keep.kind === 'confirmed' ? `confirmed: ${started.keep.replicates} fresh seeds on each side, one-sided Welch test at ${started.keep.alpha}` : 'strict: any better score'],
    ['calibration', lineage.calibration ? `${plural(lineage.calibration.measurements.length, 'replicate')} of the baseline${lineage.calibration.reusedFrom ? `, taken over from ${lineage.calibration.reusedFrom}` : ''}` : 'not made'],
    ['arm', `${started.arm.kind}, ${plural(started.arm.agents, 'agent')}, ownership ${started.arm.ownership}, lineage ${started.arm.lineage ? 'on' : 'off'}`],
    ['roster', `${started.rosterName ?? 'the one the surface has without a name'}: ${started.roster.join(', ')}`],
    ...(started.compose === undefined ? [] : [['compose', `${started.compose}: one more author puts together what was kept apart`] as const]),
    ['nodes', nodes || 'none'], ['canaries', canaries || 'none'],
    ['evaluator', `${started.evaluator} ${started.evaluatorHash}`], ['surface', `${started.surface} ${started.surfaceHash}`],
    ['set aside', `${plural(lineage.superseded, 'measurement')} superseded, ${plural(lineage.odd, 'fact')} that made no sense`],
    ['ended', summary.reason ?? 'still running'], ['brigade', started.brigade],
  ];
  return markup`<dl class="method">${rows.map(([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}
