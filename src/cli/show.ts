import type { Command } from 'commander';
import { readLogs } from '../adapters/report/index.ts';
import { describeEnding } from '../domain/evidence.ts';
import { counted, duration, oneLine, plural, probability, signed } from '../domain/figures.ts';
import { BASELINE } from '../domain/ids.ts';
import { deltaInterval } from '../domain/interval.ts';
import { statusOf, statusWord, type Lineage, type TrialRow } from '../domain/lineage.ts';
import { worthOf } from '../domain/worth.ts';
import { byline, trialObject } from '../domain/tables.ts';
import { sessionObject } from '../domain/session.ts';
import { amount } from '../domain/thought.ts';
import { Mistake } from './mistake.ts';
import type { OpenRun } from './opening.ts';
import { findTrial, jsonLine, reading, trialCommand } from './reading.ts';
import { promptOf, sessionOf, transcriptOf } from './session.ts';
import type { Surroundings } from './surroundings.ts';
import { conversation, sessionLines } from './view/session.ts';
import { sayGain, sayHow } from './view/worth.ts';
import { paintDiff } from './view/diff.ts';
import { painter, toneOfStatus, type Paint } from './view/terminal.ts';

interface Flags { readonly run?: string; readonly json?: boolean; readonly feedback?: boolean; readonly log?: boolean; readonly diff?: boolean; readonly prompt?: boolean; readonly session?: boolean }

/** `brigade show`: one trial, what it did, what came of it and what its author knew. */
export function showCommand(program: Command, here: Surroundings): void {
  trialCommand(program, 'show <trial>', 'one trial: what was tried, what came of it, and its diff; or one session, by its id', 'show t0005 --feedback')
    .option('--feedback', 'only what its author had read').option('--log', 'only what its replicates printed').option('--diff', 'only its diff')
    .option('--prompt', 'only what the model was told from which it came').option('--session', 'only what was said in the session from which it came')
    .action(async (trial: string, flags: Flags) => reading(here, flags.run, async (opened) => {
      const paint = painter(here.color);
      const asked = sessionOf(opened, trial, flags.prompt === true || flags.session === true);
      const only = (name: 'feedback' | 'log' | 'diff' | 'prompt' | 'transcript', text: string, shown = text): unknown => here.out.write(flags.json ? jsonLine({ run: opened.run, ...(asked === null ? { trial: findTrial(opened, trial).trial } : { session: asked.session }), [name]: text }) : withEnd(shown));
      if (asked !== null) {
        if (flags.prompt) only('prompt', harmless(await promptOf(opened, asked)));
        else if (flags.session) { const text = harmless(await transcriptOf(opened, asked)); only('transcript', text, harmless(conversation(text))); } // once more: what was escaped in a line is not any more
        else here.out.write(flags.json ? jsonLine(sessionObject(asked)) : `${sessionLines(asked, paint).join('\n')}\n`);
        return;
      }
      const row = findTrial(opened, trial);
      if (flags.feedback) only('feedback', await feedbackOf(opened, row));
      else if (flags.log) {
        const log = harmless(await readLogs(opened.blobs, row));
        only('log', log, log || `${row.trial} printed nothing that was kept`);
      } else if (flags.diff) only('diff', row.proposal.patch, paintDiff(row.proposal.patch, paint));
      else if (flags.json) here.out.write(jsonLine(trialObject(opened.run, opened.lineage, row)));
      else here.out.write(`${describe(opened.lineage, row, paint).join('\n')}\n${paintDiff(row.proposal.patch, paint)}`);
    }));
}

async function feedbackOf({ blobs, run, lineage }: OpenRun, row: TrialRow): Promise<string> {
  if (lineage.imported) throw new Mistake(`${run} was imported from ${lineage.imported.source}, and a results.tsv does not hold what its authors had read: brigade show ${row.trial} --run ${run} has all that it says`);
  const bytes = row.feedback && (await blobs.get(row.feedback));
  if (!bytes) throw new Mistake(`${row.trial} was proposed without feedback${row.rejection ? ', or refused, which keeps none' : ''}`);
  return harmless(new TextDecoder().decode(bytes));
}

