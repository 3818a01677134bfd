import { join } from 'node:path';
import { verifySignature } from '../adapters/signature/index.ts';
import { connectNats, startServer, type EmbeddedServer, type NatsSession, ServerNotStarted } from '../adapters/nats/index.ts';
import { loadEvaluator } from '../adapters/surfaces/index.ts';
import { findToolchain, projectRoot } from '../adapters/toolchain/index.ts';
import type { Fact } from '../domain/fact.ts';
import { oneLine } from '../domain/figures.ts';
import type { RunId } from '../domain/ids.ts';
import { emptyLineage, grow, type Lineage } from '../domain/lineage.ts';
import { defaultColumns } from '../domain/tables.ts';
import { readStandalone } from './conduct.ts';
import { Mistake } from './mistake.ts';
import type { OpenRun } from './opening.ts';
import { findRun, keyFileOf, readLive, runDir, type Place, type RunFile } from './place.ts';

/** Opens a run for reading: through its live server, or by starting the ended run's own server for as long as it is read. */
export async function openRun(place: Place, name: string | undefined): Promise<OpenRun> {
  const file = await findRun(place, name);
  const { run } = file;
  const live = await readLive(place, run);
  const server = live || file.url !== null ? null : await startOwnServer(place, file);
  const session = await connectNats({ url: live?.url ?? file.url ?? server?.url ?? '', keyFile: keyFileOf(file, 'operator'), name: `brigade-cli-${process.pid}`, role: 'operator' });
  try {
    return await read(place, file, session, server, live !== null);
  } catch (error) {
    await session.close();
    await server?.stop();
    throw error;
  }
}

async function read(place: Place, file: RunFile, session: NatsSession, server: EmbeddedServer | null, isLive: boolean): Promise<OpenRun> {
  const { run } = file;
  const journal = session.journal(run);
  const blobs = session.blobs(run);
  const lineage = emptyLineage();
  const facts: Fact[] = [];
  for await (const fact of journal.follow({ after: 0, until: await journal.position() })) {
    grow(lineage, fact, run, verifySignature);
    facts.push(fact);
  }
  return {
    run, dir: runDir(place, run), lineage, blobs, facts,
    bus: isLive ? session.bus : null,
    columns: await columnsOf(place, run, lineage), standalone: await readStandalone(join(place.root, 'surfaces', file.surface, 'standalone')),
    async *follow(signal) {
      if (!isLive) return;
      for await (const fact of journal.follow({ after: lineage.applied, signal })) {
        grow(lineage, fact, run, verifySignature);
        facts.push(fact);
        yield fact;
      }
    },
    async close() {
      await session.close();
      await server?.stop();
    },
  };
}

/** The columns of its evaluator; the usual ones for a run whose evaluator does not load any more, which says so and is read all the same. */
async function columnsOf(place: Place, run: RunId, { started }: Lineage): Promise<readonly string[]> {
  if (!started) return [];
  try {
    return (await loadEvaluator(place.root, started.evaluator, { dataDir: join(place.root, '.brigade', 'data') })).columns;
  } catch (error) {
    process.stderr.write(`evaluators/${started.evaluator} cannot be read today, so ${run} is shown without columns of its own: ${oneLine(error instanceof Error ? error.message : String(error))}\n`);
    return defaultColumns(started.objective.metric);
  }
}

/** Two readers of one ended run take turns: the second waits until the first has let the store go. */
async function startOwnServer(place: Place, { run }: RunFile): Promise<EmbeddedServer> {
  const { nats } = await findToolchain(projectRoot());
  if (!nats) throw new Mistake('nats-server is missing, and the journal of an ended run is read through one: npm run setup fetches it');
  for (let tries = 0; ; tries++) {
    try {
      return await startServer({ binary: nats.path, dir: join(runDir(place, run), 'nats') });
    } catch (error) {
      if (!(error instanceof ServerNotStarted) || error.reason !== 'already-running' || tries >= 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
