import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { openClock } from '../adapters/clock/index.ts';
import { startWard } from '../actors/supervisor/index.ts';
import { connectNats } from '../adapters/nats/index.ts';
import { openProcesses } from '../adapters/processes/index.ts';
import { openServiceManager } from '../adapters/systemd/index.ts';
import type { Clock, Presence } from '../ports.ts';
import { EVERY_RUN } from '../protocols/actor.ts';
import { attend, type AttendanceOptions } from './attendance.ts';
import { modelsBy } from './models-flags.ts';
import { environmentOf, type ModelsConfig } from './models.ts';
import { keyFileOf, type Place } from './place.ts';
import { tellEvents } from './stand.ts';
import { brokersIn } from './up-brokers.ts';
import { settingsFrom, UP_ROLES, USUAL_FILES, whoOptions, workOptions, type UpFlags } from './up-settings.ts';
import { wantedBy } from './up-wanted.ts';

// One machine's part in the runs of a server, without a terminal: every daemon is the same command a person could type, kept alive as a child. Brokers are in
// one process, so that the runs share slots fairly.
//
//   U1. Everything said goes to standard error, one JSON object a line, children's lines included.
//   U2. The first SIGTERM finishes what is held and takes no more; the second stops at once. Nothing recorded is lost either way.
//   U3. A server that is not there yet is waited for: machines start in any order.

/** What a shell says of an end that did not wait. */
const AT_ONCE = 130;
/** What daemons are given of the environment, keys of models apart. */
const PASSED = ['BRIGADE_RUNS', 'BRIGADE_LOGS', 'BRIGADE_DEVICES', 'BRIGADE_LOCKS', 'CUDA_VISIBLE_DEVICES', 'ROCR_VISIBLE_DEVICES', 'OPENAI_BASE_URL'];
/** So long one tries to connect before it is said that nobody answers. */
const FIRST_CONNECT_MS = 30_000;

const WHY = {
  looking: 'looking for the runs of its server', serving: 'its daemons are at work', waiting: 'it has nothing to do for any run now',
  mending: 'a daemon died: its last line says why', draining: 'finishing what is held',
} as const;

const HELP = `
Flags go before the environment, and the environment before the file; the file's fields are named as the flags are:

  nats: nats://head:4222
  keys: /etc/brigade/keys
  node: atlas
  slots: 8

BRIGADE_RUNS says where the folders of runs go (default runs/ in the project).
SIGTERM or Ctrl-C finishes what is held and takes no more; a second one stops at once.
Exit codes: 0 ended as it was asked to, or its runs are over; 1 your mistake; 2 ours; ${AT_ONCE} stopped at once.

Examples:
  $ brigade up node --nats nats://head:4222 --keys keys --slots 8
  $ brigade up broker --config ${USUAL_FILES[1]}
  $ brigade up specialist --run night-1`;

/** `brigade up <role>`: this machine's part in the runs of a server, headless. */
export function upCommand(program: Command, place: Place): void {
  workOptions(whoOptions(program.command('up').description('serve the runs of a server headless: a node, broker or keeper for every run, or the specialists of one')))
    .addHelpText('after', HELP)
    .action((role: string, flags: UpFlags) => up(place, role, flags));
}

async function up(place: Place, asked: string, flags: UpFlags): Promise<void> {
  process.env.BRIGADE_LOGS = 'json'; // U1
  const settings = await settingsFrom(asked, flags);
  if (settings.devices !== null) process.env.BRIGADE_DEVICES = settings.devices; // this machine's devices are looked at here and by its daemons
  const { name, nats, keys } = settings;
  const role = UP_ROLES[settings.role];
  const models = settings.models === null ? null : await modelsBy({ models: settings.models }, { names: null, environment: process.env });
  const draining = new AbortController();
  const hurrying = new AbortController();
  let isConnected = false;
  using manager = openServiceManager(process.env);
  const end = (): void => { // U2
    if (!isConnected) process.exit(0); // it holds nothing
    if (draining.signal.aborted) { process.exitCode = AT_ONCE; hurrying.abort(new Error('asked again to end')); return; }
    draining.abort(new Error('asked to end'));
    manager.stopping();
  };
  process.on('SIGTERM', end).on('SIGINT', end);
  const clock = openClock();
  await using session = await connectNats({ url: nats, keyFile: keyFileOf({ keys }, role, name), name: `brigade-up-${settings.role}-${process.pid}`, role, firstConnectMs: FIRST_CONNECT_MS, remedy: `brigade up ${settings.role} serves the runs of that server. Start it, or give the --nats URL it is at` });
  isConnected = true;
  const presence = session.presence({ run: EVERY_RUN, actor: role, name });
  using _told = tellEvents(session, presence, draining.signal);
  const keep = settings.role === 'broker' ? await brokersIn(place, session, clock) : childrenOf(place, { clock, log: presence.log, models });
  let changed = (): void => undefined;
  const look = wantedBy({ place, session, settings, log: presence.log, now: () => clock.now() });
  const attendance = attend({ look, keep, clock, log: presence.log, onChange: () => changed(), onReady: () => manager.ready(), draining: draining.signal, hurrying: hurrying.signal });
  await using seen = presence.announce({ actor: role, name, run: EVERY_RUN, read: () => ({ state: attendance.state(), why: [WHY[attendance.state()], ...attendance.lacks()].join('; '), context: { ...attendance.daemons() } }) });
  changed = seen.changed;
  presence.log('info', `serving ${settings.runs === null ? 'every run' : settings.runs.join(', ')} of ${nats}`);
  draining.signal.addEventListener('abort', () => presence.log('info', hurrying.signal.aborted ? 'stopping at once' : 'finishing what is held; a second SIGTERM stops at once, and nothing recorded is lost'), { once: true });
  await attendance.ended;
  presence.log('info', 'ended');
  process.off('SIGTERM', end).off('SIGINT', end);
}

type Keep = AttendanceOptions['keep'];

/** Each daemon as a child, by the command a person could type. Each key of a model reaches the one daemon that sends it. */
function childrenOf(place: Place, { clock, log, models }: { readonly clock: Clock; readonly log: Presence['log']; readonly models: ModelsConfig | null }): Keep {
  const thinking = new Map<string, string>();
  const upstreams = Object.keys(process.env).filter((key) => key.startsWith('BRIGADE_UPSTREAM_'));
  const processes = openProcesses({ command: [process.execPath, fileURLToPath(new URL('../main.js', import.meta.url))], cwd: place.root, logDir: null, secretsOf: (daemon) => [...PASSED, ...upstreams, ...environmentOf(models, `specialist-${thinking.get(daemon) ?? ''}`)] });
  return (daemon, onChange) => {
    if (daemon.specialist !== null) thinking.set(daemon.name, daemon.specialist);
    return startWard(daemon, { processes, clock, log, onChange });
  };
}
