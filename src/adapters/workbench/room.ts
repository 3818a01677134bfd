import { statfs } from 'node:fs/promises';

/** A larger scratch is allowed more than it is likely to leave. */
const MOST_BYTES = 256 * 2 ** 20;

/** The disk of this node has no room to measure on. */
export class NoRoom extends Error {
  readonly dir: string;
  constructor(dir: string, freeBytes: number, neededBytes: number) {
    super(`${dir} has ${Math.floor(freeBytes / 2 ** 20)} MiB free and a measurement may need ${Math.ceil(neededBytes / 2 ** 20)}: free some space there`);
    this.name = 'NoRoom';
    this.dir = dir;
  }
}

/** Throws NoRoom where a folder's disk could not take what one phase may leave. */
export async function requireRoom(dir: string, scratchBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dir);
  const needed = Math.min(scratchBytes, MOST_BYTES);
  if (bavail * bsize < needed) throw new NoRoom(dir, bavail * bsize, needed);
}
