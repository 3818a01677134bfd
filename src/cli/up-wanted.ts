import type { NatsSession, Standing } from '../adapters/nats/index.ts';
import { COMPOSER } from '../domain/components.ts';
import type { RunStarted } from '../domain/fact.ts';
import type { RunId } from '../domain/ids.ts';
import { NoAnswer, type Presence } from '../ports.ts';
import { ReadStaff, type Staff } from '../protocols/lineage.ts';
import type { Wanted, WantedDaemon } from './attendance.ts';
import { lackHere } from './needs.ts';
import type { Place } from './place.ts';
import type { UpSettings } from './up-settings.ts';

// What the runs of a server want of one machine.
//
//   W1. A run wants something from its first fact until it has stopped, and again when it is resumed.
//   W2. A node serves what its devices and its folder of surfaces fit; what it cannot serve is told once, with why, and looked at again later. What it serves
//       it serves until the run has stopped: a driver that is slow to answer, or a checkout that is renewed, must not end what is being measured.
//   W3. A run that cannot be looked at keeps what it had, and keeps nothing from the others.
//   W4. Runs that are over are many and seldom resumed: they are looked at seldom, or machines that wait would keep their server busy.
//   W5. A keeper stays a little longer than a run that it saw: those who ask whether it is over are to hear it. Of runs that were over before it came there
//       may be hundreds, and nobody asks.

export interface WantedOptions { readonly place: Place; readonly session: Pick<NatsSession, 'listRuns' | 'standing' | 'bus'>; readonly settings: UpSettings; readonly log: Presence['log']; readonly now: () => number }

/** How long a keeper outlives its run: longer than whoever asks is likely to be cut off, or it would ask for ever. */
const LINGER_MS = 120_000;
/** How long a run that was over is believed to be. */
const OVER_AGAIN_MS = 10_000;
/** How long a machine that does not fit a run is believed not to. */
const FIT_AGAIN_MS = 60_000;
const ASK_MS = 3_000;

/** Looks up what is wanted of a machine in its role. */
export function wantedBy(options: WantedOptions): () => Promise<Wanted> {
  return options.settings.role === 'specialist' ? staffWanted(options) : servicesWanted(options);
}

/** Arguments that lead a daemon to a run wherever it was started. */
const way = ({ nats, keys }: UpSettings, run: RunId, { surface, rosterName }: { readonly surface: string; readonly rosterName?: string | null | undefined }): string[] =>
  ['--run', run, '--surface', surface, ...(rosterName == null ? [] : ['--roster', rosterName]), '--nats', nats, ...(keys === null ? [] : ['--keys', keys])];
const given = (flag: string, said: string | null): string[] => (said === null ? [] : [flag, said]);

