import { bylineOf } from './authors.ts';
import { describeEnding } from './evidence.ts';
import { counted, decimal, duration, exact, oneLine, probability } from './figures.ts';
import { best, chain, statusOf, type Lineage, type TrialRow } from './lineage.ts';
import type { Failure } from './measurement.ts';
import { baselineBeside, scoredFor } from './purpose.ts';
import { isOpen } from './sessions.ts';
import { ageOf } from './spending.ts';
import { amount } from './thought.ts';
import { isShownToSpecialists } from './status.ts';
import type { Brief, Claim } from './surface.ts';
import { survey, type Survey } from './survey.ts';

// The lineage as one specialist reads it before it proposes.
//
//   R1. The text is a function of the lineage and the reader: no clock, no order of maps that facts did not give.
//   R2. Every section is capped in bytes and keeps what comes first in it; no section can push out another.
//   R3. What was not measured is `unknown`, never 0; a near miss has the digits to see how near.
//   R4. Without lineage only the best's id and score are told, and what is no outcome: limits and the workdir.
//   R5. Scores on different data are told apart, and the leaderboard does not mix them: what was kept leads, in the order it was kept, then the others as
//       they would read on search data.

export interface Reader {
  readonly specialist: string;
  readonly brief: Brief | null;
  readonly claims: readonly Claim[];
}

/** Lines of patches that one reading of drafts may take. */
const DRAFT_LINES = 32;

interface Section { readonly title: string; readonly cap: number; readonly lines: readonly string[]; readonly none: string }

/** Renders what one specialist should know, newest facts included. */
export function renderFeedback(lineage: Lineage, reader: Reader): string {
  const told = lineage.started?.arm.lineage === false ? bareSections(lineage, reader) : sections(lineage, reader); // R4
  return `${told.map(render).join('\n\n')}\n`;
}

function bareSections(lineage: Lineage, reader: Reader): Section[] {
  const head = best(lineage);
  return [
    { title: 'current best', cap: 400, lines: head ? [`${head.trial}  ${scoreText(head.score)}`] : [], none: 'nothing has been measured yet' },
    budgets(lineage, reader.specialist),
    workdir(reader),
  ];
}

function sections(lineage: Lineage, reader: Reader): Section[] {
  const seen = survey(lineage, reader.specialist);
  const head = best(lineage);
  const row = head ? lineage.trials.get(head.trial) : undefined;
  const children = (head ? lineage.children.get(head.trial) ?? [] : []).slice(-12).reverse();
  return [
    { title: 'current best', cap: 1_500, lines: head ? [row ? outcome(lineage, row) : `${head.trial}  ${scoreText(head.score)}`, ...frame(lineage)] : [], none: 'nothing has been measured yet' },
    { title: 'leaderboard', cap: 6_000, lines: seen.top.map((each, i) => `${i + 1}. ${outcome(lineage, each)}`), none: 'no scored trial yet' },
    { title: `your recent trials (${reader.specialist})`, cap: 8_000, lines: seen.mine.flatMap((each) => withEvidence(lineage, each)), none: 'you have tried nothing yet' },
    { title: 'recent trials of everyone', cap: 6_000, lines: seen.recent.flatMap((each) => [outcome(lineage, each), ...note(each)]), none: 'none yet' },
    { title: 'from the baseline to the best', cap: 4_000, lines: lineageOf(lineage, head?.trial ?? null), none: 'the baseline is not measured yet' },
    { title: 'children of the best', cap: 2_500, lines: children.flatMap((id) => { const child = lineage.trials.get(id); return child ? [outcome(lineage, child)] : []; }), none: 'none yet' },
    { title: 'do not repeat: yours that failed or stayed in the noise', cap: 3_000, lines: banned(seen), none: 'nothing yet' },
    { title: 'handed to you', cap: 3_000, lines: handoffs(lineage, reader.specialist), none: 'nothing' },
    { title: 'drafts that need you, and yours', cap: 6_000, lines: drafts(lineage, reader.specialist), none: 'none' },
    { title: 'your calibration: predicted against measured', cap: 1_500, lines: calibration(seen), none: 'no prediction of yours has been scored yet' },
    { title: 'saturation', cap: 500, lines: saturation(seen), none: 'not yet: keep going' },
    budgets(lineage, reader.specialist),
    workdir(reader),
  ];
}

