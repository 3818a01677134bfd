import { JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { z } from 'zod';
import type { Fact } from '../../domain/fact.ts';
import { flawsOf, nameOf, type Stored } from '../../domain/damage.ts';
import type { RunId } from '../../domain/ids.ts';
import type { Copies, Journal } from '../../ports.ts';
import { besideSubject } from '../../protocols/facts.ts';
import { journalStream } from '../../protocols/streams.ts';
import { backupOf, type Kept } from './backup.ts';
import { StreamDiffers } from './runs.ts';

// A run's journal put back from what its keeper read.
//
//   R1. Every fact gets its own position, time and subject again, so that every reader holds what it held, to the last hash.
//   R2. What was no fact to the keeper is kept as it lies there; where that is gone too, something that is no fact takes its position.
//   R3. What was said after the keeper last read is kept. What was said instead of what was lost is not: it is handed back, for whoever wants to look.
//   R4. The journal that is there is removed only when its successor is ready and what no keeper's copy holds was set aside, and the successor is there as a
//       whole or not at all.
//   R5. It is read again at last, and compared.

const NO_STREAM = 10059;
const BATCH = 500;
const CHUNK_BYTES = 128 * 1024;
/** A server hashes and writes everything it was sent before it answers. */
const LAST_MS = 300_000;
const CHUNK_MS = 30_000;

const Answer = z.object({ deliver_subject: z.string().optional(), error: z.object({ description: z.string() }).optional() });

/** What became of a journal: how many positions it has now, how many of these came after the keeper's last, and what was handed back. */
export interface Restored { readonly positions: number; readonly later: number; readonly replaced: readonly Stored[] }

/** Keeps what the journal holds that is not the keeper's, until it is certain that the new one stands. */
export type SetAside = (stored: readonly Stored[]) => Promise<void>;

interface RestoreOptions { readonly nc: NatsConnection; readonly jsm: JetStreamManager; readonly copies: Copies; readonly journal: Journal; readonly run: RunId; readonly facts: readonly Fact[]; readonly setAside: SetAside }

/** Makes the journal anew from a keeper's facts, with the credential of whoever sets runs up. */
export async function restoreRun({ nc, jsm, copies, journal, run, facts, setAside }: RestoreOptions): Promise<Restored> {
  const { name, ...wanted } = journalStream(run, nc.info?.cluster === undefined ? 1 : 3);
  const info = await jsm.streams.info(name).catch((error: unknown) => { if (error instanceof JetStreamApiError && error.code === NO_STREAM) return null; throw error; });
  const there = info === null ? new Map<number, Stored>() : await everything(copies);
  const applied = facts.at(-1)?.seq ?? 0;
  const messages = messagesOf(run, facts, there);
  const isSameStory = flawsOf(facts.slice(-1), [...there.values()].filter(({ seq }) => seq === applied), { after: applied - 1, upTo: applied }).length === 0;
  if (isSameStory) for (let next = there.get(applied + 1); next !== undefined; next = there.get(next.seq + 1)) messages.push({ seq: next.seq, at: next.at, subject: subjectOf(run, next.name), text: next.text }); // R3
  const now = new Map(messages.map((message) => [message.seq, message]));
  const replaced = [...there.values()].filter(({ seq, name: said, text }) => { const put = now.get(seq); return put === undefined || put.subject !== subjectOf(run, said) || JSON.stringify(put.text) !== JSON.stringify(text); });
  const config = info?.config ?? { name, ...wanted };
  const archive = backupOf({ name, config, created: new Date(), messages });
  const later = [...there.values()].filter(({ seq }) => seq > applied && now.has(seq));
  await setAside([...replaced, ...later]);
  if (info !== null) await jsm.streams.delete(name); // R4
  await send(nc, { name, config, archive, messages });
  const flaws: string[] = [];
  const read: Fact[] = [];
  for await (const fact of journal.follow({ after: 0, until: messages.length })) read.push(fact);
  for (const [i, fact] of facts.entries()) if (JSON.stringify(read[i]) !== JSON.stringify(fact)) flaws.push(String(fact.seq)); // R5
  if (flaws.length > 0) throw new StreamDiffers(run, `the journal that was put back differs at position ${flaws[0]}: the keeper's copy is as it was, so try again, on another server if need be`);
  return { positions: messages.length, later: later.length, replaced };
}

const subjectOf = (run: RunId, name: string): string => `brigade.evt.${run}.${name}`;

/** Everything that any server still has. */
async function everything(copies: Copies): Promise<Map<number, Stored>> {
  const found = new Map<number, Stored>();
  for (const left = new Set((await copies.servers()).flatMap(({ name, standing }) => (standing === 'away' ? [] : [name]))); left.size > 0;) {
    await using copy = await copies.open({ among: [...left], after: 0 });
    if (copy === null) break;
    left.delete(copy.server);
    for (let some = await copy.next(BATCH); some.length > 0; some = await copy.next(BATCH)) for (const each of some) if (!found.has(each.seq)) found.set(each.seq, each);
  }
  return found;
}

/** A message for each position up to the last fact (R1, R2). */
function messagesOf(run: RunId, facts: readonly Fact[], there: ReadonlyMap<number, Stored>): Kept[] {
  const messages: Kept[] = [];
  const taken = new Map<string, number>();
  const put = (message: Omit<Kept, 'subject'>, subject: string): void => {
    const earlier = taken.get(subject);
    const place = earlier === undefined ? subject : besideSubject(subject, earlier);
    taken.set(place, message.seq);
    messages.push({ ...message, subject: place });
  };
  for (const fact of facts) {
    while (messages.length + 1 < fact.seq) {
      const seq = messages.length + 1;
      const stranger = there.get(seq);
      if (stranger !== undefined && stranger.read() === null) put({ seq, at: stranger.at, text: stranger.text }, subjectOf(run, stranger.name));
      else put({ seq, at: messages.at(-1)?.at ?? fact.at, text: '' }, subjectOf(run, `no.fact.${seq}`));
    }
    put({ seq: fact.seq, at: fact.at, text: JSON.stringify(fact.body) }, subjectOf(run, nameOf(fact)));
  }
  return messages;
}

async function send(nc: NatsConnection, { name, config, archive, messages }: { readonly name: string; readonly config: object; readonly archive: Buffer; readonly messages: readonly Kept[] }): Promise<void> {
  const ask = async (subject: string, body: Buffer | string, timeout: number): Promise<z.infer<typeof Answer>> => {
    const { data } = await nc.request(subject, body, { timeout });
    const answer = data.length === 0 || data[0] !== '{'.charCodeAt(0) ? {} : Answer.parse(JSON.parse(new TextDecoder().decode(data)));
    if (answer.error) throw new Error(`the server did not take the journal back: ${answer.error.description}. The keeper's copy is as it was: try again`);
    return answer;
  };
  const time = (message: Kept | undefined): string => new Date(message?.at ?? 0).toISOString();
  const state = { messages: messages.length, bytes: archive.length, first_seq: 1, first_ts: time(messages[0]), last_seq: messages.length, last_ts: time(messages.at(-1)), consumer_count: 0 };
  const { deliver_subject: place } = await ask(`$JS.API.STREAM.RESTORE.${name}`, JSON.stringify({ config, state }), CHUNK_MS);
  if (place === undefined) throw new Error('the server did not say where to send the journal');
  for (let at = 0; at < archive.length; at += CHUNK_BYTES) await ask(place, archive.subarray(at, at + CHUNK_BYTES), CHUNK_MS);
  await ask(place, '', LAST_MS);
}
