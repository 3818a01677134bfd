import { readNote } from '../adapters/traces/index.ts';
import type { RunId } from '../domain/ids.ts';
import { Mistake } from './mistake.ts';
import { runDir, type Place } from './place.ts';

/** Throws `Mistake` for an imported run: it is a record, and nobody can run, steer or watch it. */
export async function requireOwn(place: Place, run: RunId, what: string): Promise<void> {
  const note = await readNote(runDir(place, run));
  if (note) throw new Mistake(`${run} was imported from ${note.source} and is read-only, so ${what}: brigade results ${run}, lineage, show, report and analyze read it`);
}
