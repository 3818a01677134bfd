import { existsSync, statSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import type { Fact } from '../domain/fact.ts';
import { oneLine } from '../domain/figures.ts';
import type { RunId } from '../domain/ids.ts';
import { emptyLineage, grow, type Lineage } from '../domain/lineage.ts';
import type { Recorded } from '../domain/recording.ts';
import { FACTS, factSubject } from '../protocols/facts.ts';
import { count, token } from '../protocols/message.ts';
import { JointOfferedFact } from '../protocols/session.ts';
import { ProposalSchema } from '../protocols/trial.ts';
import { Mistake } from './mistake.ts';
import { runDir, type Place } from './place.ts';
import { reading } from './reading.ts';
import { requireOwn } from './read-only.ts';
import type { Surroundings } from './surroundings.ts';

// Where a recording comes from, and where a replay keeps its own.
//
//   F1. Nothing of a file is believed before its schema read it; a line that cannot be read is named, and nothing is replayed.
//   F2. A replay's recording lies in its own folder, so that it goes on after any death without the run it replays.

/** A run to replay: by name, or by the journal.jsonl that it left behind. */
export async function readRun(here: Surroundings, asked: string): Promise<{ readonly run: string; readonly lineage: Lineage }> {
  const file = journalAt(asked);
  if (file !== null) return { run: basename(dirname(file)), lineage: await foldFile(file) };
  await requireOwn(here.place, asked, 'there are no patches to propose again');
  return reading(here, asked, ({ run, lineage }) => ({ run, lineage }));
}

/** The journal that a path names; null for the name of a run. */
function journalAt(asked: string): string | null {
  const path = resolve(asked);
  if (!/[/.]/.test(asked) || !existsSync(path)) return null;
  const file = statSync(path).isDirectory() ? join(path, 'journal.jsonl') : path;
  if (!existsSync(file)) throw new Mistake(`${asked} holds no journal.jsonl: give the folder of a run, or the file itself`);
  return file;
}

const LineSchema = z.strictObject({ word: z.string(), ids: z.array(token), body: z.unknown(), seq: count, at: z.number() });

/** Folds a journal that lies in a file; its signatures are not proved, because what is measured again speaks for itself. */
async function foldFile(file: string): Promise<Lineage> {
  const lineage = emptyLineage();
  const run = basename(dirname(file));
  for (const [i, text] of (await readFile(file, 'utf8')).split('\n').entries()) { // F1
    if (text === '') continue;
    const damaged = (why: string): Mistake => new Mistake(`${file}:${i + 1} is damaged (${oneLine(why).slice(0, 200)}), so nothing of it is replayed: export the run again with brigade report, or copy the file anew`);
    const line = LineSchema.safeParse(parsed(text));
    if (!line.success || !(line.data.word in FACTS)) throw damaged(line.success ? `no fact is called ${line.data.word}` : line.error.issues[0]?.message ?? 'no fact');
    const { word, ids, body, seq, at } = line.data;
    const known = FACTS[word as keyof typeof FACTS].body.safeParse(body);
    if (!known.success) throw damaged(`${word}: ${known.error.issues[0]?.path.join('.') ?? ''} ${known.error.issues[0]?.message ?? ''}`);
    try { factSubject('run', word as keyof typeof FACTS, ids); } catch (error) { throw damaged(error instanceof Error ? error.message : String(error)); }
    grow(lineage, { word, ids, body: known.data, seq, at } as unknown as Fact, run, () => true);
  }
  if (!lineage.started) throw new Mistake(`${file} holds no run.started: it is no journal of a run`);
  return lineage;
}

function parsed(text: string): unknown {
  try { return JSON.parse(text) as unknown; } catch { return null; }
}

const RecordedSchema = z.strictObject({ trial: token, proposal: ProposalSchema, draft: JointOfferedFact.body.nullable(), after: z.array(token) }) satisfies z.ZodType<Recorded>;

const fileOf = (place: Place, run: RunId): string => join(runDir(place, run), 'replay.jsonl');

/** Keeps a recording in the folder of the run that replays it (F2). */
export async function keepRecording(place: Place, run: RunId, recorded: readonly Recorded[]): Promise<void> {
  await mkdir(runDir(place, run), { recursive: true });
  await writeFile(fileOf(place, run), recorded.map((one) => `${JSON.stringify(one)}\n`).join(''));
}

/** The recording that a run replays. */
export async function recallRecording(place: Place, run: RunId): Promise<readonly Recorded[]> {
  const file = fileOf(place, run);
  const text = await readFile(file, 'utf8').catch((cause: unknown) => { throw new Mistake(`${file} is gone, and with it what ${run} replays: start the replay again`, { cause }); });
  return text.split('\n').filter((line) => line !== '').map((line, i) => {
    const one = RecordedSchema.safeParse(parsed(line));
    if (!one.success) throw new Mistake(`${file}:${i + 1} is damaged: start the replay again`);
    return one.data;
  });
}
