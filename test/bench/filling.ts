import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectNats, startServer } from '../../src/adapters/nats/index.ts';
import type { Fact } from '../../src/domain/fact.ts';
import type { Blobs } from '../../src/ports.ts';
import { RUN } from './null-run.ts';

/** Facts on their way at once. */
const BATCH = 500;

/** Fills the journal of a run that nobody has begun, by a server that leaves syncing to the system: only the filling is quicker. Answers how many facts it has. */
export async function fillJournal({ binary, dir, facts }: { readonly binary: string; readonly dir: string; readonly facts: (blobs: Blobs) => Promise<Iterable<Fact>> }): Promise<number> {
  await mkdir(dir, { recursive: true });
  await withRun(binary, async () => undefined); // its streams are made under a server as it should be
  const hasty = join(dir, 'hasty-nats-server');
  await writeFile(hasty, `#!/bin/sh\n[ "$1" = -c ] && sed -i 's/sync_interval: always/sync_interval: "2m"/' "$2"\nexec '${binary}' "$@"\n`, { mode: 0o755 });
  return withRun(hasty, async (session) => {
    const journal = session.journal(RUN);
    let pending: Promise<unknown>[] = [];
    let count = 0;
    for (const { word, ids, body } of await facts(session.blobs(RUN))) {
      pending.push(journal.record(word, ids, body)); // one connection keeps their order
      if (++count % BATCH === 0) { await Promise.all(pending); pending = []; }
    }
    await Promise.all(pending);
    return count;
  });

  async function withRun<T>(server: string, work: (session: Awaited<ReturnType<typeof connectNats>>) => Promise<T>): Promise<T> {
    await using running = await startServer({ binary: server, dir });
    await using session = await connectNats({ url: running.url, monitorUrl: running.monitorUrl, keyFile: running.keyFile('supervisor'), name: 'bench filling', role: 'supervisor' });
    if (server === binary) await session.ensureRun(RUN);
    return await work(session); // both are disposed of afterwards
  }
}
