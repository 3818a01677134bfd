import { join } from 'node:path';
import { verifySignature } from '../adapters/signature/index.ts';
import { connectNats, startServer, type EmbeddedServer, type NatsSession, ServerNotStarted, ServerUnreachable } from '../adapters/nats/index.ts';
import { loadEvaluator } from '../adapters/surfaces/index.ts';
import { findToolchain, projectRoot } from '../adapters/toolchain/index.ts';
import type { Fact } from '../domain/fact.ts';
import { oneLine } from '../domain/figures.ts';
import type { RunId } from '../domain/ids.ts';
import { emptyLineage, grow, type Lineage } from '../domain/lineage.ts';
import { defaultColumns } from '../domain/tables.ts';
import { NamedActorState } from '../protocols/actor.ts';
import { readStandalone } from './conduct.ts';
import { Mistake } from './mistake.ts';
import { openImported } from './open-imported.ts';
import type { OpenRun } from './opening.ts';
import { findRun, keyFileOf, readLive, runDir, type LiveFile, type Place, type RunFile } from './place.ts';

// A run is read through its live server, or by starting an ended run's own server for as long as it is read.
//
//   O1. A run that is just ending has no server for a moment: its reader waits until it has ended and reads on.

/** Longer than a run takes to let its daemons and its server go, or to bring a server back that died. */
const PATIENCE_MS = 20_000;
const LOOK_AGAIN_MS = 250;

/** Opens a run for reading. */
export async function openRun(place: Place, name: string | undefined, patienceMs = PATIENCE_MS): Promise<OpenRun> {
  const file = await findRun(place, name);
  const imported = await openImported(file.run, runDir(place, file.run));
  if (imported) {
    if (imported.lineage.imported?.intact === false) process.stderr.write(`${imported.dir}/import has changed since it was imported: brigade verify ${file.run} says what\n`);
    return imported;
  }
  const until = performance.now() + patienceMs;
  for (;;) {
    const live = await readLive(place, file.run);
    try {
      return await open(place, file, live);
    } catch (error) {
      const isBetween = live !== null && file.url === null && error instanceof ServerUnreachable && error.reason === 'no-answer'; // O1
      if (!isBetween) throw error;
      if (performance.now() >= until) throw new Mistake(`process ${live.pid} runs ${file.run}, but its server at ${live.url} does not answer: it is starting or ending. Try again in a moment`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }
}

async function open(place: Place, file: RunFile, live: LiveFile | null): Promise<OpenRun> {
  const server = live || file.url !== null ? null : await startOwnServer(place, file);
  const url = live?.url ?? file.url ?? server?.url ?? '';
  const session = await connectNats({ url, keyFile: keyFileOf(file, 'operator'), name: `brigade-cli-${process.pid}`, role: 'operator', ...(live && file.url === null ? { firstConnectMs: 1_000 } : {}) });
  let lose = (_error: Error): void => undefined;
  const lost = new Promise<never>((_, reject) => { lose = reject; });
  lost.catch(() => undefined);
  using _watched = session.events(({ kind, reason }) => { if (kind === 'disconnected') lose(new ServerUnreachable(url, 'no-answer', `the server at ${url} went while ${file.run} was read: ${reason}`)); });
  try {
    const reading = read(place, file, session, server, live !== null || (file.url !== null && await isServed(session, file.run)));
    return await (live && file.url === null ? Promise.race([reading, lost]) : reading); // O1
  } catch (error) {
    await session.close();
    await server?.stop();
    throw error;
  }
}

/** A run that was only begun here lives where its broker answers. */
const isServed = (session: NatsSession, run: RunId): Promise<boolean> => session.bus.ask(NamedActorState, { actor: 'broker', run, name: 'main' }, {}, { timeoutMs: 1_000 }).then(() => true, () => false);

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
    columns: await columnsOf(place, run, lineage), standalone: await readStandalone(place, lineage.started?.evaluator ?? ''),
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
