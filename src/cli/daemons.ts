import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { openClock } from '../adapters/clock/index.ts';
import { connectNats, type NatsSession } from '../adapters/nats/index.ts';
import { loadSurface } from '../adapters/surfaces/index.ts';
import type { RunId } from '../domain/ids.ts';
import type { Ports, Presence } from '../ports.ts';
import type { Role } from '../protocols/streams.ts';
import { findRun, keyFileOf, readLive, runDir, type Place, type RunFile } from './place.ts';
import { Mistake } from './mistake.ts';
import { modelOptions, type ModelFlags } from './models-flags.ts';
import { choice } from './choice.ts';
import { number } from './number.ts';
import { keysOption, natsOption } from './server.ts';

// Each actor as a process of its own. Heavy modules are loaded by the daemon that needs them.
//
//   D1. A daemon ends on SIGTERM, and, where BRIGADE_LIFELINE is `stdin`, when its standard input closes: then whoever started it is gone. One that has
//       a supervisor does not say that its work is done when it was told to end by somebody else, who may have meant the whole group.
//   D2. Its goodbyes are bounded: a server that went first answers nobody, and must not keep it waiting.
//   D3. A daemon that fails, before its actor stands or after, says why on its last line and exits; whoever supervises it starts it again,
//       unless its code says that a person must mend something first.

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
const HOPELESS = new Set(['Mistake', 'CanaryFailed', 'SandboxUnavailable', 'SetupNeeded', 'BadSurface', 'UnknownSurface', 'BadEdit', 'Astray']);

/** A supervised daemon failed at what only a person can mend: its supervisor is to give it up. */
export class Hopeless extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
    this.name = 'Hopeless';
  }
}

interface DaemonFlags { readonly run: string; readonly nats?: string; readonly keys?: string; readonly surface?: string; readonly roster?: string }
interface Stand { readonly place: Place; readonly run: RunId; readonly surface: string; readonly roster: string | null; readonly agents: readonly string[] | null; readonly session: NatsSession; readonly ports: Ports; readonly signal: AbortSignal }

/** Adds the commands that start one actor each. */
export function daemonCommands(program: Command, place: Place): void {
  const daemon = (command: string, says: string, example: string) =>
    program.command(command).description(says)
      .requiredOption('--run <run>', 'the run to work for')
      .addOption(natsOption('its nats-server; found by itself for a run of this folder'))
      .addOption(keysOption())
      .option('--surface <name>', 'its surface, for a run that was started on another machine').option('--roster <name>', "which of the surface's rosters takes part, likewise")
      .addHelpText('after', `\nExample:\n  $ brigade ${example}`);

  daemon('broker', 'queue trials, lease slots, judge and publish results', 'broker --run golf-mini-1121a')
    .action((flags: DaemonFlags, command: Command) => stand(place, 'broker', flags, command, async ({ run, ports, surface, roster, signal }) => {
      const { brokerOf } = await import('./daemon-broker.ts');
      return brokerOf(place, { run, surface, roster, ports, signal });
    }));
  daemon('keeper', 'fold the journal and answer what is known', 'keeper --run golf-mini-1121a')
    .action((flags: DaemonFlags, command: Command) => stand(place, 'lineage', flags, command, async ({ run, ports, surface, roster: chosen, signal }) => {
      const { startLineage } = await import('../actors/lineage/index.ts');
      const { openStore } = await import('../adapters/lmdb/index.ts');
      const { verifySignature } = await import('../adapters/signature/index.ts');
      const store = await openStore(join(runDir(place, run), 'lineage.lmdb'));
      const { roster, claims } = await loadSurface(place.root, surface, null, { roster: chosen });
      return startLineage(ports, { store, verify: verifySignature, briefs: roster, claims }, { run, signal });
    }));
  daemon('evaluator', "measure trials on this machine's slots", 'evaluator --run golf-mini-1121a --slots 2')
    .option('--node <name>', 'name of this machine')
    .option('--slots <n>', 'CPU slots to offer')
    .option('--sandbox <level>', 'bubblewrap, namespaces, or none (recipes are then not held at all)')
    .action((flags: DaemonFlags & { node?: string; slots?: string; sandbox?: string }, command: Command) => stand(place, 'evaluator', flags, command, async ({ run, ports, surface, signal }) => {
      const { evaluatorOf } = await import('./daemon-evaluator.ts');
      return evaluatorOf(place, { run, surface, ports, signal, node: flags.node, slots: flags.slots, sandbox: flags.sandbox });
    }));
  modelOptions(daemon('specialist', 'read what is known and propose the next trial', 'specialist --run golf-mini-1121a --domain optimizer'))
    .requiredOption('--domain <specialist>', 'the partition it owns; a generalist owns all')
    .option('--proposer <kind>', 'how it comes to its proposals', 'search')
    .option('--seed <n>', 'seed of its choices', '0')
    .option('--concurrent <n>', 'trials it may have open at once', '1')
    .option('--no-lineage', 'know the current best and nothing else')
    .action((flags: DaemonFlags & { domain: string; proposer: string; seed: string; concurrent: string; lineage: boolean } & ModelFlags, command: Command) => stand(place, 'specialist', flags, command, async ({ run, ports, surface, roster, agents, signal }) => {
      const { specialistOf } = await import('./daemon-specialist.ts');
      const { PROPOSER_KINDS } = await import('../actors/specialist/index.ts');
      const seed = number('--seed', flags.seed, 0, Number.MAX_SAFE_INTEGER, true);
      const concurrent = number('--concurrent', flags.concurrent, 1, 10_000, true);
      return specialistOf(place, { run, surface, roster, agents, ports, signal, specialist: flags.domain, proposer: choice('--proposer', flags.proposer, [...PROPOSER_KINDS, 'llm']), seed, lineage: flags.lineage, concurrent, models: flags });
    }));
  daemon('composer', 'put together what specialists had kept apart', 'composer --run golf-mini-1121a --strategy greedy')
    .requiredOption('--strategy <name>', 'greedy or ablate')
    .option('--whole', 'take a best to pieces too that nothing lies apart from')
    .option('--concurrent <n>', 'trials it may have open at once', '1')
    .action((flags: DaemonFlags & { strategy: string; whole?: true; concurrent: string }, command: Command) => stand(place, 'specialist', flags, command, async ({ run, ports, surface, roster, signal }) => {
      const { composerOf } = await import('./daemon-composer.ts');
      const concurrent = number('--concurrent', flags.concurrent, 1, 10_000, true);
      return composerOf(place, { run, surface, roster, ports, signal, strategy: choice('--strategy', flags.strategy, ['greedy', 'ablate']), whole: flags.whole === true, concurrent });
    }));
  daemon('replayer', 'make the proposals of an earlier run again, as the run\'s folder holds them', 'replayer --run golf-mini-1121b')
    .action((flags: DaemonFlags, command: Command) => stand(place, 'operator', flags, command, async ({ run, ports, signal }) => { // it reads the journal, which no specialist may
      const { replayerOf } = await import('./daemon-replayer.ts');
      return replayerOf(place, { run, ports, signal });
    }));
}

