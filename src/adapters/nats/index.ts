export { BlobDamaged } from './blobs.ts';
export type { Refused } from './bus.ts';
export { JournalUnavailable, readFact } from './journal.ts';
export type { LogLine } from './presence.ts';
export type { Durability } from './runs.ts';
export { inboxPrefix } from './server-config.ts';
export { ServerNotStarted, startServer, type EmbeddedServer, type ServerOptions } from './server.ts';
export { connectNats, ServerUnreachable, type ConnectOptions, type NatsSession, type SessionEvent } from './session.ts';
export { isRecentServer, OLDEST_SERVER, ServerNotDurable } from './version.ts';