/** Cuts at whole lines, and says that it did. */
function render({ title, cap, lines, none }: Section): string { // R2
  if (lines.length === 0) return `## ${title}\n${none}`;
  const kept: string[] = [];
  let bytes = 0;
  for (const raw of lines) {
    const line = cutTo(oneLine(raw), 600);
    bytes += byteLength(line) + 1;
    if (bytes > cap) { kept.push(`… ${lines.length - kept.length} more lines left out`); break; }
    kept.push(line);
  }
  return `## ${title}\n${kept.join('\n')}`;
}

function outcome(lineage: Lineage, row: TrialRow): string {
  const status = statusOf(row);
  const result = row.result;
  const told = status === null || !isShownToSpecialists(status) ? 'waiting or running' : status;
  if (told === 'waiting or running' || !result) return cells(row.trial, bylineOf(row.proposal), told, row.rejection ? `refused: ${row.rejection.message}` : '', row.proposal.hypothesis);
  return cells(row.trial, bylineOf(row.proposal), told, `${scoreText(result.score)}${kindOf(lineage, row)}`, deltaText(result.deltaVsBest), evidence(row), result.hypothesis);
}

/** On which data a score was measured, once there are scores of two kinds (R5). */
const kindOf = (lineage: Lineage, row: TrialRow): string => (row.result?.score == null || lineage.confirmed.length === 0 ? '' : ` [${scoredFor(row)}]`);

function withEvidence(lineage: Lineage, row: TrialRow): string[] {
  const { proposal, result } = row;
  const moves = proposal.proposer.moves.length === 0 ? [] : [`   moves ${proposal.proposer.moves.join(' ')}`];
  const predicted = `   parent ${proposal.parent}, predicted ${deltaText(proposal.expectedDelta)}, measured ${deltaText(result?.deltaVsBest ?? null)}`;
  return [outcome(lineage, row), predicted, ...moves, ...details(row)];
}

function details(row: TrialRow): string[] {
  const failure = row.result?.failure ?? null;
  const measured = row.result ? [`   artifact ${row.result.artifactBytes === null ? 'unknown' : `${counted(row.result.artifactBytes)} bytes`}`, ...row.result.phases.map((phase) => `${phase.name} ${phase.censored ? 'more than ' : ''}${duration(phase.seconds)}`)].join(', ') : null;
  const why = failure?.kind === 'crash' || failure?.kind === 'preflight_crash' ? failure.exception.trim().split('\n').slice(-4).map((each) => `   | ${each}`) : [];
  return [...(measured === null ? [] : [measured]), ...why];
}

const note = (row: TrialRow): string[] => [`   ${row.proposal.proposer.kind}:${row.proposal.proposer.strategy}, predicted ${deltaText(row.proposal.expectedDelta)}`];

/** Why a trial ended so, with every digit of a near miss. */
function evidence(row: TrialRow): string {
  const { result } = row;
  if (result?.failure) return nearMiss(result.failure) ?? describeEnding(row);
  if (result && result.p !== null) return `p ${probability(result.p)} over ${result.n} seeds, ${result.why}`;
  return describeEnding(row);
}

