import type { RunStarted } from '../../domain/fact.ts';
import type { RunId } from '../../domain/ids.ts';
import type { Limits } from '../../domain/budget.ts';
import type { Journal, Ports, Processes } from '../../ports.ts';
import { startWard, type Daemon, type Ward } from './ward.ts';

// Starts a run and keeps its daemons alive until the journal says it has stopped.
//
//   U1. The run's first fact is written before any daemon starts; a run that has it is resumed, never started again, and says so whatever ended it:
//       the time it lay dead is not run time.
//   U2. When the run has stopped every daemon is told to, and none is left behind.

export interface SupervisorOptions {
  readonly run: RunId;
  /** Daemons to keep alive, by name, with the arguments of their command. */
  readonly daemons: readonly Daemon[];
  readonly signal: AbortSignal;
}

export type Ended = { readonly kind: 'stopped'; readonly reason: string } | { readonly kind: 'lost'; readonly daemon: string } | { readonly kind: 'aborted' };

/** Writes a run's first fact, or, where it has one, that it goes on under what `extend` makes of the limits it last had, and with which models where it has others. Answers the limits in force. */
export async function beginRun(journal: Journal, started: RunStarted, extend: (limits: Limits) => Limits, models: string | null = null): Promise<Limits> { // U1
  if ((await journal.record('run.started', [], started)).kind === 'recorded') return started.limits;
  const past = await standing(journal);
  const limits = extend(past.limits ?? started.limits);
  await journal.record('run.resumed', [String(past.resumes + 1)], { limits, ...(models === null ? {} : { models }) });
  return limits;
}

/** How often it was resumed, and under which limits it last went. */
async function standing(journal: Journal): Promise<{ resumes: number; limits: Limits | null }> {
  const found = { resumes: 0, limits: null as Limits | null };
  for await (const fact of journal.follow({ after: 0, until: await journal.position() })) {
    if (fact.word === 'run.started') found.limits = fact.body.limits;
    if (fact.word === 'run.resumed') { found.resumes += 1; found.limits = fact.body.limits; }
    if (fact.word === 'operator.acted' && fact.body.limits) found.limits = fact.body.limits;
  }
  return found;
}

/** Supervises one run to its end; every daemon is gone when this resolves. */
export async function superviseRun({ journal, clock, presence }: Ports, processes: Processes, options: SupervisorOptions): Promise<Ended> {
  const { run, daemons, signal } = options;
  const stop = new AbortController();
  const over = AbortSignal.any([signal, stop.signal]);

  const wards = new Map<string, Ward>();
  const seen = presence.announce({ actor: 'supervisor', name: 'main', run, read: () => ({
    state: over.aborted ? 'stopping' : 'running', why: 'keeping the daemons alive',
    context: Object.fromEntries([...wards].map(([name, ward]) => [name, ward.state()])),
  }) });

  let lost: (daemon: string) => void = () => undefined;
  const hopeless = new Promise<Ended>((resolve) => { lost = (daemon) => resolve({ kind: 'lost', daemon }); });
  for (const daemon of daemons) {
    const { name } = daemon;
    wards.set(name, startWard(daemon, { processes, clock, log: presence.log, onChange: () => { seen.changed(); if (wards.get(name)?.state() === 'lost') lost(name); } }));
  }

  const ended = await Promise.race([hopeless, stopped(), aborted(signal)]);
  stop.abort(new Error('the run is over')); // U2
  await Promise.all([...wards.values()].map((ward) => ward.release('now')));
  await processes.stopAll();
  await seen[Symbol.asyncDispose]();
  return ended;

  async function stopped(): Promise<Ended> {
    const from = await journal.position();
    let reason: string | null = null;
    for await (const fact of journal.follow({ after: 0, until: from, signal: over })) {
      if (fact.word === 'run.stopped') reason = fact.body.reason;
      if (fact.word === 'run.resumed') reason = null;
    }
    if (reason !== null) return { kind: 'stopped', reason };
    for await (const fact of journal.follow({ after: from, signal: over })) if (fact.word === 'run.stopped') return { kind: 'stopped', reason: fact.body.reason };
    return { kind: 'aborted' };
  }
}

const aborted = (signal: AbortSignal): Promise<Ended> => new Promise((resolve) => {
  if (signal.aborted) resolve({ kind: 'aborted' });
  signal.addEventListener('abort', () => resolve({ kind: 'aborted' }), { once: true });
});
