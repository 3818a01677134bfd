import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { lstat, mkdir, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Sealed } from '../../ports.ts';

// Taking an artifact out of a folder that a stranger wrote.
//
//   A1. It is opened without following links and without waiting, and only a regular file with one name is read.
//   A2. No more than the cap is read, however large the file claims to be.

const kindOf = (stat: Stats): string =>
  stat.isSymbolicLink() ? 'a symbolic link' : stat.isFIFO() ? 'a pipe' : stat.isDirectory() ? 'a folder' : stat.isSocket() ? 'a socket' : 'a device';

/** Copies one file of a scratch folder to where the evaluator keeps it, and hashes what was copied. */
export async function seal(scratch: string, file: string, mostBytes: number, into: string): Promise<Sealed> {
  const path = join(scratch, file);
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return null; throw error; });
  if (found === null) return { kind: 'absent' };
  if (!found.isFile()) return { kind: 'forged', what: `${file} is ${kindOf(found)}` }; // A1
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) return { kind: 'forged', what: `${file} is ${kindOf(stat)}` };
    if (stat.nlink !== 1) return { kind: 'forged', what: `${file} has a second name` }; // A1
    if (stat.size > mostBytes) return { kind: 'too-large', bytes: stat.size }; // A2
    const bytes = Buffer.alloc(stat.size);
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    await mkdir(dirname(into), { recursive: true });
    const partial = await open(`${into}.partial`, 'w', 0o400);
    try { await partial.writeFile(bytes.subarray(0, filled)); } finally { await partial.close(); }
    await rename(`${into}.partial`, into);
    return { kind: 'sealed', path: into, file, bytes: filled, sha256: createHash('sha256').update(bytes.subarray(0, filled)).digest('hex') };
  } finally {
    await handle.close();
  }
}
