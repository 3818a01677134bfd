import { join } from 'node:path';
import { verifySignature } from '../adapters/signature/index.ts';
import { connectNats, startServer, type EmbeddedServer, type NatsSession, ServerNotStarted } from '../adapters/nats/index.ts';
import { loadEvaluator, loadSurface } from '../adapters/surfaces/index.ts';
import { findToolchain } from '../adapters/toolchain/index.ts';
import type { Fact } from '../domain/fact.ts';
import { emptyLineage, grow } from '../domain/lineage.ts';
import type { Recipe } from '../domain/recipe.ts';
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
  const end = await journal.position();
  const reading = new AbortController();
  if (end > 0) {
    for await (const fact of journal.follow({ after: 0, signal: reading.signal })) {
      grow(lineage, fact, run, verifySignature);
      facts.push(fact);
      if (fact.seq >= end) break;
    }
  }
  reading.abort();
  const surface = await loadSurface(place.root, file.surface);
  const evaluator = await loadEvaluator(place.root, surface.evaluator, { dataDir: join(place.root, '.brigade', 'data') });
  const bytes = lineage.started ? await blobs.get(lineage.started.snapshot) : null;
  return {
    run, dir: runDir(place, run), lineage, blobs, facts,
    bus: isLive ? session.bus : null,
    recipeBaseline: bytes ? (JSON.parse(new TextDecoder().decode(bytes)) as Recipe) : surface.recipe,
    claims: surface.claims, columns: evaluator.columns, standalone: await readStandalone(join(surface.dir, 'standalone')),
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

/** Two readers of one ended run take turns: the second waits until the first has let the store go. */
async function startOwnServer(place: Place, { run }: RunFile): Promise<EmbeddedServer> {
  const { nats } = await findToolchain(place.root);
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
