import type { BlobHash } from '../domain/ids.ts';
import type { SessionRow } from '../domain/session.ts';
import { Mistake } from './mistake.ts';
import type { OpenRun } from './opening.ts';
import { findTrial } from './reading.ts';

/** The session that a person named, by its own id or, where they want what was said, by a trial that came from it; null for a trial by itself. */
export function sessionOf(opened: OpenRun, asked: string, wantsWords: boolean): SessionRow | null {
  const { run, lineage: { sessions: { rows } } } = opened;
  if (/^s\d+$/.test(asked)) {
    const row = rows.get(asked);
    if (row) return row;
    throw new Mistake(`${run} has no session ${asked} (${rows.size === 0 ? 'no model was asked in it' : `it has s0001 to ${[...rows.keys()].at(-1) ?? ''}`})`);
  }
  if (!wantsWords) return null;
  const { trial, proposal } = findTrial(opened, asked);
  const row = rows.get(proposal.session ?? '');
  if (!row) throw new Mistake(`${trial} came from no session: no model thought of it, but ${proposal.proposer.kind}:${proposal.proposer.strategy}`);
  return row;
}

/** The exact text that a session's model was told first. */
export const promptOf = ({ blobs }: OpenRun, { session, opened }: SessionRow): Promise<string> => read(blobs, opened.prompt, `the prompt of ${session}`);

/** Everything that was said in a session. */
export async function transcriptOf({ blobs }: OpenRun, { session, ended }: SessionRow): Promise<string> {
  if (ended === null) throw new Mistake(`${session} has not ended: what is said in it is kept when it has`);
  if (ended.transcript === null) throw new Mistake(`${session} ended \`${ended.ending}\` and what was said in it was lost: ${ended.reason}`);
  return read(blobs, ended.transcript, `the transcript of ${session}`);
}

async function read(blobs: OpenRun['blobs'], hash: BlobHash, what: string): Promise<string> {
  const bytes = await blobs.get(hash);
  if (!bytes) throw new Mistake(`${what} is not in this run's blobs: the store was damaged`);
  return new TextDecoder().decode(bytes);
}
