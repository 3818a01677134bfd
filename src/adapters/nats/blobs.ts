import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { JetStreamApiError, type JetStreamClient } from '@nats-io/jetstream';
import { Objm, type ObjectStore } from '@nats-io/obj';
import type { NatsConnection } from 'nats';
import type { BlobHash, RunId } from '../../domain/ids.ts';
import type { Blobs } from '../../ports.ts';
import { blobBucket } from '../../protocols/streams.ts';
import type { Reconnects } from './reconnects.ts';

// Bytes by their SHA-256 in one run's object store.
//
//   B1. What is read is hashed again: a blob is what its name says or an error.
//   B2. Putting the same bytes twice stores them once.

/** Recipes and feedback are small and asked for again and again. */
const CACHE_BYTES = 32 * 1024 * 1024;
const WAIT_MS = 20_000;
/** Twenty seconds and more: a cluster that has lost its leader needs up to ten to have another. */
const MOST_TRIES = 15;
/** Said by a server of a cluster that has no leader at the moment. */
const LEADERLESS = 10008;

/** A blob's bytes do not match its name. */
export class BlobDamaged extends Error {
  readonly hash: BlobHash;
  constructor(hash: BlobHash, options?: ErrorOptions) {
    super(`blob ${hash} is damaged in the store: its bytes hash to something else`, options);
    this.name = 'BlobDamaged';
    this.hash = hash;
  }
}

/** The name a blob is stored under: the SHA-256 of its bytes, in hexadecimal. */
const hashOf = (bytes: Uint8Array): BlobHash => createHash('sha256').update(bytes).digest('hex');

/** The blobs of one run. */
export function natsBlobs({ nc, js, reconnects, run }: { nc: NatsConnection; js: JetStreamClient; reconnects: Reconnects; run: RunId }): Blobs {
  const cache = new Map<BlobHash, Uint8Array>();
  let cached = 0;
  let opened: Promise<ObjectStore> | null = null;
  const open = (): Promise<ObjectStore> => (opened ??= new Objm(js).open(blobBucket(run), false));

  const remember = (hash: BlobHash, bytes: Uint8Array): void => {
    if (cache.has(hash) || bytes.length > CACHE_BYTES / 8) return;
    cache.set(hash, bytes);
    cached += bytes.length;
    for (const [oldest, old] of cache) {
      if (cached <= CACHE_BYTES) break;
      cache.delete(oldest);
      cached -= old.length;
    }
  };

  /** Storing and reading are idempotent, so what a restarting server leaves unanswered is asked again. */
  const insist = async <T>(work: () => Promise<T>): Promise<T> => {
    for (let tries = 0; ; tries++) {
      try {
        return await Promise.race([reconnects.orLost(work()), sleep(WAIT_MS, undefined, { ref: false }).then(() => { throw new Error('no answer in time'); })]);
      } catch (error) {
        if (nc.isClosed() || error instanceof BlobDamaged || isFinal(error) || isDenied(error) || tries >= MOST_TRIES) throw error;
        opened = null;
        await sleep(Math.min(2_000, 50 * 2 ** tries));
      }
    }
  };

  return {
    async put(bytes) {
      const hash = hashOf(bytes);
      if (cache.has(hash)) return hash;
      const kept = new Uint8Array(bytes); // a copy: slicing a Buffer shares its memory
      await insist(async () => {
        const store = await open();
        try {
          await store.putBlob({ name: hash }, kept, { previousRevision: 0 }); // new bytes are the rule: looking first would cost each of them a round trip
        } catch (error) {
          if ((await store.info(hash)) === null) throw error; // B2: else the same bytes are stored already
        }
      });
      remember(hash, kept);
      return hash;
    },

    async get(hash) {
      const known = cache.get(hash);
      if (known) {
        cache.delete(hash);
        cache.set(hash, known); // newest again
        return new Uint8Array(known);
      }
      const bytes = await insist(async () => {
        try {
          return await (await open()).getBlob(hash);
        } catch (cause) {
          if (cause instanceof Error && /digests do not match/.test(cause.message)) throw new BlobDamaged(hash, { cause });
          throw cause;
        }
      });
      if (bytes === null) return null;
      if (hashOf(bytes) !== hash) throw new BlobDamaged(hash); // B1
      remember(hash, bytes);
      return new Uint8Array(bytes);
    },
  };
}

const isFinal = (error: unknown): boolean => error instanceof JetStreamApiError && error.code !== LEADERLESS;

const isDenied = (error: unknown): boolean => error instanceof Error && (error.name === 'PermissionViolationError' || (error.cause instanceof Error && error.cause.name === 'PermissionViolationError'));
