import { createHash } from 'node:crypto';
import type { BlobHash } from '../../domain/ids.ts';
import type { Blobs } from '../../ports.ts';

/** Bytes by their hash in this process. */
export function memoryBlobs(): Blobs {
  const stored = new Map<BlobHash, Uint8Array>();
  return {
    async put(bytes) {
      const hash = createHash('sha256').update(bytes).digest('hex');
      stored.set(hash, new Uint8Array(bytes));
      return hash;
    },
    get: async (hash) => stored.get(hash)?.slice() ?? null,
  };
}
