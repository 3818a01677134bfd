import { describeEnding, describeFailure } from '../../domain/evidence.ts';
import { change, counted, decimal, duration, oneLine, percent, plural, probability, signed } from '../../domain/figures.ts';
import { BASELINE } from '../../domain/ids.ts';
import { measuredOn, range, relative } from '../../domain/leaderboard.ts';
import { statusOf, type Lineage, type TrialRow } from '../../domain/lineage.ts';
import { settingsOf } from '../../domain/settings.ts';
import type { Summary } from '../../domain/summary.ts';
import { byline } from '../../domain/tables.ts';
import { amount } from '../../domain/thought.ts';
import { columnsOf, fit, pad, toneOfStatus, type Paint } from './terminal.ts';

// The lines of a run as it is seen. Pure: a lineage and a width in, text out. A width of null is a pipe: nothing is cut.

interface Look { readonly width: number | null; readonly paint: Paint }

/** Columns that a width has room for, and how wide each is. */
function layout(lineage: Lineage, width: number | null) {
  const roster = lineage.started?.roster ?? [];
  const wide = width ?? 200;
  return {
    specialist: wide >= 80 ? Math.min(16, Math.max(10, ...roster.map((name) => name.length))) : 0,
    status: wide >= 120 ? 20 : 15,
    evidence: wide >= 120,
  };
}

/** The names of the columns of `trialLine`. */
export function trialHead(lineage: Lineage, { width, paint }: Look): string {
  const columns = layout(lineage, width);
  const metric = lineage.started?.objective.metric ?? 'score';
  const cells = ['trial', ...(columns.specialist > 0 ? [pad('specialist', columns.specialist)] : []), pad('status', columns.status), pad(fit(metric, 9), 9, 'left'), pad('Δ best', 7, 'left'), 'why'];
  return paint('quiet', `  ${cells.join('  ')}`);
}

/** One trial that has ended, on one line. */
export function trialLine(row: TrialRow, lineage: Lineage, { width, paint }: Look): string {
  const columns = layout(lineage, width);
  const status = statusOf(row);
  const result = row.result;
  const delta = status === 'keep' || status === 'discard' ? result?.deltaVsBest ?? null : null;
  const cells = [
    pad(row.trial, 5), ...(columns.specialist > 0 ? [pad(fit(byline(row), columns.specialist), columns.specialist)] : []), paint(toneOfStatus(status), pad(status ?? 'waiting', columns.status)),
    pad(result?.score == null ? '' : decimal(result.score), 9, 'left'), paint(status === 'keep' ? 'good' : 'plain', pad(delta === null ? '' : signed(delta), 7, 'left')),
  ];
  const start = `  ${cells.join('  ')}  `;
  const hypothesis = oneLine(row.proposal.hypothesis);
  const evidence = oneLine(describeEnding(row));
  if (width === null) return `${start}${hypothesis}${evidence ? `   ${evidence}` : ''}`.trimEnd();
  const room = Math.max(0, width - columnsOf(start) - 1);
  if (!columns.evidence) return `${start}${fit(hypothesis, room)}`.trimEnd();
  const forHypothesis = Math.max(30, Math.min(56, Math.floor(room * 0.55)));
  return `${start}${pad(fit(hypothesis, forHypothesis), forHypothesis)}  ${paint('quiet', fit(evidence, room - forHypothesis - 2))}`.trimEnd();
}

/** Facts side by side, three spaces apart, on as many lines as the width asks for. */
function flow(facts: readonly string[], width: number | null): string {
  const lines: string[] = [];
  for (const fact of facts) {
    const last = lines.at(-1);
    if (last !== undefined && (width === null || columnsOf(last) + 3 + columnsOf(fact) < width)) lines[lines.length - 1] = `${last}   ${fact}`;
    else lines.push(fact);
  }
  return lines.join('\n');
}

/** What the run was started with. */
export function startLine(run: string, lineage: Lineage, context: string | null, { width, paint }: Look): string {
  const started = lineage.started;
  if (!started) return `${paint('strong', `run ${run}`)}   starting`;
  return flow([paint('strong', `run ${run}`), ...settingsOf(started), ...(context ? [`nats --context ${context}`] : [])], width);
}

/** A slot as it is called in this run: by itself on one node, with its node on several. */
export const slotName = (lineage: Lineage, node: string, slot: string): string => (lineage.nodes.size > 1 ? `${node}/${slot}` : slot);

