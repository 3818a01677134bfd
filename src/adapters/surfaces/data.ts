import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ManifestSchema, type Manifest } from '../../protocols/manifest.ts';
import type { EvaluatorFile } from './evaluator.ts';
import { listFiles } from './folder.ts';

// Prepared data as they lie on this machine.
//
//   D1. A data set that is one file is read and compared with the digest in evaluator.yaml at every start.
//   D2. One that is a folder is compared with the manifest that set-up left beside it: by size and time, and in full when asked to.
//   D3. A manifest that was pinned under checksums must be that very one; its digest counts whatever its times are.

/** A file of a data folder, with the digest that set-up took. */
export interface PinnedFile { readonly path: string; readonly sha256: string }

interface DataFound {
  readonly problems: readonly string[];
  readonly missing: readonly string[];
  readonly pinned: readonly PinnedFile[];
  /** One line a folder: its name and the digest of its manifest. */
  readonly digests: readonly string[];
}

/** Looks at the prepared data of one evaluator. */
export async function readData({ value, problem }: EvaluatorFile, dir: string, verify: boolean): Promise<DataFound> {
  const problems: string[] = [];
  const missing: string[] = [];
  const pinned: PinnedFile[] = [];
  const digests: string[] = [];
  for (const [set, expected] of Object.entries(value.checksums)) { // D1
    if (value.folders.includes(set)) continue;
    const found = await digestOf(join(dir, `${set}.bin`));
    if (found === null) missing.push(set);
    else if (found !== expected) problems.push(problem(['checksums', set], `the prepared ${set}.bin has digest ${found.slice(0, 12)}…: run npm run setup to prepare it again.`));
  }
  for (const [i, set] of value.folders.entries()) { // D2
    const manifest = await readManifest(join(dir, `${set}.manifest.json`));
    if (manifest === null) { missing.push(set); continue; }
    const complain = (what: string): void => { problems.push(problem(['folders', i], `${what}: run brigade surfaces setup again.`)); };
    if (typeof manifest === 'string') { complain(`${set}.manifest.json ${manifest}`); continue; }
    const digest = digestOfManifest(manifest);
    const wanted = value.checksums[set];
    if (wanted !== undefined && wanted !== digest) complain(`the prepared ${set} has digest ${digest.slice(0, 12)}…, and checksums names ${wanted.slice(0, 12)}…`); // D3
    const wrong = await firstWrong(join(dir, set), manifest, verify);
    if (wrong !== null) complain(`the prepared ${set}/${wrong}`);
    pinned.push(...manifest.files.map(({ path, sha256 }) => ({ path: join(dir, set, path), sha256 })));
    digests.push(`data ${set} ${digest}`);
  }
  return { problems, missing, pinned, digests };
}

async function readManifest(file: string): Promise<Manifest | string | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return null;
  try { return ManifestSchema.parse(JSON.parse(text)); } catch { return 'is damaged'; }
}

/** SHA-256 over the files of a manifest by path, size and digest: equal on every machine that holds the same data. */
function digestOfManifest({ files }: Manifest): string {
  const hash = createHash('sha256');
  for (const { path, bytes, sha256 } of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) hash.update(`${path}\0${bytes}\0${sha256}\n`);
  return hash.digest('hex');
}

/** The first file that is not as the manifest has it, and how; null when all are. */
async function firstWrong(folder: string, { files }: Manifest, verify: boolean): Promise<string | null> {
  const known = new Set(files.map(({ path }) => path));
  const extra = (await listFiles(folder, folder).catch(() => [])).find((path) => !known.has(path));
  if (extra !== undefined) return `${extra} is in no manifest`;
  for (const { path, bytes, sha256, mtimeMs } of files) {
    const found = await stat(join(folder, path)).catch(() => null);
    if (found === null) return `${path} is gone`;
    if (found.size !== bytes) return `${path} has ${found.size} bytes, not ${bytes}`;
    if ((verify || Math.floor(found.mtimeMs) !== mtimeMs) && await digestOf(join(folder, path)) !== sha256) return `${path} has another content`;
  }
  return null;
}

async function digestOf(file: string): Promise<string | null> {
  const hash = createHash('sha256');
  return pipeline(createReadStream(file), hash).then(() => hash.digest('hex'), () => null);
}
