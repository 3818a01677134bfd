import { replicateCost } from '../../domain/budget.ts';
import type { Fact } from '../../domain/fact.ts';
import { duration, oneLine } from '../../domain/figures.ts';
import { BASELINE, type TrialId } from '../../domain/ids.ts';
import { countTrials, statusOf, type Lineage } from '../../domain/lineage.ts';
import { summarize, type Summary } from '../../domain/summary.ts';
import { endedRows } from '../../domain/tables.ts';
import { STALLS } from '../../domain/session.ts';
import { dearestCall } from '../../domain/thought.ts';
import { furtherFlags } from '../limits.ts';
import { eventOf } from './event.ts';
import { baselineLine, endingLines, slotName, standingLine, startLine, trialHead, trialLine } from './lines.ts';
import { screen } from './screen.ts';
import { painter } from './terminal.ts';

/** A specialist's, broker's or evaluator's pulse, as far as the view needs it. */
export interface ActorPulse { readonly actor: string; readonly name: string; readonly state: string; readonly why: string }
/** One slot's work as it goes on. */
export interface SlotProgress { readonly node: string; readonly slot: string; readonly trial: string | null; readonly phase: string; readonly seconds: number; readonly budgetSeconds: number }

/** A run on a terminal, in a pipe, or as JSON lines. */
export interface LiveView {
  /** Shows what is known already, then waits for facts. */
  begin(lineage: Lineage): void;
  /** Called after the lineage has grown by the fact. */
  fact(fact: Fact, lineage: Lineage): void;
  pulse(pulse: ActorPulse): void;
  progress(progress: SlotProgress): void;
  /** Draws the footer again; a few times a second. */
  tick(lineage: Lineage): void;
  /** A line of the program's own, above the footer. */
  say(line: string): void;
  /** The last block; nothing is drawn after it. */
  end(lineage: Lineage): void;
}

export interface LiveOptions {
  readonly run: string;
  readonly out: { write(text: string): unknown };
  /** null for a pipe. */
  readonly width: () => number | null;
  readonly color: boolean;
  readonly json: boolean;
  readonly now: () => number;
  /** Where the run's files lie, as the user would type it. */
  readonly folder: string;
  /** Whether its evaluator lets a recipe run by itself. */
  readonly runsAlone: boolean;
  /** The nats CLI's context of this run; null when there is none. */
  readonly context: string | null;
}

/** Ended trials that are shown again when a view opens on a run that is under way. */
const RECENT = 20;

