import * as actor from './actor.ts';
import * as lineage from './lineage.ts';
import * as measurement from './measurement.ts';
import { isUnderName, underName, type CommandMessage, type FactMessage, type TelemetryMessage } from './message.ts';
import * as run from './run.ts';
import * as session from './session.ts';
import type { Role } from './streams.ts';
import * as trial from './trial.ts';

// Who may say and hear what, derived from the words themselves; an adapter turns it into server configuration.
//
//   A1. A user may publish what the words say it says, under its own name where they bear one, and nothing else.
//   A2. Facts live in an account that specialists and onlookers are not in. What they ask crosses as a service import, so that whoever answers sees a
//       reply-to that the server made: no asker can have an answer written where it may not write.
//   A3. An answer goes to whoever asked, once, by the server's own leave for it; nobody else's inbox can be written to or read.
//   A4. Nobody reads by JetStream's direct get: it is a publisher whose words its asker chooses.
//   A5. A specialist that has a key of its own asks under its name alone, and whoever answers sees it: it cannot speak for another. One key for all of them may.

type Message = FactMessage<string, unknown> | CommandMessage<string, unknown, unknown> | TelemetryMessage<string, unknown>;
const isMessage = (value: unknown): value is Message => typeof value === 'object' && value !== null && 'kind' in value && 'pattern' in value;

const MESSAGES: readonly Message[] = [actor, lineage, measurement, run, session, trial].flatMap((family) => Object.values(family)).filter(isMessage)
  .sort((a, b) => (a.pattern < b.pattern ? -1 : 1)); // one configuration, however the modules are read
const FACTS = MESSAGES.filter((message) => message.kind === 'evt');
const COMMANDS = MESSAGES.filter((message) => message.kind === 'cmd');
const TELEMETRY = MESSAGES.filter((message) => message.kind === 'tel');

/** A user of the server: a role, and its name where there are several. A nameless evaluator or specialist may be any of them. */
export interface User { readonly role: Role; readonly name: string | null }

/** How a user is called: its key file bears this name, and its inbox. */
export const userId = ({ role, name }: User): string => (name === null ? role : `${role}-${name}`);

/** Facts are in CORE; who asks is in SPEC; who only looks on is in VIEW. */
export type Account = 'CORE' | 'SPEC' | 'VIEW';
const ACCOUNTS: Readonly<Record<Role, Account>> = { supervisor: 'CORE', broker: 'CORE', lineage: 'CORE', evaluator: 'CORE', operator: 'CORE', specialist: 'SPEC', dashboard: 'VIEW' };

/** The account of a role. */
export const accountOf = (role: Role): Account => ACCOUNTS[role];

/** Where a user's replies arrive. Actors hear nobody else's, because replies carry outcomes; who may read everything anyway keeps the default of the stock tools. */
export const inboxOf = (id: string): string => (id === 'operator' || id === 'supervisor' || id === 'dashboard' ? '_INBOX' : `_INBOX.${id}`);

export interface Permissions { readonly publish: readonly string[]; readonly subscribe: readonly string[] }

/** What finding the runs of a server, following a journal and reading blobs takes. */
const READ = ['INFO', 'STREAM.NAMES', 'STREAM.INFO.*', 'STREAM.MSG.GET.*', 'CONSUMER.CREATE.>', 'CONSUMER.MSG.NEXT.*.*', 'CONSUMER.INFO.*.*', 'CONSUMER.DELETE.*.*'].map((verb) => `$JS.API.${verb}`).concat('$JS.FC.>');
/** What listing streams and backing them up with the stock tools takes besides. */
const LOOK = ['STREAM.LIST', 'STREAM.SNAPSHOT.*', 'CONSUMER.NAMES.*', 'CONSUMER.LIST.*'].map((verb) => `$JS.API.${verb}`).concat('$JS.ACK.>', '$JS.SNAPSHOT.ACK.>');
const WRITE_BLOBS = ['$O.>'];
const SERVICE = '$SRV.>';

const ofActor = ({ pattern }: Message): boolean => pattern.startsWith(':actor.');
/** Who serves a command: the actor it names; a run's own commands are its broker's. */
const serves = (role: Role, message: Message): boolean => ofActor(message) || message.pattern.startsWith(`${role}.`) || (role === 'broker' && message.pattern.startsWith('run.'));

/** The ids that a user's own words bear. */
function idsOf({ role, name }: User): Readonly<Record<string, string>> {
  const own = { actor: role };
  if (name === null) return own;
  return { ...own, name, ...(role === 'evaluator' ? { node: name } : role === 'specialist' ? { specialist: name } : {}) };
}