/** Everything about a trial but its diff, one fact a line. */
export function describe(lineage: Lineage, row: TrialRow, paint: Paint): string[] {
  const { proposal, result } = row;
  const status = statusOf(row);
  const isRoot = row.trial === BASELINE;
  const place = result?.node ? `on ${result.node}/${result.slots.join('+')}, attempt ${result.attempt}` : null;
  const head = [`${paint('strong', row.trial)}  ${byline(row)}`, ...(isRoot ? [] : [paint(toneOfStatus(status), statusWord(lineage, row)), `parent ${proposal.parent}`]), ...(place ? [place] : []), ...(isRoot ? [] : [`${proposal.proposer.kind}:${proposal.proposer.strategy}`])].join('   ');
  const interval = deltaInterval(lineage, row);
  const margin = interval && `± ${((interval[1] - interval[0]) / 2).toFixed(4)}`;
  const measured = result?.deltaVsBest == null || isRoot ? null : `measured ${signed(result.deltaVsBest)}${margin ? ` ${margin}` : ''}${result.p === null ? (lineage.imported ? '' : ` (${result.why})`) : ` (p ${probability(result.p)}, ${plural(result.n, 'seed')})`}`;
  const figures = [
    ...(isRoot ? [] : [`predicted ${signed(proposal.expectedDelta)}`]), ...(measured ? [measured] : []),
    ...(result?.score == null ? [] : [`${lineage.started?.objective.metric ?? 'score'} ${result.score.toFixed(4)}`]), ...(result?.artifactBytes == null ? [] : [`${counted(result.artifactBytes)} bytes`]),
    ...(lineage.imported ? metricsOf(row) : []), ...(result?.phases.map((phase) => `${phase.name} ${phase.censored ? '> ' : ''}${duration(phase.seconds)}`) ?? []),
  ].join('   ');
  const ending = result?.p === null || row.rejection ? describeEnding(row) : '';
  const knew = proposal.proposer.strategy.match(/t\d{4,}/g)?.flatMap((id) => lineage.trials.get(id) ?? []) ?? [];
  return [
    head, oneLine(proposal.hypothesis), figures, ...(ending && !figures.includes(ending) ? [`because  ${oneLine(ending)}`] : []),
    ...knew.map((known) => `knew     ${known.trial} ${statusWord(lineage, known)} ${oneLine(describeEnding(known))}`),
    ...thought(lineage, row, paint),
    ...(row.feedback ? [paint('quiet', `         (all it knew: brigade show ${row.trial} --feedback)`)] : []),
    ...proposal.parts.map((part) => `joins    ${part} ${lineage.trials.get(part)?.proposal.specialist ?? ''} ${oneLine(lineage.trials.get(part)?.proposal.hypothesis ?? '')}`),
    ...worthOf(lineage).filter((one) => one.component === row.trial).map((one) => `worth    ${sayGain(one)}   ${sayHow(one)}`),
  ].filter(Boolean);
}

/** The session a trial came from, what it took, and the draft it carries out. */
function thought(lineage: Lineage, { trial, proposal: { session, tokens, money, joint } }: TrialRow, paint: Paint): string[] {
  const row = lineage.sessions.rows.get(session ?? '');
  return [
    ...(session === undefined ? [] : [`thought  in ${session}${row ? ` with ${row.opened.model}` : ''}   ${counted(tokens)} tokens   money ${amount(money)}`, paint('quiet', `         (what it was told: brigade show ${trial} --prompt; what was said: --session)`)]),
    ...(joint === undefined ? [] : [`joint    ${joint.draft}, drafted by ${joint.with}: ${oneLine(lineage.sessions.joints.get(joint.draft)?.offered.hypothesis ?? '')}`]),
  ];
}

/** Whatever else an imported row measured, by the names of its columns. */
const metricsOf = (row: TrialRow): string[] => [...row.replicates.values()].flatMap(({ measured }) => Object.entries(measured?.measurement.metrics ?? {}))
  .filter(([name]) => !row.result?.phases.some((phase) => `${phase.name}_s` === name)).map(([name, value]) => `${name} ${Number(value.toFixed(6))}`);

/** Text of a recipe's making, unable to drive the terminal. */
const harmless = (text: string): string => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
const withEnd = (text: string): string => (text.endsWith('\n') || text === '' ? text : `${text}\n`);