/** Opens a view; it writes only when told something. */
export function liveView(options: LiveOptions): LiveView {
  const { run, json } = options;
  const paint = painter(options.color && !json);
  const look = () => ({ width: options.width(), paint });
  const paper = screen(options.out, () => (json ? null : options.width()));
  const pulses = new Map<string, ActorPulse>();
  const slots = new Map<string, SlotProgress>();
  let said: { trials: boolean; baseline: boolean } = { trials: false, baseline: false };
  let summary: Summary | null = null;
  let ended = false;
  const emit = (event: Readonly<Record<string, unknown>>): void => { options.out.write(`${JSON.stringify(event)}\n`); };
  const showBaseline = (lineage: Lineage): void => {
    if (said.baseline || !lineage.trials.get(BASELINE)?.result) return;
    said = { ...said, baseline: true };
    paper.line(baselineLine(lineage, summarize(run, lineage, options.now()), options.width()));
  };
  const showTrial = (lineage: Lineage, trial: TrialId): void => {
    const row = lineage.trials.get(trial);
    if (!row || trial === BASELINE) return;
    if (!said.trials) { paper.line(''); paper.line(trialHead(lineage, look())); said = { ...said, trials: true }; }
    paper.line(trialLine(row, lineage, look()));
  };
  const draw = (lineage: Lineage): void => {
    if (json || ended || options.width() === null) return;
    summary ??= summarize(run, lineage, options.now());
    paper.footer([doings(lineage, pulses, slots), paint('strong', standingLine({ ...summary, wallSeconds: wallNow(lineage, summary, options.now()) }))]);
  };
  return {
    begin(lineage) {
      if (json) { emit({ event: 'view.began', applied: lineage.applied, ...summarize(run, lineage, options.now()) }); return; }
      if (!lineage.started) return;
      paper.line(startLine(run, lineage, options.context, look()));
      showBaseline(lineage);
      const rows = endedRows(lineage).filter((row) => row.trial !== BASELINE);
      if (rows.length > RECENT) paper.line(paint('quiet', `  ${rows.length - RECENT} earlier trials: brigade results ${run} --all`));
      for (const row of rows.slice(-RECENT)) showTrial(lineage, row.trial);
      draw(lineage);
    },
    fact(fact, lineage) {
      summary = null;
      if (json) { emit(eventOf(run, fact)); return; }
      switch (fact.word) {
        case 'run.started': paper.line(startLine(run, lineage, options.context, look())); break;
        case 'trial.rejected': showTrial(lineage, fact.ids[0]); break;
        case 'trial.result': if (fact.ids[0] === BASELINE) showBaseline(lineage); else showTrial(lineage, fact.ids[0]); break;
        case 'lease.lapsed': if (lineage.trials.get(fact.ids[0])?.result === null) paper.line(paint('warn', `  ${fact.ids[0]} ${fact.ids[1]}: attempt ${fact.ids[2]} was given up: ${fact.body.reason}`)); break;
        case 'node.enrolled': if (fact.body.drained) paper.line(paint('warn', `  ${fact.ids[0]} goes on without ${fact.body.drained.map(({ slot, why }) => `${slot} (${oneLine(why)})`).join(', ')}: a new start of it clears a slot`)); break;
        case 'run.stopping': paper.line(paint('quiet', `  stopping: ${fact.body.reason}`)); break;
        case 'run.resumed': paper.line(paint('quiet', `  resumed${fact.body.models === undefined ? '' : `, thinking with ${oneLine(fact.body.models)}`}`)); break;
        case 'operator.acted': paper.line(paint('quiet', `  operator: ${fact.body.act}${fact.body.detail ? `, ${oneLine(fact.body.detail)}` : ''}`)); break;
        case 'run.calibrated': case 'run.best': case 'run.claimed': case 'run.stopped': case 'broker.took': case 'trial.admitted': case 'lease.granted': case 'trial.measured': case 'handoff.offered': break;
        case 'specialist.stalled': paper.line(paint('warn', `  ${fact.ids[0]} ${fact.body.cause === 'proposer' ? '' : `cannot think${STALLS[fact.body.cause] ? ' for now' : ''}: `}${oneLine(fact.body.reason)}`)); break;
        case 'specialist.recovered': paper.line(paint('quiet', `  ${fact.ids[0]} thinks again`)); break;
        case 'session.ended': if (fact.body.ending !== 'submitted') paper.line(paint('quiet', `  ${fact.ids[0]} ${lineage.sessions.rows.get(fact.ids[0])?.opened.specialist ?? ''} ${fact.body.ending}, ${fact.body.trials.length === 0 ? 'no trial' : `after ${fact.body.trials.join(', ')}`}: ${oneLine(fact.body.reason)}`)); break;
        case 'joint.offered': paper.line(paint('quiet', `  ${fact.ids[0]} ${fact.body.from} drafts for ${fact.body.to}: ${oneLine(fact.body.hypothesis)}`)); break;
        case 'joint.answered': paper.line(paint('quiet', `  ${fact.ids[0]} ${fact.body.by} ${fact.body.trial === null ? `declined: ${oneLine(fact.body.reason)}` : `accepted as ${fact.body.trial}`}`)); break;
        case 'session.opened': case 'call.reserved': case 'call.settled': break;
        default: fact satisfies never;
      }
      draw(lineage);
    },
    pulse(pulse) {
      const before = pulses.get(`${pulse.actor}/${pulse.name}`);
      pulses.set(`${pulse.actor}/${pulse.name}`, pulse);
      if (pulse.state !== 'alarmed' || before?.state === pulse.state) return; // a keeper that found a damaged copy of the journal
      if (json) emit({ event: 'view.said', line: pulse.why }); else paper.line(paint('bad', `  ${oneLine(pulse.why)}`));
    },
    progress(progress) { slots.set(`${progress.node}/${progress.slot}`, progress); },
    tick(lineage) { draw(lineage); },
    say(line) { if (json) emit({ event: 'view.said', line }); else paper.line(line); },
    end(lineage) {
      if (ended) return;
      paper.footer([]);
      ended = true;
      const last = summarize(run, lineage, options.now());
      if (json) { emit({ event: 'view.ended', ...last }); return; }
      paper.line('');
      if (lineage.stopped === null) {
        paper.line(standingLine(last));
        paper.line(paint('quiet', `its end is not recorded: brigade watch ${run} follows it where it still runs, brigade run --resume ${run} goes on where it does not`));
        return;
      }
      const most = dearestCall(lineage);
      const further = lineage.limits ? furtherFlags(lineage.limits, { trials: countTrials(lineage), wallSeconds: last.wallSeconds, slotSeconds: last.slotSeconds + replicateCost(lineage), tokens: last.tokens + most.tokens, money: last.money + most.money }) : [];
      for (const line of endingLines({ run, summary: last, folder: options.folder, runsAlone: options.runsAlone, further: lineage.started?.replays !== undefined && further.length > 0 ? null : further }, look())) paper.line(line); // nobody thinks of more than was recorded
    },
  };
}

const wallNow = (lineage: Lineage, summary: Summary, now: number): number =>
  (lineage.stopped !== null || lineage.startedAt === null ? summary.wallSeconds : lineage.wallSecondsBefore + Math.max(0, now - lineage.startedAt) / 1000);

/** What each specialist is at: its trial on a slot, or what its actor says it waits for. */
function doings(lineage: Lineage, pulses: ReadonlyMap<string, ActorPulse>, slots: ReadonlyMap<string, SlotProgress>): string {
  const working = [...slots.values()].filter(({ trial }) => trial !== null);
  const names = [...new Set([...(lineage.started?.roster ?? []), ...[...pulses.values()].filter(({ actor }) => actor === 'specialist').map(({ name }) => name)])];
  const of = (name: string): string => {
    const at = working.find(({ trial }) => { const row = trial === null ? undefined : lineage.trials.get(trial); return row?.proposal.specialist === name && row.trial !== BASELINE && statusOf(row) === null; });
    if (at) return `${at.trial} on ${slotName(lineage, at.node, at.slot)}, ${workOf(at)}`;
    const pulse = pulses.get(`specialist/${name}`);
    return pulse ? oneLine(pulse.why) || pulse.state : 'not heard of yet';
  };
  const others = working.filter(({ trial }) => { const row = trial === null ? undefined : lineage.trials.get(trial); return !row || row.trial === BASELINE || statusOf(row) !== null; });
  return [...names.map((name) => `${name}  ${of(name)}`), ...others.map((at) => `${at.trial}  ${workOf(at)} on ${slotName(lineage, at.node, at.slot)}`)].join('     ');
}

const workOf = ({ phase, seconds, budgetSeconds }: SlotProgress): string => (budgetSeconds > seconds ? `${phase}, ${duration(budgetSeconds - seconds)} left` : phase);