/** A broker, a keeper or an evaluator for every run. */
function servicesWanted({ place, session, settings, log, now }: WantedOptions): () => Promise<Wanted> {
  const { role, runs, node } = settings;
  const aliveMs = new Map<RunId, number>();
  const fits = new Map<RunId, { readonly lack: string | null; readonly atMs: number }>();

  const stands = (run: RunId, standing: Standing): boolean => { // W1
    if (!standing.isOver) { aliveMs.set(run, now()); return true; }
    fits.delete(run);
    return role === 'keeper' && now() - (aliveMs.get(run) ?? -Infinity) < LINGER_MS; // W5
  };
  const fit = async (run: RunId, started: RunStarted): Promise<boolean> => { // W2
    const before = fits.get(run);
    if (before !== undefined && (before.lack === null || now() - before.atMs < FIT_AGAIN_MS)) return before.lack === null;
    const lack = await lackHere(place, { name: started.surface, hash: started.surfaceHash, roster: started.rosterName ?? null, node }).catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
    if (lack !== null && lack !== before?.lack) log('warn', lackOf(run, lack), { for: run });
    fits.set(run, { lack, atMs: now() });
    return lack === null;
  };
  const daemonFor = (run: RunId, started: RunStarted): WantedDaemon => {
    const args = way(settings, run, started);
    const about = { run, surface: started.surface, roster: started.rosterName ?? null, specialist: null };
    if (role === 'broker' || role === 'keeper') return { ...about, name: `${role}-${run}`, args: [role, ...args] };
    return { ...about, name: `evaluator-${run}`, args: ['evaluator', ...args, '--node', node, ...given('--slots', settings.slots), ...given('--sandbox', settings.sandbox)] };
  };

  const seen = new Map<RunId, Standing | null>();
  const seenMs = new Map<RunId, number>();
  const unseen = new Map<RunId, string>();
  const lookAt = async (runsNow: readonly RunId[]): Promise<void> => { // W3
    const all = runsNow.filter((run) => seen.get(run)?.isOver !== true || now() - (seenMs.get(run) ?? 0) >= OVER_AGAIN_MS); // W4
    const found = await Promise.allSettled(all.map((run) => session.standing(run)));
    if (found.length > 0 && found.every(({ status }) => status === 'rejected')) for (const each of found) if (each.status === 'rejected') throw each.reason; // it is the server
    for (const [i, run] of all.entries()) {
      const each = found[i];
      if (each?.status === 'fulfilled') { seen.set(run, each.value); seenMs.set(run, now()); unseen.delete(run); }
      if (each?.status !== 'rejected') continue;
      const why = each.reason instanceof Error ? each.reason.message : String(each.reason);
      if (unseen.get(run) !== why) log('warn', `${run} cannot be looked at now, and what it has here goes on: ${why}`, { for: run });
      unseen.set(run, why);
    }
  };

  return async () => {
    const daemons: WantedDaemon[] = [];
    let left = runs === null ? 1 : 0;
    const all = runs ?? await session.listRuns();
    await lookAt(all);
    for (const run of all) {
      const standing = seen.get(run) ?? null;
      if (runs !== null && standing?.isOver !== true) left += 1; // one that was not begun yet is waited for
      if (standing === null || !stands(run, standing)) continue;
      if (role === 'broker' || role === 'keeper' || await fit(run, standing.started)) daemons.push(daemonFor(run, standing.started));
    }
    const lacks = all.flatMap((run) => { const lack = fits.get(run)?.lack ?? null; return lack === null ? [] : [lackOf(run, lack)]; });
    return { daemons, isOver: left === 0 && daemons.length === 0, lacks };
  };
}

const lackOf = (run: RunId, lack: string): string => `${run} is not served by this node: ${lack}`;

/** The specialists of the runs named; who cannot read a journal asks its keeper. */
function staffWanted({ session, settings, log }: WantedOptions): () => Promise<Wanted> {
  const { runs, domain, models, concurrent } = settings;
  const known = new Map<RunId, Staff>();
  const told = new Set<RunId>();

  const daemonsOf = (run: RunId, staff: Staff): WantedDaemon[] => {
    const open = ['--concurrent', concurrent ?? '1'];
    const who = domain === null ? staff.roster : [domain];
    const about = { run, surface: staff.surface, roster: staff.rosterName };
    const thinkers = who.map((specialist): WantedDaemon => ({
      ...about, specialist, name: `specialist-${run}-${specialist}`,
      args: ['specialist', ...way(settings, run, staff), '--domain', specialist, '--proposer', staff.proposer, '--seed', String(staff.seed), ...open, ...(staff.lineage ? [] : ['--no-lineage']), ...(staff.proposer === 'llm' ? given('--models', models) : [])],
    }));
    if (staff.compose === null || domain !== null) return thinkers;
    return [...thinkers, { ...about, specialist: COMPOSER, name: `specialist-${run}-${COMPOSER}`, args: ['composer', ...way(settings, run, staff), '--strategy', staff.compose, ...open] }];
  };

  return async () => {
    for (const run of runs ?? []) {
      const answer = await session.bus.ask(ReadStaff, { run }, {}, { timeoutMs: ASK_MS }).catch((error: unknown) => { if (error instanceof NoAnswer && error.reason !== 'refused') return null; throw error; });
      if (answer?.staff) known.set(run, answer.staff); // a keeper that is away changes nothing
      if (answer?.staff?.proposer === 'replay' && !told.has(run)) { told.add(run); log('warn', `${run} makes the proposals of another run again: its recording lies with whoever began it, so nobody thinks for it here`, { for: run }); }
    }
    const live = [...known].filter(([, { isOver, proposer }]) => !isOver && proposer !== 'replay');
    return { daemons: live.flatMap(([run, staff]) => daemonsOf(run, staff)), isOver: known.size === runs?.length && live.length === 0, lacks: [] };
  };
}
