export { BlobDamaged } from './blobs.ts';
export { JournalUnavailable, readFact } from './journal.ts';
export type { LogLine } from './presence.ts';
export { inboxPrefix } from './server-config.ts';
export { ServerNotStarted, startServer, type EmbeddedServer } from './server.ts';
export { connectNats, ServerUnreachable, type ConnectOptions, type NatsSession } from './session.ts';
export type { Standing } from './standing.ts';
export { isRecentServer, ServerNotDurable } from './version.ts';
