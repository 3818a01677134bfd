import { mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cachedBlobs } from '../../src/adapters/blob-cache/index.ts';
import { memoryBlobs } from '../../src/adapters/memory/index.ts';
import type { Blobs } from '../../src/ports.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
let root: string;
beforeEach(async () => { root = await mkdtemp(join(tmpdir(), 'brigade-blobs-')); });
afterEach(async () => { await rm(root, { recursive: true, force: true }); });

/** A store that counts how often each blob was fetched from it, and a cache of it for every process that asks for one. */
function machine(mostBytes = 1_600_000) {
  const store = memoryBlobs();
  const fetched: string[] = [];
  const damaged: string[] = [];
  const behind: Blobs = { put: store.put, get: (hash) => { fetched.push(hash); return store.get(hash); } };
  const dir = join(root, 'cache');
  return { store, fetched, damaged, dir, open: (at = dir) => cachedBlobs(behind, { dir: at, mostBytes, onDamaged: (hash) => damaged.push(hash) }) };
}

test('what one process of a machine fetched another reads from the disk', async () => {
  const { store, fetched, open, dir } = machine();
  const hash = await store.put(bytes('a recipe'));
  expect(await open().get(hash)).toEqual(bytes('a recipe'));
  expect(await open().get(hash)).toEqual(bytes('a recipe'));
  expect(fetched).toEqual([hash]);
  expect(await readdir(dir)).toEqual([hash]);
});

test('a blob that nobody has is null, and is asked for again', async () => {
  const { fetched, open } = machine();
  const [none, blobs] = ['0'.repeat(64), open()];
  expect([await blobs.get(none), await blobs.get(none)]).toEqual([null, null]);
  expect(fetched).toEqual([none, none]);
});

test.each([
  ['changed', async (path: string) => { const was = await readFile(path); was[0] = 255 - (was[0] ?? 0); await writeFile(path, was); }],
  ['cut short', (path: string) => truncate(path, 3)],
  ['emptied', (path: string) => truncate(path, 0)],
  ['made longer', async (path: string) => { await writeFile(path, bytes('more'), { flag: 'a' }); }],
] as const)('a file that was %s is never used: the blob is fetched again, and the file is whole again', async (_, harm) => {
  const { store, fetched, damaged, open, dir } = machine();
  const hash = await store.put(bytes('a recipe'));
  const blobs = open();
  await blobs.get(hash);
  await harm(join(dir, hash));
  expect(await blobs.get(hash)).toEqual(bytes('a recipe'));
  expect([damaged, fetched]).toEqual([[hash], [hash, hash]]);
  expect(await open().get(hash)).toEqual(bytes('a recipe'));
  expect(fetched).toHaveLength(2);
});

test('the room is bounded, what was asked for lately stays, and what dead writers left goes', async () => {
  const { store, fetched, open, dir } = machine(160_000);
  const hashes = await Promise.all(Array.from({ length: 40 }, (_, i) => store.put(new Uint8Array(9_000).fill(i))));
  const [first = ''] = hashes;
  const blobs = open();
  await blobs.get(first);
  await writeFile(join(dir, 'dead.part'), 'half');
  await utimes(join(dir, 'dead.part'), new Date(0), new Date(0));
  for (const hash of hashes.slice(1)) {
    await blobs.get(hash);
    await blobs.get(first);
  }
  const sizes = await Promise.all((await readdir(dir)).map(async (name) => (await stat(join(dir, name))).size));
  expect(sizes.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(160_000 + 10_000);
  expect(sizes).not.toContain(4);
  expect(fetched.filter((hash) => hash === first)).toHaveLength(1);
});

test('a blob that would fill the cache is not kept', async () => {
  const { store, open, dir } = machine(160_000);
  const hash = await store.put(new Uint8Array(20_000));
  expect((await open().get(hash))?.length).toBe(20_000);
  expect(await readdir(dir).catch(() => [])).toEqual([]);
});

test('a disk that takes nothing costs a fetch and no answer', async () => {
  const { store, fetched, open } = machine();
  const hash = await store.put(bytes('a recipe'));
  await writeFile(join(root, 'no-folder'), '');
  const blobs = open(join(root, 'no-folder'));
  expect([await blobs.get(hash), await blobs.get(hash)]).toEqual([bytes('a recipe'), bytes('a recipe')]);
  expect(fetched).toEqual([hash, hash]);
});

test('a caller that changes what it was given changes nothing for the next', async () => {
  const { store, open } = machine();
  const hash = await store.put(bytes('a recipe'));
  const blobs = open();
  for (let i = 0; i < 3; i++) (await blobs.get(hash))?.fill(0);
  expect(await blobs.get(hash)).toEqual(bytes('a recipe'));
});
