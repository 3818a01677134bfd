import { JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import type { RunStarted } from '../../domain/fact.ts';
import type { RunId } from '../../domain/ids.ts';
import { FACTS } from '../../protocols/facts.ts';
import { journalStream } from '../../protocols/streams.ts';
import { readFact } from './journal.ts';

const NO_MESSAGE = 10037;
const NO_STREAM = 10059;

/** Where a run stands, by three facts of its journal however long that is: its first, and its newest stop and resume. */
export interface Standing { readonly started: RunStarted; readonly isOver: boolean }

/** null before its first fact, and for what can be read as none. */
export async function standingOf(jsm: JetStreamManager, run: RunId): Promise<Standing | null> {
  const newest = async (subject: string) => jsm.streams.getMessage(journalStream(run).name, { last_by_subj: subject }).catch((error: unknown) => {
    if (error instanceof JetStreamApiError && (error.code === NO_MESSAGE || error.code === NO_STREAM)) return null;
    throw error;
  });
  const first = await newest(FACTS['run.started'].filter({ run }));
  const fact = first && readFact(run, { subject: first.subject, data: first.data, seq: first.seq, at: 0 });
  if (fact === null || typeof fact === 'string' || fact.word !== 'run.started') return null;
  const [stopped, resumed] = await Promise.all([newest(FACTS['run.stopped'].filter({ run })), newest(FACTS['run.resumed'].filter({ run }))]);
  return { started: fact.body, isOver: stopped !== null && stopped.seq > (resumed?.seq ?? 0) };
}
