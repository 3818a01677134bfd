import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { openClock } from '../adapters/clock/index.ts';
import { connectNats, type NatsSession } from '../adapters/nats/index.ts';
import { COMPOSER } from '../domain/components.ts';
import type { RunId } from '../domain/ids.ts';
import type { Ports, Presence } from '../ports.ts';
import type { Role } from '../protocols/streams.ts';
import { findRun, keyFileOf, nodeName, readLive, runDir, type Place, type RunFile } from './place.ts';
import { failing } from './failpoint.ts';
import { Mistake } from './mistake.ts';

// How the process of one actor begins and ends.
//
//   D1. A daemon ends on SIGTERM, and, where BRIGADE_LIFELINE is `stdin`, when its standard input closes: then whoever started it is gone. One that has
//       a supervisor does not say that its work is done when it was told to end by somebody else, who may have meant the whole group.
//   D2. Its goodbyes are bounded: a server that went first answers nobody, and must not keep it waiting.
//   D3. A daemon that fails, before its actor stands or after, says why on its last line and exits; whoever supervises it starts it again,
//       unless its code says that a person must mend something first.
//   D4. Who holds what would be lost finishes it first, however long that takes; told a second time, or left by its supervisor, it goes at once.
//       A second SIGTERM from a supervisor's side is no second word: one that was meant for the whole group comes twice.

/** How long a daemon that was asked to end may still use the server, and how long it may take in all; shorter than its supervisor's patience. */
const GOODBYE_MS = 3_000;
const LAST_MS = 6_000;
/** What the shells call an end by SIGTERM: a supervisor that did not ask for it starts the daemon again, for a run without its broker would wait for ever. */
const INTERRUPTED = 143;
/** A supervised daemon starts beside all the others, on a machine that may be busy with much else. */
const FIRST_CONNECT_MS = 30_000;
/** What goes wrong at the edge may go wrong a thousand times a second: one reason is told once in this while, and so many reasons in all. */
const TELL_AGAIN_MS = 10_000;
const MOST_REASONS = 50;
/** Errors that the next start would meet again. */
const HOPELESS = new Set(['Mistake', 'CanaryFailed', 'SandboxUnavailable', 'SetupNeeded', 'BadSurface', 'UnknownSurface', 'BadEdit', 'Astray', 'JournalDamaged']);

/** A supervised daemon failed at what only a person can mend: its supervisor is to give it up. */
export class Hopeless extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
    this.name = 'Hopeless';
  }
}

/** What every daemon's command takes. */
export interface DaemonFlags { readonly run: string; readonly nats?: string; readonly keys?: string; readonly surface?: string; readonly roster?: string; readonly node?: string; readonly domain?: string }
/** What an actor is started with. */
export interface Stand { readonly place: Place; readonly run: RunId; readonly surface: string; readonly roster: string | null; readonly agents: readonly string[] | null; readonly session: NatsSession; readonly ports: Ports; readonly signal: AbortSignal }

/** Connects, starts the actor, and ends with it. Only an evaluator holds what would be lost. */
export async function stand(place: Place, role: Role, flags: DaemonFlags, command: Command, start: (stand: Stand) => Promise<{ readonly done: Promise<unknown> } & AsyncDisposable>): Promise<void> {
  const ending = new AbortController();
  const isFromEnvironment = command.getOptionValueSource('nats') === 'env';
  const isHeld = process.env.BRIGADE_LIFELINE === 'stdin';
  let session: NatsSession | null = null;
  let hurried = (): void => undefined;
  const isHurried = new Promise<void>((resolve) => { hurried = resolve; });
  let isLeaving = false;
  let holds = false;
  const leave = (): void => {
    if (isLeaving) return;
    isLeaving = true;
    ending.abort(new Error('asked to end'));
    hurried();
    setTimeout(() => { void session?.close(); }, GOODBYE_MS).unref(); // D2
    setTimeout(() => process.exit(), LAST_MS).unref(); // D2: what it started dies with it
  };
  const end = (): void => {
    if (!holds || (ending.signal.aborted && !isHeld)) leave(); else ending.abort(new Error('asked to finish and end')); // D4
  };
  process.on('SIGTERM', () => {
    if (isHeld) process.exitCode = INTERRUPTED; // D1
    end();
  });
  process.on('SIGINT', () => { if (!isHeld) end(); }); // under a supervisor a Ctrl-C reaches every process, and the supervisor decides what it means
  if (isHeld) process.stdin.on('end', leave).on('error', leave).resume(); // D1
  try {
    const file = await findRun(place, flags.run).catch((error: unknown): RunFile => {
      if (flags.nats === undefined || flags.surface === undefined) throw error;
      return { run: flags.run, surface: flags.surface, url: flags.nats, keys: null, roster: null };
    });
    const url = (isFromEnvironment ? null : flags.nats) ?? (await readLive(place, file.run))?.url ?? file.url ?? flags.nats; // a run of this folder says best where it is
    if (!url) throw new Mistake(`${file.run} is not running here: start it with brigade run --resume ${file.run}, or give --nats`);
    await mkdir(runDir(place, file.run), { recursive: true });
    session = await connectNats({ url, keyFile: keyFileOf({ keys: flags.keys ?? file.keys }, role, role === 'evaluator' ? nodeName(flags.node) : role === 'specialist' ? flags.domain ?? COMPOSER : null), name: `brigade-${role}-${process.pid}`, role, ...(isHeld ? { firstConnectMs: FIRST_CONNECT_MS } : {}), remedy: `the ${role} of ${file.run} cannot work without it. Start it, give the --nats URL it is at, or make room on a machine that is too busy to connect` });
    const ports = failing({ journal: session.journal(file.run), bus: session.bus, blobs: session.blobs(file.run), clock: openClock(), presence: session.presence({ run: file.run, actor: role }) }, role, join(runDir(place, file.run), 'crashes'));
    using _told = tellEvents(session, ports.presence, ending.signal);
    const actor = await start({ place, run: file.run, surface: file.surface, roster: flags.roster ?? file.roster ?? null, agents: file.agents ?? null, session, ports, signal: ending.signal });
    holds = role === 'evaluator' && !ending.signal.aborted;
    await Promise.race([actor.done, isHurried]);
    leave();
    await actor[Symbol.asyncDispose]();
  } catch (error) {
    throw isHeld && error instanceof Error && HOPELESS.has(error.name) ? new Hopeless(error) : error; // D3
  } finally {
    await session?.close();
    if (isHeld) process.stdin.pause().unref?.();
    setTimeout(() => process.exit(), GOODBYE_MS).unref(); // D2: what a failed start left open must not keep it
  }
}

/** Tells what befalls the connection, its goodbye excepted. */
export function tellEvents(session: NatsSession, presence: Presence, ending: AbortSignal): Disposable {
  const told = new Map<string, number>();
  return session.events((event) => {
    const now = performance.now();
    for (const [what, at] of told) if (now - at >= TELL_AGAIN_MS) told.delete(what);
    const what = `${event.kind}: ${event.reason}`;
    if (told.has(what) || told.size >= MOST_REASONS || (event.kind === 'closed' && ending.aborted)) return;
    told.set(what, now);
    presence.log('warn', what, event.kind === 'refused' ? { subject: event.subject } : {});
  });
}