function nearMiss(failure: Failure): string | null { // R3
  switch (failure.kind) {
    case 'size_blocked': return `${counted(failure.bytes - failure.cap)} bytes over: ${counted(failure.bytes)} of ${counted(failure.cap)}${failure.projected ? ', projected' : ''}`;
    case 'disqualified': return `${failure.gate} ${digits(failure.value)} against ${digits(failure.limit)}: ${digits(failure.deficit)} short${failure.standardErrors === undefined ? '' : ` (${decimal(failure.standardErrors, 1)} standard errors)`}`;
    case 'train_budget_overrun':
    case 'eval_budget_overrun': return failure.censored
      ? `${failure.phase} was killed at ${digits(failure.seconds)} s of ${digits(failure.budget)} s: how long it takes is unknown`
      : `${failure.phase} took ${digits(failure.seconds)} s of ${digits(failure.budget)} s: ${digits(failure.seconds - failure.budget)} s over`;
    default: return null;
  }
}

function frame(lineage: Lineage): string[] {
  const { started, calibration } = lineage;
  const beside = baselineBeside(lineage);
  if (!started) return [];
  return [
    `${started.objective.metric} (${started.objective.unit}), ${started.objective.direction}; baseline ${scoreText(calibration?.mean ?? null)} ± ${scoreText(calibration?.sd ?? null)} a run`,
    ...(lineage.confirmed.length === 0 ? [] : [`scores marked [search] and [confirm] are on different held-out data, where the baseline has ${scoreText(calibration?.mean ?? null)} and ${scoreText(beside?.mean ?? null)}: set alike beside alike, or read the change against the best, which always is`]),
  ];
}

function lineageOf(lineage: Lineage, head: string | null): string[] {
  if (head === null) return [];
  const rows = chain(lineage, head);
  const told = (some: readonly TrialRow[]): string[] => some.map((row) => outcome(lineage, row));
  return rows.length <= 40 ? told(rows) : [...told(rows.slice(0, 10)), `… ${rows.length - 40} between`, ...told(rows.slice(-30))];
}

const banned = ({ fruitless }: Survey): string[] => fruitless.map(({ pattern, failed, noise, worse, last }) =>
  `${pattern}: ${[failed > 0 ? `failed ${failed}×` : '', noise > 0 ? `inside the noise ${noise}×` : '', worse > 0 ? `worse ${worse}×` : ''].filter(Boolean).join(', ')}, last ${last}`);

