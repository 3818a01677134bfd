import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { RunId } from '../../domain/ids.ts';
import type { Lineage } from '../../domain/lineage.ts';
import { BadTrace, type Asked } from './columns.ts';
import { foldTrace } from './fold.ts';
import { readTrace, type TraceText } from './trace.ts';

export { BadTrace, type Asked } from './columns.ts';
export { NO_RECIPE } from './fold.ts';

// A run that was measured elsewhere, kept as the very files it came in.
//
//   I1. The files are the truth: they are copied as they are, folded anew whenever the run is opened, and written by nobody.
//   I2. Its note is written last: a folder without one is no imported run.

/** Larger than any run: a file of this size is something else. */
const MOST_BYTES = 256 * 1024 * 1024;

const NoteSchema = z.strictObject({
  source: z.string(), results: z.string().regex(/^[0-9a-f]{64}$/), tree: z.string().regex(/^[0-9a-f]{64}$/).nullable(),
  metric: z.string().nullable(), direction: z.enum(['minimize', 'maximize']).nullable(),
});
/** What was imported, from where and how it was asked to be read. */
export type ImportNote = z.infer<typeof NoteSchema>;

/** A trace as it lies on disk. */
export interface TraceFiles extends TraceText {
  /** Path of its results.tsv. */
  readonly file: string;
  /** The files to the byte, whatever their text is. */
  readonly bytes: { readonly results: Uint8Array; readonly tree: Uint8Array | null };
  /** What its folder is called. */
  readonly name: string;
}

/** Reads results.tsv, and tree.tsv beside it, from a file, a run's folder, or a folder with a `blackboard/` in it. Throws `BadTrace` when there is none. */
export async function findTrace(path: string): Promise<TraceFiles> {
  const places = [path, join(path, 'results.tsv'), join(path, 'blackboard', 'results.tsv')];
  for (const file of places) {
    const found = await stat(file).catch(() => null);
    if (!found?.isFile()) continue;
    if (found.size > MOST_BYTES) throw new BadTrace(`${file} has ${found.size} bytes: no results.tsv is so large`);
    const folder = dirname(file);
    const bytes = { results: await readFile(file), tree: await readFile(join(folder, 'tree.tsv')).catch(() => null) };
    return { file, bytes, results: textOf(bytes.results), tree: bytes.tree && textOf(bytes.tree), name: basename(basename(folder) === 'blackboard' ? dirname(folder) : folder) };
  }
  const below = await runsBelow(path);
  if (below.length > 0) throw new BadTrace(`${path} has no results.tsv, and ${below.length} of its folders have: give them one by one, ${join(path, below[0] ?? '')} first`);
  throw new BadTrace(`${path} has no results.tsv: give the file itself, or the folder of a run that has one`);
}

/** Folders in a folder that have a run in them. */
async function runsBelow(path: string): Promise<string[]> {
  const names = await readdir(path).catch(() => []);
  const found = await Promise.all(names.sort().map(async (name) => [name, (await Promise.all(['results.tsv', join('blackboard', 'results.tsv')].map((file) => stat(join(path, name, file)).then((one) => one.isFile(), () => false)))).includes(true)] as const));
  return found.flatMap(([name, has]) => (has ? [name] : []));
}

/** Folds a trace that is not kept here yet, to see whether it can be read. */
export const foldFiles = (run: RunId, files: TraceFiles, asked: Asked): Lineage =>
  foldTrace(run, readTrace(files, asked, files.file), { source: files.file, digest: digestOf(files.bytes.results), intact: true });

/** What a folder of ours says it was imported from; null for a run of our own. */
export async function readNote(dir: string): Promise<ImportNote | null> {
  const text = await readFile(join(dir, 'import', 'import.json'), 'utf8').catch(() => null);
  return text === null ? null : NoteSchema.parse(JSON.parse(text));
}

/** The note that an import of these files would leave. */
export const noteOf = ({ file, bytes: { results, tree } }: TraceFiles, { metric, direction }: Asked): ImportNote =>
  ({ source: file, results: digestOf(results), tree: tree === null ? null : digestOf(tree), metric, direction });

/** Keeps a trace in a run's folder. */
export async function keepTrace(dir: string, files: TraceFiles, note: ImportNote): Promise<void> {
  const folder = join(dir, 'import');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'results.tsv'), files.bytes.results);
  if (files.bytes.tree !== null) await writeFile(join(folder, 'tree.tsv'), files.bytes.tree);
  await writeFile(join(folder, 'import.draft'), `${JSON.stringify(note, null, 2)}\n`);
  await rename(join(folder, 'import.draft'), join(folder, 'import.json')); // I2
}

/** Opens an imported run; null for a run of our own. */
export async function openTrace(run: RunId, dir: string): Promise<Lineage | null> {
  const note = await readNote(dir);
  if (note === null) return null;
  const folder = join(dir, 'import');
  const results = await readFile(join(folder, 'results.tsv'));
  const tree = note.tree === null ? null : await readFile(join(folder, 'tree.tsv'));
  const intact = digestOf(results) === note.results && (tree === null || digestOf(tree) === note.tree);
  return foldTrace(run, readTrace({ results: textOf(results), tree: tree && textOf(tree) }, note, join(folder, 'results.tsv')), { source: note.source, digest: digestOf(results), intact });
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
