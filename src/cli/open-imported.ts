import { NO_RECIPE, openTrace } from '../adapters/traces/index.ts';
import type { RunId } from '../domain/ids.ts';
import type { OpenRun } from './opening.ts';

/** Opens an imported run for reading; null for a run of our own. Its facts are told from its file and stand in no journal. */
export async function openImported(run: RunId, dir: string): Promise<OpenRun | null> {
  const lineage = await openTrace(run, dir);
  if (lineage === null) return null;
  return {
    run, dir, lineage, facts: [], bus: null, columns: lineage.imported?.columns ?? [], standalone: {},
    blobs: { get: async (hash) => (hash === lineage.started?.snapshot ? NO_RECIPE : null) },
    async *follow() { /* it has ended: no fact follows */ },
    async close() { /* nothing was opened */ },
  };
}