async function stand(place: Place, role: Role, flags: DaemonFlags, command: Command, start: (stand: Stand) => Promise<{ readonly done: Promise<unknown> } & AsyncDisposable>): Promise<void> {
  const ending = new AbortController();
  const isFromEnvironment = command.getOptionValueSource('nats') === 'env';
  const isHeld = process.env.BRIGADE_LIFELINE === 'stdin';
  let session: NatsSession | null = null;
  const end = (): void => {
    if (ending.signal.aborted) return;
    ending.abort(new Error('asked to end'));
    setTimeout(() => { void session?.close(); }, GOODBYE_MS).unref(); // D2
    setTimeout(() => process.exit(), LAST_MS).unref(); // D2: what it started dies with it
  };
  process.on('SIGTERM', () => { // however often: a second one must not cut the goodbyes short
    if (isHeld) process.exitCode = INTERRUPTED; // D1
    end();
  });
  process.on('SIGINT', () => { if (!isHeld) end(); }); // under a supervisor a Ctrl-C reaches every process, and the supervisor decides what it means
  if (isHeld) process.stdin.on('end', end).on('error', end).resume(); // D1
  try {
    const file = await findRun(place, flags.run).catch((error: unknown): RunFile => {
      if (flags.nats === undefined || flags.surface === undefined) throw error;
      return { run: flags.run, surface: flags.surface, url: flags.nats, keys: null, roster: null };
    });
    const url = (isFromEnvironment ? null : flags.nats) ?? (await readLive(place, file.run))?.url ?? file.url ?? flags.nats; // a run of this folder says best where it is
    if (!url) throw new Mistake(`${file.run} is not running here: start it with brigade run --resume ${file.run}, or give --nats`);
    await mkdir(runDir(place, file.run), { recursive: true });
    session = await connectNats({ url, keyFile: keyFileOf(flags.keys === undefined ? file : { ...file, keys: flags.keys }, role), name: `brigade-${role}-${process.pid}`, role, ...(isHeld ? { firstConnectMs: FIRST_CONNECT_MS } : {}), remedy: `the ${role} of ${file.run} cannot work without it. Start it, give the --nats URL it is at, or make room on a machine that is too busy to connect` });
    const ports: Ports = { journal: session.journal(file.run), bus: session.bus, blobs: session.blobs(file.run), clock: openClock(), presence: session.presence({ run: file.run, actor: role }) };
    using _told = tellEvents(session, ports.presence, ending.signal);
    const actor = await start({ place, run: file.run, surface: file.surface, roster: flags.roster ?? file.roster ?? null, agents: file.agents ?? null, session, ports, signal: ending.signal });
    await actor.done;
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
function tellEvents(session: NatsSession, presence: Presence, ending: AbortSignal): Disposable {
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