const filter = (message: Message, ids: Readonly<Record<string, string>>): string => (message.filter as (ids: Readonly<Record<string, string>>) => string)(ids);
/** A fact may stand beside its subject where that was squatted. */
const withBeside = (subject: string): string[] => [subject, `${subject}.*`];

/** How a command is heard by whoever serves it: from anybody of its askers, and under the name of one. */
const heard = (message: Message, ids: Readonly<Record<string, string>>): string[] => (isUnderName(message) ? [filter(message, ids), underName(filter(message, ids), '*')] : [filter(message, ids)]);

/** What one user may publish and subscribe to. */
export function permissionsOf(user: User): Permissions {
  const { role } = user;
  const ids = idsOf(user);
  const inbox = `${inboxOf(userId(user))}.>`;
  if (role === 'supervisor') return { publish: ['>'], subscribe: ['>'] };
  if (role === 'operator') return { publish: ['brigade.cmd.>', 'brigade.tel.>', SERVICE, ...READ, ...LOOK], subscribe: ['brigade.>', SERVICE, inbox, '$JS.EVENT.>'] };
  if (role === 'dashboard') return { publish: [...COMMANDS.filter(({ says }) => says === 'anyone').map((message) => filter(message, {})), SERVICE], subscribe: ['brigade.evt.>', 'brigade.tel.>', inbox] };
  const isOfNode = role === 'evaluator';
  return {
    publish: [ // A1
      ...FACTS.filter(({ says }) => says === role).flatMap((message) => withBeside(filter(message, isOfNode ? ids : {}))),
      ...COMMANDS.filter(({ says }) => says === role).map((message) => (isUnderName(message) && user.name !== null ? underName(filter(message, {}), user.name) : filter(message, {}))), // A5
      filter(actor.NamedActorState, ids), // is somebody of this name there already
      ...TELEMETRY.filter(({ says }) => says === role || says === 'every actor').map((message) => filter(message, ids)),
      ...(role === 'specialist' ? [] : [...READ, ...(role === 'lineage' ? [] : WRITE_BLOBS)]),
    ],
    subscribe: [
      ...COMMANDS.filter((message) => serves(role, message)).flatMap((message) => heard(message, ids)),
      ...(role === 'broker' ? [filter(actor.Pulse, {})] : []),
      SERVICE, inbox,
    ],
  };
}

/** A subject that one account lets others use: a service is asked from there, a stream is heard there. `many` answers may come to one question. */
export interface Crossing { readonly kind: 'service' | 'stream'; readonly subject: string; readonly from: Account; readonly to: readonly Account[]; readonly many: boolean }

const IN_CORE: readonly Role[] = ['supervisor', 'broker', 'lineage', 'evaluator'];

/** Everything that passes from one account to another. */
export const CROSSINGS: readonly Crossing[] = [
  ...IN_CORE.flatMap((role) => COMMANDS.filter((message) => serves(role, message) && (message.says === 'specialist' || message.says === 'anyone')).flatMap((message) => heard(message, { actor: role }).map((subject): Crossing =>
    ({ kind: 'service', subject, from: 'CORE', to: message.says === 'anyone' ? ['VIEW'] : ['SPEC'], many: message === actor.ActorState })))), // A2
  ...COMMANDS.filter((message) => serves('specialist', message)).map((message): Crossing =>
    ({ kind: 'service', subject: filter(message, { actor: 'specialist' }), from: 'SPEC', to: message.says === 'anyone' ? ['CORE', 'VIEW'] : ['CORE'], many: message === actor.ActorState })),
  { kind: 'service', subject: SERVICE, from: 'SPEC', to: ['CORE', 'VIEW'], many: true },
  { kind: 'service', subject: SERVICE, from: 'CORE', to: ['VIEW'], many: true },
  { kind: 'stream', subject: 'brigade.evt.>', from: 'CORE', to: ['VIEW'], many: false },
  ...TELEMETRY.flatMap((message): Crossing[] => (message.says === 'every actor'
    ? [...IN_CORE.map((role): Crossing => ({ kind: 'stream', subject: filter(message, { actor: role }), from: 'CORE', to: ['VIEW'], many: false })), { kind: 'stream', subject: filter(message, { actor: 'specialist' }), from: 'SPEC', to: ['CORE', 'VIEW'], many: false }]
    : [{ kind: 'stream', subject: filter(message, {}), from: 'CORE', to: ['VIEW'], many: false }])),
];