const handoffs = (lineage: Lineage, specialist: string): string[] =>
  lineage.handoffs.filter(({ to }) => to === specialist).slice(-12).reverse().map(({ from, file, symbol, hint, trial }) => `from ${from}${trial === null ? '' : ` (${trial})`}: ${symbol === null ? file : `${file}#${symbol}`}: ${hint}`);

/** Drafts that wait for this specialist, newest first, with as much of each patch as there is room for; then what became of its own. */
function drafts({ sessions }: Lineage, specialist: string): string[] {
  const all = [...sessions.joints.values()].reverse();
  const waiting = all.filter((row) => row.offered.to === specialist && isOpen(row)).slice(0, 4);
  const mine = all.filter(({ offered }) => offered.from === specialist).slice(0, 6);
  const room = Math.floor(DRAFT_LINES / Math.max(1, waiting.length));
  return [
    ...waiting.flatMap(({ joint, offered: { from, parent, hypothesis, expectedDelta, patch } }) => [
      `${joint}  ${from} drafted this with your part in it, on ${parent}, predicted ${deltaText(expectedDelta)}: ${hypothesis}`, ...excerpt(patch, room),
    ]),
    ...mine.map(({ joint, offered: { to, hypothesis }, answered, trial }) =>
      `${joint}  yours, for ${to}: ${trial !== null ? `accepted as ${trial}` : answered !== null ? `declined: ${answered.reason}` : 'not answered yet'}: ${hypothesis}`),
  ];
}

/** The first lines of a patch, each cut; all of it can be read by whoever it concerns. */
function excerpt(patch: string, most: number): string[] {
  const lines = patch.split('\n').filter((each) => each.trim() !== '' && !each.startsWith('diff --git '));
  return [...lines.slice(0, most).map((each) => `   | ${cutTo(each, 120)}`), ...(lines.length > most ? [`   … ${lines.length - most} more lines of the patch`] : [])];
}

function calibration({ predicted }: Survey): string[] {
  if (predicted.n === 0) return [];
  return [
    `${predicted.n} scored: predicted ${deltaText(predicted.expected / predicted.n)} on average, measured ${deltaText(predicted.measured / predicted.n)}`,
    `the sign was right in ${predicted.rightSign} of ${predicted.n}; mean absolute error ${digits(predicted.error / predicted.n)}`,
  ];
}

const saturation = ({ lastFive }: Survey): string[] => (lastFive.length === 5 && lastFive.every((each) => each !== 'moved')
  ? [`your last 5 trials were all inside the noise or invalid (${lastFive.filter((each) => each === 'invalid').length} invalid): change the kind of idea, not its size`] : []);

function budgets(lineage: Lineage, specialist: string): Section {
  const { limits } = lineage;
  const wall = ageOf(lineage, lineage.newestAt);
  const spent = lineage.thinkingBySpecialist.get(specialist);
  const mine = spent && spent.tokens + spent.money > 0 ? spent : null;
  const left = (limit: number | null, used: number, say: (value: number) => string): string => (limit === null ? `${say(used)} used, no limit` : `${say(Math.max(0, limit - used))} left of ${say(limit)}`);
  return {
    title: 'budgets left', cap: 1_000, none: 'unknown: the run has not started',
    lines: limits === null ? [] : [
      `trials ${left(limits.trials, lineage.admittedCount, String)}`,
      `slot time ${left(limits.slotSeconds, lineage.slotSeconds, duration)}`,
      `wall time ${left(limits.wallSeconds, wall, duration)}`,
      `tokens ${left(limits.tokens, lineage.tokens.tokens, counted)}`,
      `money ${left(limits.money, lineage.tokens.money, amount)}`,
      ...(mine ? [`of these you used ${counted(mine.tokens)} tokens, money ${amount(mine.money)}`] : []),
    ],
  };
}

function workdir({ specialist, brief, claims }: Reader): Section {
  const named = (claim: Claim): string => (claim.symbol === null ? claim.file : `${claim.file}#${claim.symbol}`);
  const mine = claims.filter(({ owner }) => owner === specialist).map(named);
  const others = claims.filter(({ owner }) => owner !== specialist).map((claim) => `${named(claim)} (${claim.owner})`);
  return {
    title: 'workdir', cap: 4_000, none: 'unknown',
    lines: [
      ...(mine.length === 0 ? [] : [`yours: ${mine.join(', ')}`]),
      ...(others.length === 0 ? [] : [`not yours: ${others.join(', ')}`]),
      ...(brief === null ? [] : [...paragraph('scope', brief.scope), ...paragraph('non-scope', brief.nonScope), ...paragraph('edit radius', brief.editRadius)]),
    ],
  };
}

const paragraph = (name: string, text: string): string[] => text.trim().split('\n').filter((each) => each.trim() !== '').map((each, i) => `${i === 0 ? `${name}: ` : '   '}${each.trim()}`);

const cells = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join('  ');
const scoreText = (score: number | null): string => (score === null ? 'unknown' : decimal(score, 5));
const deltaText = (delta: number | null): string => (delta === null ? 'unknown' : `${delta > 0 ? '+' : ''}${digits(delta)}`);

/** A number with at least two digits that are not a leading zero, and at least four decimals' worth where there is a fraction. */
export function digits(value: number): string {
  if (Math.abs(value) >= 1e9) return exact(value);
  if (Number.isInteger(value)) return counted(Math.abs(value)).replace(/^/, value < 0 ? '−' : '');
  const size = Math.abs(value);
  const decimals = size >= 1 ? 4 : Math.min(12, Math.max(5, 2 - Math.floor(Math.log10(size))));
  return decimal(value, decimals).replace(/(\.\d*?[1-9])0+$/, '$1');
}

const byteLength = (text: string): number => {
  let bytes = 0;
  for (const character of text) { const code = character.codePointAt(0) ?? 0; bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4; }
  return bytes;
};
const cutTo = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most - 1)}…`);
