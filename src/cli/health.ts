import type { Command } from 'commander';
import { connectNats, ServerUnreachable } from '../adapters/nats/index.ts';
import { oneLine } from '../domain/figures.ts';
import { NoAnswer, type Bus } from '../ports.ts';
import { EVERY_RUN, NamedActorState } from '../protocols/actor.ts';
import { keyFileOf } from './place.ts';
import { settingsFrom, UP_ROLES, whoOptions, type UpFlags, type UpSettings } from './up-settings.ts';

// Whether one daemon lives, and whether it is ready, for whoever restarts daemons.
//
//   H1. A server that is away is nobody's death: whoever is asked only whether it lives is not blamed for it, or a restarted server would cost every measurement under way.
//   H2. A node whose evaluators still run their canaries is not ready; a machine that no run wants anything of is.
//   H3. A keeper that has found a damaged copy of a journal is not ready, and says which: nothing is lost yet, and somebody should mend it.

interface Seen { readonly name: string; readonly state: string; readonly why: string }
interface Health { readonly role: string; readonly name: string; readonly live: boolean | null; readonly ready: boolean; readonly why: string; readonly daemons: readonly Seen[] }

/** Shorter than the patience of whoever probes. */
const CONNECT_MS = 2_000;
const ANSWER_MS = 2_000;
const READY = new Set(['serving', 'waiting']);
/** An evaluator that measures nothing yet. */
const BEGINNING = new Set(['opening', 'calibrating']);
/** A keeper that knows of damage. */
const ALARMED = 'alarmed';

const HELP = `
Exit codes: 0 ready, or with --live alive; 1 it answers and is not ready, or its server does not answer (and your mistake); 2 nobody answers.
It is given what brigade up was given: the same flags, environment or file.

Examples:
  $ brigade health node --json
  $ brigade health broker --live --config /etc/brigade/brigade.yaml`;

/** `brigade health <role>`: liveness and readiness of what `brigade up` keeps on this machine, by its own word. */
export function healthCommand(program: Command, out: { write(text: string): unknown }): void {
  whoOptions(program.command('health').description('whether what brigade up keeps on this machine lives and is ready, for probes'))
    .option('--live', 'ask only whether it lives; a server that is away is not its death').option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (role: string, { live = false, json = false, ...flags }: UpFlags & { live?: boolean; json?: boolean }) => {
      const health = await healthOf(await settingsFrom(role, flags));
      const lines = [`${health.role}/${health.name}   ${health.live === null ? 'unknown' : !health.live ? 'silent' : health.ready ? 'ready' : 'not ready'}   ${oneLine(health.why)}`, ...health.daemons.map(({ name, state, why }) => `${name}   ${state}   ${oneLine(why)}`)];
      out.write(json ? `${JSON.stringify(health)}\n` : `${lines.join('\n')}\n`);
      process.exitCode = health.live === false ? 2 : live || health.ready ? 0 : 1; // H1
    });
}

async function healthOf(settings: UpSettings): Promise<Health> {
  const { role, node, name: known, nats, keys } = settings;
  const actor = UP_ROLES[role];
  const about = { role, name: known };
  try {
    await using session = await connectNats({ url: nats, keyFile: keyFileOf({ keys }, actor, known), name: `brigade-health-${process.pid}`, role: actor, firstConnectMs: CONNECT_MS });
    const kept = await ask(session.bus, { actor, run: EVERY_RUN, name: known });
    if (kept === null) return { ...about, live: false, ready: false, why: `no brigade up ${role} answers by the name ${known}`, daemons: [] };
    const daemons = await Promise.all(Object.entries(kept.context).map(async ([name, ward]): Promise<Seen> => {
      const own = actor === 'evaluator' || actor === 'lineage' ? await ask(session.bus, { actor, run: name.replace(/^(evaluator|keeper)-/, ''), name: actor === 'evaluator' ? node : 'main' }) : null;
      return own === null ? { name, state: String(ward), why: '' } : { name, state: own.state, why: own.why };
    }));
    const late = daemons.find(({ state }) => BEGINNING.has(state)); // H2
    const alarmed = daemons.find(({ state }) => state === ALARMED); // H3
    return { ...about, live: true, ready: READY.has(kept.state) && (late ?? alarmed) === undefined, why: alarmed?.why ?? (late === undefined ? kept.why : `${late.name} is ${late.state}`), daemons };
  } catch (error) {
    if (!(error instanceof ServerUnreachable) || error.reason !== 'no-answer') throw error;
    return { ...about, live: null, ready: false, why: `no nats-server answers at ${nats}, so nobody can be asked`, daemons: [] };
  }
}

async function ask(bus: Bus, who: { readonly actor: string; readonly run: string; readonly name: string }) {
  return bus.ask(NamedActorState, who, {}, { timeoutMs: ANSWER_MS }).catch((error: unknown) => {
    if (error instanceof NoAnswer) return null;
    throw error;
  });
}
