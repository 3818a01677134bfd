import { restart } from '../actors/supervisor/index.ts';
import { ServerNotStarted, startServer, type EmbeddedServer } from '../adapters/nats/index.ts';
import type { Clock } from '../ports.ts';

// The run's own nats-server, kept alive as a daemon is.
//
//   S1. A server that died is started again on its folder and at its address, so that every session finds it by reconnecting.
//   S2. When the address cannot be had again, or it dies too often, the run ends: its daemons would look for it for ever.

export interface KeptServer {
  readonly url: string;
  readonly monitorUrl: string;
  /** Resolves, if ever, with why there is no server any more. */
  readonly lost: Promise<string>;
  stop(): Promise<void>;
}

export interface KeepOptions { readonly binary: string; readonly dir: string; readonly clock: Clock; readonly onStep: (says: string) => void }

/** Whoever took the port in the moment it was free may let it go soon: a client's own outgoing connection, say. And what killed a server once may kill the next while it starts. */
const PASSING = new Set<ServerNotStarted['reason']>(['port-in-use', 'killed']);
const TRIES = 20;
const BETWEEN_TRIES_MS = 250;

/** Starts a server on a folder and starts it again whenever it dies, until stopped. */
export async function keepServer({ binary, dir, clock, onStep }: KeepOptions): Promise<KeptServer> {
  const first = await startServer({ binary, dir });
  const port = Number(new URL(first.url).port);
  const stopping = new AbortController();
  let server: EmbeddedServer = first;
  let bornMs = clock.now();
  let lose = (_why: string): void => undefined;
  const lost = new Promise<string>((resolve) => { lose = resolve; });
  const keeping = keep().catch((error: unknown) => { if (!stopping.signal.aborted) lose(error instanceof Error ? error.message : String(error)); });

  async function keep(): Promise<void> {
    for (let deaths = 0; ;) {
      await server.exited;
      if (stopping.signal.aborted) return;
      const next = restart(clock.now() - bornMs, deaths);
      if (next.kind === 'give-up') return lose(`its nats-server died ${next.deaths} times in a row; its log is ${dir}/nats.log`); // S2
      deaths = next.deaths;
      await clock.wait(next.afterMs, stopping.signal);
      server = await again();
      bornMs = clock.now();
      if (stopping.signal.aborted) return server.stop();
      onStep(`nats-server died and was started again at ${server.url}`);
    }
  }

  async function again(): Promise<EmbeddedServer> { // S1
    for (let tries = 1; ; tries++) {
      try {
        return await startServer({ binary, dir, port });
      } catch (error) {
        if (!(error instanceof ServerNotStarted) || !PASSING.has(error.reason) || tries >= TRIES) throw error;
        await clock.wait(BETWEEN_TRIES_MS, stopping.signal);
      }
    }
  }

  return {
    url: first.url, monitorUrl: first.monitorUrl, lost,
    async stop() {
      stopping.abort(new Error('the run is over'));
      await server.stop();
      await keeping;
    },
  };
}
