import { createHash } from 'node:crypto';
import { createReadStream, type BigIntStats } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

interface Pin { readonly sha256: string; readonly glance: string }

/** Files as they were: their hashes, and enough of their inodes to see at a glance that nobody wrote to them since. */
export interface Pins {
  readonly files: ReadonlyMap<string, Pin>;
}

/** Inode, size and times: none can be put back after a write without being root. */
const glanceOf = ({ ino, size, mode, mtimeNs, ctimeNs }: BigIntStats): string => [ino, size, mode, mtimeNs, ctimeNs].join(' ');

/** A glance at every file under some paths, sorted; a link is an error, because what it leads to could change unseen. */
async function look(paths: readonly string[]): Promise<[path: string, glance: string][]> {
  const seen = await Promise.all(paths.map(async (path) => ({ path, stat: await lstat(path, { bigint: true }) })));
  const found: [string, string][] = [];
  for (const { path, stat } of seen) {
    if (stat.isDirectory()) found.push(...await look((await readdir(path)).sort().map((name) => join(path, name))));
    else if (stat.isFile()) found.push([path, glanceOf(stat)]);
    else throw new Error(`${path} is neither a file nor a folder: trusted files must lie where they are used`);
  }
  return found;
}

/** SHA-256 of a file, in hexadecimal. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Remembers every file under some paths. One whose digest is known already is not read. */
export async function pin(paths: readonly string[], known: ReadonlyMap<string, string> = new Map()): Promise<Pins> {
  const files = new Map<string, Pin>();
  for (const [path, glance] of await look(paths)) files.set(path, { sha256: known.get(path) ?? await sha256Of(path), glance });
  return { files };
}

/** Writes a file that is not there yet, read-only, and remembers it as it was written: it need not be read back. */
export async function pinNew(path: string, text: string): Promise<Pin> {
  const handle = await open(path, 'wx', 0o444);
  try {
    await handle.writeFile(text);
    return { sha256: createHash('sha256').update(text).digest('hex'), glance: glanceOf(await handle.stat({ bigint: true })) };
  } finally {
    await handle.close();
  }
}

/** The first file that is missing, new or different; a touched file with equal content is none of these. */
export async function findChange(pins: Pins, paths: readonly string[]): Promise<string | null> {
  const now = new Map(await look(paths));
  for (const path of now.keys()) if (!pins.files.has(path)) return path;
  for (const [path, was] of pins.files) {
    const glance = now.get(path);
    if (glance === undefined || (glance !== was.glance && await sha256Of(path) !== was.sha256)) return path;
  }
  return null;
}
