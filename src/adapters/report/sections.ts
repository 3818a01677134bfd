import { describeEnding } from '../../domain/evidence.ts';
import { counted, decimal, duration, percent, plural, probability, signed } from '../../domain/figures.ts';
import { BASELINE } from '../../domain/ids.ts';
import { deltaInterval } from '../../domain/interval.ts';
import { shortfall } from '../../domain/knowledge.ts';
import { range } from '../../domain/leaderboard.ts';
import { statusOf, type Lineage, type TrialRow } from '../../domain/lineage.ts';
import { isValid, STATUSES, type Status } from '../../domain/status.ts';
import { outcomeMix, slotSecondsOf, type Summary } from '../../domain/summary.ts';
import { byline, endedRows, owner } from '../../domain/tables.ts';
import { amount } from '../../domain/thought.ts';
import { diffMarkup, diffStat } from './diff-markup.ts';
import { markup, NOTHING, type Markup } from './markup.ts';
import { hueOf, toneOf } from './palette.ts';
import { predicted } from './prediction-figure.ts';

/** Diffs beyond this many characters stay in their files, so that the page can still be mailed. */
const DIFF_BUDGET = 3_000_000;

/** What made the difference: every best in order, with its share of the way. */
export function keptCards(lineage: Lineage, summary: Summary): Markup {
  const from = summary.best.from;
  const to = summary.best.score;
  const cards = lineage.bests.slice(1).flatMap(({ trial }, i) => {
    const row = lineage.trials.get(trial);
    const before = i === 0 ? from : lineage.bests[i]?.score ?? from;
    return row ? [card(lineage, row, i + 1, from === null || to === null || before === null ? null : [(before - from) / (to - from), ((row.result?.score ?? before) - from) / (to - from)])] : [];
  });
  return cards.length === 0 ? markup`<p class="lead">Nothing was kept: the baseline stands.</p>` : markup`<ol class="cards">${cards}</ol>`;
}

function card(lineage: Lineage, row: TrialRow, n: number, stretch: readonly [number, number] | null): Markup {
  const { proposal, result } = row;
  const interval = deltaInterval(lineage, row);
  const sure = [interval ? `95% interval ${range(interval)}` : null, result?.p == null ? result?.why ?? null : `p ${probability(result.p)}`, result ? plural(result.n, 'seed') : null, `predicted ${signed(proposal.expectedDelta)}`].filter(Boolean).join(' · ');
  const clamp = (share: number): number => Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10;
  const left = stretch ? clamp(Math.min(...stretch)) : 0;
  const width = stretch ? Math.max(0, clamp(Math.max(...stretch)) - left) : 0;
  return markup`<li class="${hueOf(lineage.started?.roster ?? [], proposal.specialist)}"><div class="who">${n} · ${row.trial} · ${byline(row)} · on ${proposal.parent} · ${proposal.proposer.kind}:${proposal.proposer.strategy}</div>
<div class="title">${proposal.hypothesis}</div><div><span class="delta">${result?.deltaVsBest == null ? 'first to pass' : signed(result.deltaVsBest)}</span><span class="sure">${sure}</span></div>
${stretch ? markup`<div class="fall" title="its part of the way from the baseline to the best"><b style="left:${left}%;width:${width}%"></b></div>` : NOTHING}
${lineage.imported ? NOTHING : markup`<details><summary>diff: ${diffStat(proposal.patch) || 'no change of code'}</summary>${diffMarkup(proposal.patch)}</details>`}</li>`; // a table holds no diffs
}

/** How each specialist's trials ended, as one bar each. */
export function mixBars(lineage: Lineage): Markup {
  const mix = outcomeMix(lineage);
  const longest = Math.max(1, ...mix.map(({ total }) => total));
  const order: readonly Status[] = ['keep', 'discard', ...STATUSES.filter((status) => status !== 'keep' && status !== 'discard' && status !== 'baseline' && status !== 'rejected'), 'rejected'];
  const present = order.filter((status) => mix.some(({ counts }) => counts.has(status)));
  return markup`<ul class="legend">${present.map((status) => markup`<li class="${toneOf(status)}"><i class="square"></i>${status}</li>`)}</ul><div class="mix">${mix.map(({ specialist, total, counts, slotSeconds }) => markup`<div>${specialist}</div>
<div class="bar" style="width:${Math.round((total / longest) * 1000) / 10}%">${present.filter((status) => counts.has(status)).map((status) => markup`<span class="${toneOf(status)}" style="flex:${counts.get(status) ?? 0}" title="${`${specialist}: ${counts.get(status) ?? 0} ${status}`}">${counts.get(status) ?? 0}</span>`)}</div>
<div class="total">${plural(total, 'trial')}, ${duration(slotSeconds)} of slots</div>`)}</div>`;
}

