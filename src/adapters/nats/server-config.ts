import { accountOf, CROSSINGS, inboxOf, permissionsOf, userId, type Account, type Crossing, type User } from '../../protocols/authority.ts';
import type { Role } from '../../protocols/streams.ts';

// The configuration of a nats-server, as text.

/** Where a role's replies arrive when it has no name of its own. */
export const inboxPrefix = (role: Role): string => inboxOf(role);

/** A client that a busy machine lets wait longer than this is sent away in the midst of connecting, and hears nothing of it; two seconds, the default, are not enough. */
const AUTHORIZE_SECONDS = 60;
/** Longer than any question may take; then the leave to answer it lapses. */
const ANSWER = '5m';

/** A user with the public half of its key. */
export interface KnownUser extends User { readonly publicKey: string }

/** One server of a cluster, and where its neighbours listen for it. */
export interface ClusterPlace { readonly listen: string; readonly routes: readonly string[]; readonly secret: string }
/** Files of a server's certificate; `isMutual` asks clients for theirs. */
export interface TlsFiles { readonly ca: string; readonly cert: string; readonly key: string; readonly isMutual: boolean }

export interface ServerSettings {
  readonly name: string;
  /** Addresses as host:port; a port of -1 is any that is free. */
  readonly listen: string;
  readonly monitor: string;
  readonly storeDir: string;
  /** null takes what the server thinks fit. */
  readonly storeBytes: number | null;
  /** Who is let in; null lets everybody in. */
  readonly users: readonly KnownUser[] | null;
  /** Public key of who may ask the servers about themselves; null for nobody. */
  readonly sysKey: string | null;
  readonly cluster: ClusterPlace | null;
  readonly tls: TlsFiles | null;
  /** Further lines, such as where it logs. */
  readonly more: readonly string[];
}

const quote = (text: string): string => JSON.stringify(text);
const list = (subjects: readonly string[]): string => `[${subjects.map(quote).join(', ')}]`;

/** The server's configuration file. */
export function serverConfig({ name, listen, monitor, storeDir, storeBytes, users, sysKey, cluster, tls, more }: ServerSettings): string {
  return [
    `server_name: ${quote(name)}`,
    `listen: ${quote(listen)}`,
    `http: ${quote(monitor)}`,
    'max_payload: 1MB',
    'ping_interval: "10s"', // a client whose machine died says no goodbye, and is sent its share of the questions until it is missed
    ...more,
    'jetstream {',
    `  store_dir: ${quote(storeDir)}`,
    '  sync_interval: always', // without it a power cut loses acknowledged facts
    ...(storeBytes === null ? [] : [`  max_file_store: ${Math.floor(storeBytes)}`]),
    '  max_memory_store: 67108864',
    '}',
    ...tlsBlock(tls, ''),
    ...(cluster === null ? [] : ['cluster {', '  name: brigade', `  listen: ${quote(cluster.listen)}`, `  authorization {user: route, password: ${quote(cluster.secret)}, timeout: ${AUTHORIZE_SECONDS}}`,
      `  routes: ${list(cluster.routes.map((host) => `nats-route://route:${cluster.secret}@${host}`))}`, ...tlsBlock(tls === null ? null : { ...tls, isMutual: true }, '  '), '}']),
    ...(users === null ? [] : ['authorization {', `  timeout: ${AUTHORIZE_SECONDS}`, '}', ...accountsBlock(users, sysKey)]),
    '',
  ].join('\n');
}

const tlsBlock = (tls: TlsFiles | null, indent: string): string[] =>
  (tls === null ? [] : [`${indent}tls {cert_file: ${quote(tls.cert)}, key_file: ${quote(tls.key)}, ca_file: ${quote(tls.ca)}, verify: ${tls.isMutual}, timeout: ${AUTHORIZE_SECONDS}}`]);

function accountsBlock(users: readonly KnownUser[], sysKey: string | null): string[] {
  const account = (name: Account): string[] => [
    `  ${name} {`,
    ...(name === 'CORE' ? ['    jetstream: enabled'] : []),
    '    users: [', ...users.filter(({ role }) => accountOf(role) === name).map((user) => `      ${userLine(user)}`), '    ]',
    '    exports: [', ...CROSSINGS.filter(({ from }) => from === name).map((crossing) => `      ${exportLine(crossing)}`), '    ]',
    '    imports: [', ...CROSSINGS.filter(({ to }) => to.includes(name)).map(({ kind, from, subject }) => `      {${kind}: {account: ${from}, subject: ${quote(subject)}}}`), '    ]',
    '  }',
  ];
  return [
    ...(sysKey === null ? [] : ['system_account: SYS']),
    'accounts {',
    ...(sysKey === null ? [] : [`  SYS {users: [{nkey: ${sysKey}}]}`]),
    ...account('CORE'), ...account('SPEC'), ...account('VIEW'),
    '}',
  ];
}

function userLine(user: KnownUser): string {
  const { publish, subscribe } = permissionsOf(user);
  const answers = user.role === 'supervisor' ? '' : `, allow_responses: {max: 1, expires: ${quote(ANSWER)}}`;
  return `{nkey: ${user.publicKey}, permissions: {publish: {allow: ${list(publish)}}, subscribe: {allow: ${list(subscribe)}}${answers}}} # ${userId(user)}`;
}

const exportLine = ({ kind, subject, to, many }: Crossing): string =>
  `{${kind}: ${quote(subject)}, ${many ? 'response_type: stream, ' : ''}accounts: [${to.join(', ')}]}`;
