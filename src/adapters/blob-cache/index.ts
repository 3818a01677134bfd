import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobHash } from '../../domain/ids.ts';
import type { Blobs } from '../../ports.ts';

// Blobs that this machine has fetched, on its own disk under their hashes, for every process of it.
//
//   H1. What is read is hashed again: a file that is not what its name says is thrown away, and the blob is fetched anew.
//   H2. A file appears whole: it is written beside and renamed. Nothing is synced, for what a power cut tears is found by H1.
//   H3. There is room for so many bytes, give or take a sixteenth for each process; what was not asked for the longest goes first.
//   H4. A disk that takes nothing costs a fetch, never an answer.

export interface BlobCacheOptions {
  /** A folder of this machine; processes of several runs may share it. */
  readonly dir: string;
  readonly mostBytes: number;
  /** Hears of a file that did not hold what its name says. */
  readonly onDamaged: (hash: BlobHash) => void;
}

/** Longer than any write takes: what is older was left by a process that died over it. */
const LEFT_BEHIND_MS = 3_600_000;

/** Blobs that are looked for on this machine's disk before they are fetched from `behind`; what is put goes there alone. */
export function cachedBlobs(behind: Blobs, { dir, mostBytes, onDamaged }: BlobCacheOptions): Blobs {
  let writtenBytes = Infinity; // unknown, so that the first write looks

  async function kept(hash: BlobHash): Promise<Uint8Array | null> {
    const path = join(dir, hash);
    const bytes = await readFile(path).catch(() => null);
    if (bytes === null) return null;
    if (createHash('sha256').update(bytes).digest('hex') !== hash) { // H1
      onDamaged(hash);
      await rm(path, { force: true }).catch(() => undefined);
      return null;
    }
    const now = new Date();
    await utimes(path, now, now).catch(() => undefined); // H3
    return new Uint8Array(bytes);
  }

  async function keep(hash: BlobHash, bytes: Uint8Array): Promise<void> {
    if (bytes.length > mostBytes / 16) return;
    const beside = join(dir, `${randomUUID()}.part`);
    await mkdir(dir, { recursive: true, mode: 0o700 });
    try {
      await writeFile(beside, bytes, { flag: 'wx', mode: 0o600 });
      await rename(beside, join(dir, hash)); // H2
    } catch (error) {
      await rm(beside, { force: true });
      throw error;
    }
    writtenBytes += bytes.length;
    if (writtenBytes < mostBytes / 16) return;
    writtenBytes = 0;
    await makeRoom(dir, mostBytes);
  }

  return {
    put: (bytes) => behind.put(bytes),
    async get(hash) {
      const here = await kept(hash);
      if (here !== null) return here;
      const bytes = await behind.get(hash);
      if (bytes !== null) await keep(hash, bytes).catch(() => undefined); // H4
      return bytes;
    },
  };
}

/** Removes what was not asked for the longest until the rest fits, and what dead writers left. */
async function makeRoom(dir: string, mostBytes: number): Promise<void> { // H3
  const found = await Promise.all((await readdir(dir)).map(async (name) => {
    const path = join(dir, name);
    const seen = await stat(path).catch(() => null); // another process may remove it meanwhile
    return seen === null ? [] : [{ path, isPart: name.endsWith('.part'), bytes: seen.size, usedMs: seen.mtimeMs }];
  }));
  const files = found.flat().sort((a, b) => b.usedMs - a.usedMs);
  let left = mostBytes;
  for (const { path, isPart, bytes, usedMs } of files) {
    if (!isPart) left -= bytes;
    if (isPart ? Date.now() - usedMs > LEFT_BEHIND_MS : left < 0) await rm(path, { force: true });
  }
}