/** Failures by label: how many, what they cost, and the one that came nearest to passing. */
export function failureTable(lineage: Lineage): Markup {
  const failed = endedRows(lineage).filter((row) => { const status = statusOf(row); return status !== null && !isValid(status); });
  if (failed.length === 0) return markup`<p class="lead">Nothing failed.</p>`;
  const total = Math.max(1e-9, lineage.slotSeconds);
  const labels = STATUSES.map((status) => ({ status, rows: failed.filter((row) => statusOf(row) === status) })).filter(({ rows }) => rows.length > 0)
    .map((label) => ({ ...label, seconds: label.rows.reduce((sum, row) => sum + slotSecondsOf(row), 0) })).sort((a, b) => b.seconds - a.seconds || b.rows.length - a.rows.length);
  const told = labels.map((label) => ({ ...label, near: nearest(label.rows) }));
  const isTold = told.some(({ near }) => near !== undefined);
  return markup`<div class="scroll"><table><thead><tr><th>label</th><th class="n">trials</th><th class="n">slot-seconds</th><th class="n">of all</th>${isTold ? markup`<th>nearest to passing</th>` : NOTHING}</tr></thead><tbody>${told.map(({ status, rows, seconds, near }) =>
    markup`<tr><td class="${toneOf(status)}"><span class="dot"></span>${status}</td><td class="n">${rows.length}</td><td class="n">${counted(seconds)}</td><td class="n">${percent(seconds / total, 1)}</td>${isTold ? markup`<td>${near ? `${near.trial} ${near.proposal.hypothesis}: ${describeEnding(near)}` : ''}</td>` : NOTHING}</tr>`)}</tbody></table></div>`;
}

/** The one of some failures that missed by least; none where nobody recorded how they failed, as in a table of others. */
const nearest = (rows: readonly TrialRow[]): TrialRow | undefined =>
  rows.filter((row) => row.rejection !== null || row.result?.failure != null || row.result?.status === 'lost').sort((a, b) => shortfall(a.result?.failure ?? null) - shortfall(b.result?.failure ?? null))[0];

/** How well each specialist foresaw what its trials would do. */
export function predictionTable(lineage: Lineage): Markup {
  const rows = predicted(lineage);
  const roster = [...new Set([...(lineage.started?.roster ?? []), ...rows.map(owner)])].filter((name) => rows.some((row) => owner(row) === name));
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  return markup`<table><thead><tr><th>specialist</th><th class="n">scored</th><th class="n">predicted</th><th class="n">measured</th><th class="n">right direction</th></tr></thead><tbody>${roster.map((name) => {
    const own = rows.filter((row) => owner(row) === name);
    const right = own.filter((row) => Math.sign(row.proposal.expectedDelta) === Math.sign(row.result?.deltaVsBest ?? 0)).length;
    return markup`<tr><td class="${hueOf(lineage.started?.roster ?? [], name)}"><span class="dot"></span>${name}</td><td class="n">${own.length}</td><td class="n">${signed(mean(own.map((row) => row.proposal.expectedDelta)))}</td><td class="n">${signed(mean(own.map((row) => row.result?.deltaVsBest ?? 0)))}</td><td class="n">${right} of ${own.length}</td></tr>`;
  })}</tbody></table>`;
}

/** Every trial on a line that opens to its evidence and its diff. */
export function trialList(lineage: Lineage): Markup {
  let left = DIFF_BUDGET;
  return markup`<div class="trials">${endedRows(lineage).filter((row) => row.trial !== BASELINE).map((row) => {
    const { proposal, result } = row;
    const status = statusOf(row);
    const fits = proposal.patch.length <= left;
    if (fits) left -= proposal.patch.length;
    const scores = [...row.replicates.values()].flatMap(({ replicate, measured }) => (measured ? [`${replicate} ${measured.measurement.score === null ? measured.measurement.failure?.kind ?? 'unknown' : decimal(measured.measurement.score)}`] : [])).join(', ');
    return markup`<details class="trial ${hueOf(lineage.started?.roster ?? [], proposal.specialist)}" id="${row.trial}"><summary><span>${row.trial}</span><span class="who">${byline(row)}</span><span class="status ${toneOf(status)}">${status}</span><span class="n">${result?.score == null ? '' : decimal(result.score)}</span><span class="n">${result?.deltaVsBest == null ? '' : signed(result.deltaVsBest)}</span><span class="says">${proposal.hypothesis}</span></summary>
<div class="inside"><p>${describeEnding(row)}</p><p class="who">parent ${proposal.parent} · predicted ${signed(proposal.expectedDelta)} · ${proposal.proposer.kind}:${proposal.proposer.strategy}${result?.artifactBytes == null ? '' : ` · ${counted(result.artifactBytes)} bytes`}${result?.node ? ` · on ${result.node}/${result.slots.join('+')}` : ''}${proposal.session === undefined ? '' : ` · ${proposal.session}, ${counted(proposal.tokens)} tokens, money ${amount(proposal.money)}`}${scores ? ` · ${scores}` : ''}</p>
${result?.failure && 'exception' in result.failure ? markup`<pre class="diff">${result.failure.exception}</pre>` : NOTHING}${fits ? diffMarkup(proposal.patch) : markup`<p class="note">Its diff is in trials/${row.trial}/patch.diff.</p>`}</div></details>`;
  })}</div>`;
}
