import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Files as they were: their hashes, and enough of their inodes to see at a glance that nobody wrote to them since. */
export interface Pins {
  readonly files: ReadonlyMap<string, { readonly sha256: string; readonly glance: string }>;
}

/** Every file under some paths, sorted; a link is an error, because what it leads to could change unseen. */
export async function listFiles(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const stat = await lstat(path);
    if (stat.isDirectory()) found.push(...await listFiles((await readdir(path)).sort().map((name) => join(path, name))));
    else if (stat.isFile()) found.push(path);
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

/** Inode, size and times: none can be put back after a write without being root. */
async function glanceAt(path: string): Promise<string> {
  const stat = await lstat(path, { bigint: true });
  return [stat.ino, stat.size, stat.mode, stat.mtimeNs, stat.ctimeNs].join(' ');
}

/** Remembers every file under some paths. One whose digest is known already is not read. */
export async function pin(paths: readonly string[], known: ReadonlyMap<string, string> = new Map()): Promise<Pins> {
  const files = new Map<string, { sha256: string; glance: string }>();
  for (const path of await listFiles(paths)) files.set(path, { sha256: known.get(path) ?? await sha256Of(path), glance: await glanceAt(path) });
  return { files };
}

/** The first file that is missing, new or different; a touched file with equal content is none of these. */
export async function findChange(pins: Pins, paths: readonly string[]): Promise<string | null> {
  const now = new Set(await listFiles(paths));
  for (const path of now) if (!pins.files.has(path)) return path;
  for (const [path, was] of pins.files) {
    if (!now.has(path)) return path;
    if (await glanceAt(path) !== was.glance && await sha256Of(path) !== was.sha256) return path;
  }
  return null;
}
