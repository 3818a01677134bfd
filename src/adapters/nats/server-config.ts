import { PERMISSIONS, ROLES, type Role } from '../../protocols/streams.ts';

// The configuration of a nats-server of our own, as text.

/** Where a role's replies arrive. Actors may hear nobody else's, because replies carry outcomes; who may read everything anyway keeps the default. */
export const inboxPrefix = (role: Role): string => (role === 'operator' || role === 'supervisor' ? '_INBOX' : `_INBOX.${role}`);

/** What a role may subscribe to, with its inbox narrowed to its own. */
const subscriptionsOf = (role: Role): readonly string[] =>
  PERMISSIONS[role].subscribe.map((subject) => (subject === '_INBOX.>' ? `${inboxPrefix(role)}.>` : subject));

/** A client that a busy machine lets wait longer than this is sent away in the midst of connecting, and hears nothing of it; two seconds, the default, are not enough. */
const AUTHORIZE_SECONDS = 60;

export interface ServerSettings {
  readonly dir: string;
  readonly port: number;
  readonly monitorPort: number;
  readonly storeBytes: number;
  /** Public nkey of every role; null lets everybody in. */
  readonly publicKeys: Readonly<Record<Role, string>> | null;
}

/** The server's configuration file. */
export function serverConfig({ dir, port, monitorPort, storeBytes, publicKeys }: ServerSettings): string {
  const quote = (text: string) => JSON.stringify(text);
  const list = (subjects: readonly string[]) => `[${subjects.map(quote).join(', ')}]`;
  const users = publicKeys === null ? [] : ROLES.map((role) =>
    `    {nkey: ${publicKeys[role]}, permissions: {publish: ${list(PERMISSIONS[role].publish)}, subscribe: ${list(subscriptionsOf(role))}}}`);
  return [
    'server_name: brigade',
    `listen: "127.0.0.1:${port}"`,
    `http: "127.0.0.1:${monitorPort}"`,
    `ports_file_dir: ${quote(dir)}`,
    `pid_file: ${quote(`${dir}/nats.pid`)}`,
    `log_file: ${quote(`${dir}/nats.log`)}`,
    'logfile_size_limit: 8MB',
    'logfile_max_num: 3',
    'max_payload: 1MB',
    'jetstream {',
    `  store_dir: ${quote(`${dir}/store`)}`,
    '  sync_interval: always', // without it a power cut loses acknowledged facts
    `  max_file_store: ${Math.floor(storeBytes)}`,
    '  max_memory_store: 67108864',
    '}',
    ...(users.length === 0 ? [] : ['authorization {', `  timeout: ${AUTHORIZE_SECONDS}`, '  users: [', ...users, '  ]', '}']),
    '',
  ].join('\n');
}