/** What the baseline measured. */
export function baselineLine(lineage: Lineage, summary: Summary, width: number | null): string {
  const root = lineage.trials.get(BASELINE);
  const { baseline, unit } = summary;
  const slots = [...lineage.nodes].flatMap(([node, offered]) => offered.slots.map(({ slot }) => slotName(lineage, node, slot)));
  const replicates = [...(root?.replicates.values() ?? [])].flatMap(({ measured }) => (measured ? [measured.heldMs / 1000] : []));
  const failure = root?.result?.failure ?? null;
  const score = baseline.score === null ? `baseline has no score: ${failure && failure.kind !== 'disqualified' ? describeFailure(failure) : 'the first trial to pass is the first keep'}` : `baseline ${decimal(baseline.score)}${baseline.sd === null ? '' : ` ± ${decimal(baseline.sd)}`} ${unit} (n = ${baseline.n})`;
  const bytes = root?.result?.artifactBytes;
  const reused = lineage.calibration?.reusedFrom ? [`calibration of ${lineage.calibration.reusedFrom}`] : [];
  const limits = lineage.limits;
  const limited = [...(limits?.trials == null ? [] : [plural(limits.trials, 'trial')]), ...(limits?.wallSeconds == null ? [] : [duration(limits.wallSeconds)]), ...(limits?.tokens == null ? [] : [`${counted(limits.tokens)} tokens`]), ...(limits?.money == null ? [] : [`money ${amount(limits.money)}`])];
  return flow([
    score, ...reused, ...(bytes == null ? [] : [`${counted(bytes)} bytes`]),
    ...(replicates.length === 0 ? [] : [`${duration(replicates.reduce((sum, s) => sum + s, 0) / replicates.length)} a replicate`]),
    ...(slots.length === 0 ? [] : [`${plural(slots.length, 'slot')}: ${slots.slice(0, 8).join(' ')}${slots.length > 8 ? ' …' : ''}`]), ...(limited.length === 0 ? [] : [`limits ${limited.join(', ')}`]),
  ], width);
}

/** Where the run stands, on one line that is drawn again and again. */
export function standingLine(summary: Summary): string {
  const { best } = summary;
  const score = best.score === null ? `calibrating: ${summary.calibration.done} of ${plural(summary.calibration.of, 'seed')}` : `best ${decimal(best.score)} (${best.trial})${best.delta === null || best.from === null ? '' : `  ${change(best.score, best.from)}`}`;
  const state = summary.state === 'running' || summary.state === 'calibrating' ? [] : [summary.state];
  return [score, `${summary.trials}${summary.trialLimit === null ? '' : ` of ${summary.trialLimit}`} trials`, duration(summary.wallSeconds), ...(summary.busyShare === null ? [] : [`slots ${percent(summary.busyShare)} busy`]), ...state].join('   ');
}

/** What a run ends with: the best, where it lies, and what to do next. `further` are the flags without which it would stop again at once, null where it has done all it was to do. */
export function endingLines({ run, summary, folder, runsAlone, further }: { readonly run: string; readonly summary: Summary; readonly folder: string; readonly runsAlone: boolean; readonly further: readonly string[] | null }, { width, paint }: Look): string[] {
  const { best, baseline, claim } = summary;
  const tally = `${plural(summary.keeps, 'keep')}, ${plural(summary.discards, 'discard')}, ${plural(summary.failures, 'failure')} of ${summary.trials}${summary.rejected > 0 ? `, ${summary.rejected} refused` : ''}`;
  const head = best.delta === null || best.score === null || best.from === null
    ? ['best', 'the baseline stands', ...(baseline.score === null ? [] : [`${decimal(baseline.score)} ${summary.unit}`]), tally]
    : claim
      ? ['best', best.trial, `${decimal(claim.bestMean)} ${summary.unit}`, `${signed(claim.delta)} (${relative(claim.delta, claim.baselineMean)})`, `95% interval ${range(claim.interval)}, p ${probability(claim.p)}, final claim: ${claim.n} fresh seeds each, ${measuredOn(claim)}`, tally]
      : ['best', best.trial, `${decimal(best.score)} ${summary.unit}`, `${signed(best.delta)} (${relative(best.delta, best.from)})`, 'the final claim was not made', tally];
  const resume: readonly (readonly [string, string])[] = further === null ? [] : [[[`brigade run --resume ${run}`, ...further].join(' '), 'goes on from here']];
  const next: readonly (readonly [string, string])[] = best.delta !== null
    ? [[`brigade show ${best.trial}`, 'the diff, and what its author knew'], ...resume]
    : summary.trialLimit === 0
      ? [[`brigade run ${summary.surface}`, 'searches it, and takes this calibration over']]
      : [...(summary.trials + summary.rejected === 0 ? [] : [[`brigade results ${run} --all`, 'what was tried, and what came of it'] as const]), ...resume];
  const wide = Math.max(`${folder}/report.html`.length, ...next.map(([what]) => what.length)) + 2;
  const line = (name: string, what: string, says: string): string => `${pad(name, 9)}${pad(what, wide)}${paint('quiet', says)}`.trimEnd();
  return [
    ...flow([`${pad(head[0] ?? '', 9)}${paint('strong', head[1] ?? '')}`, ...head.slice(2)], width).split('\n').map((text, i) => (i === 0 ? text : `${' '.repeat(9)}${text}`)),
    line('recipe', `${folder}/best/`, runsAlone ? 'python run.py trains it again' : 'the best recipe, file by file'), line('report', `${folder}/report.html`, 'plots, lineage, every diff'),
    ...next.map(([what, says], i) => line(i === 0 ? 'next' : '', what, says)),
  ];
}
