import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectNats, startServer, type ConnectOptions, type EmbeddedServer, type NatsSession } from '../../src/adapters/nats/index.ts';
import type { RunId } from '../../src/domain/ids.ts';
import type { Role } from '../../src/protocols/streams.ts';

const here = join(import.meta.dirname, '..', '..', '.brigade', 'bin', 'nats-server');

/** The nats-server that set-up fetched, or one the user has. */
export const natsBinary = process.env['NATS_SERVER_BIN'] ?? (existsSync(here) ? here : 'nats-server');

export interface TestServer extends AsyncDisposable {
  readonly server: EmbeddedServer;
  readonly dir: string;
  /** A session of a role; closed with the server. */
  session(role?: Role, options?: Partial<ConnectOptions>): Promise<NatsSession>;
  /** A session of the supervisor with the run's streams made. */
  run(run: RunId): Promise<NatsSession>;
  /** Ends the server as a power cut would end its process, and starts it again on the same store. */
  crash(): Promise<void>;
}

/** A real nats-server in a folder of its own, gone when the block ends. */
export async function natsServer({ credentials = true }: { credentials?: boolean } = {}): Promise<TestServer> {
  const dir = await mkdtemp(join(tmpdir(), 'brigade-nats-'));
  let server = await startServer({ binary: natsBinary, dir, credentials });
  const sessions: NatsSession[] = [];
  const session = async (role: Role = 'supervisor', options: Partial<ConnectOptions> = {}): Promise<NatsSession> => {
    const opened = await connectNats({ url: server.url, monitorUrl: server.monitorUrl, keyFile: server.keyFile(role), name: `test ${role}`, role, ...options });
    sessions.push(opened);
    return opened;
  };
  return {
    get server() { return server; },
    dir,
    session,
    async run(run) {
      const opened = await session();
      await opened.ensureRun(run);
      return opened;
    },
    async crash() {
      process.kill(server.pid, 'SIGKILL');
      await server.exited;
      server = await startServer({ binary: natsBinary, dir, credentials });
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(sessions.map((each) => each.close()));
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
