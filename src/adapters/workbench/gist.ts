import { createHash } from 'node:crypto';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

// What a mounted file or folder holds, told in little time.
//
//   G1. Machines whose mounts hold the same have the same gist: names, sizes and contents count, never places or times.
//   G2. A large file is known by its size and by pieces of its start, middle and end: a data set of a hundred gigabytes must not be read before every run.

const WHOLE_BYTES = 16 * 2 ** 20;
const PIECE_BYTES = 2 ** 20;

/** SHA-256 over what lies at a path; links are followed, because the sandbox shows what they lead to. */
export async function gistOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await add(path, '', hash, new Set());
  return hash.digest('hex');
}

async function add(path: string, name: string, hash: ReturnType<typeof createHash>, seen: Set<string>): Promise<void> {
  const found = await stat(path).catch(() => null);
  const folder = found?.isDirectory() ? `${found.dev}:${found.ino}` : '';
  if (found?.isDirectory() && !seen.has(folder)) { // a link may lead back to a folder above
    seen.add(folder);
    for (const entry of (await readdir(path)).sort()) await add(join(path, entry), `${name}/${entry}`, hash, seen);
  } else if (found?.isFile()) {
    hash.update(`${name}\0${found.size}\0`);
    await addPieces(path, found.size, hash);
  } else hash.update(`${name}\0none\0`); // a broken link, a socket: nothing a recipe could read
}

async function addPieces(path: string, size: number, hash: ReturnType<typeof createHash>): Promise<void> { // G2
  const handle = await open(path, 'r');
  try {
    const starts = size <= WHOLE_BYTES ? Array.from({ length: Math.ceil(size / PIECE_BYTES) }, (_, i) => i * PIECE_BYTES) : [0, Math.floor(size / 2), size - PIECE_BYTES];
    const piece = Buffer.alloc(PIECE_BYTES);
    for (const start of starts) {
      const { bytesRead } = await handle.read(piece, 0, PIECE_BYTES, start);
      hash.update(piece.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}
