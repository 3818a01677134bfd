import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { CHAIN_START, chained, rowText } from '../../src/adapters/lmdb/chain.ts';
import { openStore } from '../../src/adapters/lmdb/index.ts';
import { volatileStore } from '../../src/adapters/lmdb/volatile.ts';
import type { Fact } from '../../src/domain/fact.ts';
import type { FactStore } from '../../src/ports.ts';
import { syntheticRun } from '../support/synthetic-run.ts';

const { facts } = syntheticRun(40);
const folders: string[] = [];
const folder = async (): Promise<string> => { const made = await mkdtemp(join(tmpdir(), 'brigade-store-')); folders.push(made); return join(made, 'lineage.lmdb'); };
afterEach(async () => { await Promise.all(folders.splice(0).map((each) => rm(each, { recursive: true, force: true }))); });

const all = (store: FactStore): Fact[] => [...store.read(0, store.position().applied)];
/** A closed store that holds the whole run. */
async function filled(): Promise<string> {
  const path = await folder();
  const store = await openStore(path);
  store.apply(facts);
  await store[Symbol.asyncDispose]();
  return path;
}

const storeSpec = (name: string, make: () => Promise<FactStore>) => describe(`a fact store ${name}`, () => {
  test('gives back what was put in, with the chain of exactly that', async () => {
    await using store = await make();
    store.apply(facts.slice(0, 10));
    store.apply(facts.slice(5));
    expect(all(store)).toEqual(facts);
    expect(store.position()).toEqual({ applied: facts.length, chain: facts.reduce((chain, fact) => chained(chain, fact.seq, rowText(fact)), CHAIN_START) });
    expect([...store.read(3, 6)].map(({ seq }) => seq)).toEqual([4, 5, 6]);
  });
  test('a batch that fails half-way leaves nothing of itself', async () => {
    await using store = await make();
    store.apply(facts.slice(0, 5));
    const before = store.position();
    const broken = { ...facts[6], toJSON: null, body: { toJSON() { throw new Error('broken'); } } } as unknown as Fact;
    expect(() => { store.apply([...facts.slice(5, 6), broken]); }).toThrow('broken');
    expect(store.position()).toEqual(before);
    expect(all(store)).toEqual(facts.slice(0, 5));
    store.apply(facts.slice(5, 8));
    expect(all(store)).toEqual(facts.slice(0, 8));
  });
  test('is empty again after it was cleared', async () => {
    await using store = await make();
    store.apply(facts);
    store.clear();
    expect([store.position(), all(store)]).toEqual([{ applied: 0, chain: CHAIN_START }, []]);
  });
});
storeSpec('in LMDB', async () => openStore(await folder()));
storeSpec('in memory', async () => volatileStore(null));

describe('a store on disk that was damaged', () => {
  test('is kept as it is when nothing is wrong', async () => {
    const path = await filled();
    await using store = await openStore(path);
    expect([store.notice, all(store)]).toEqual([null, facts]);
  });
  const damages: readonly (readonly [string, (file: string, size: number) => Promise<void>])[] = [
    ['cut in half', (file, size) => truncate(file, Math.floor(size / 2))],
    ['emptied', (file) => truncate(file, 0)],
    ['filled with garbage', (file, size) => writeFile(file, Buffer.alloc(size, 'garbage '))],
    ['overwritten in its meta pages', async (file) => { await using handle = await open(file, 'r+'); await handle.write(Buffer.alloc(8_192, 0xff), 0, 8_192, 0); }],
    ['changed by one letter of a body', (file) => change(file, 'hypothesis":"', 'hypothesiz":"')],
    ['changed by one digit of a score', (file) => change(file, '"score":2.5', '"score":1.5')],
  ];
  test.each(damages)('is moved aside when %s, and the fresh one works', async (_, damage) => {
    const path = await filled();
    await damage(path, (await stat(path)).size);
    await using store = await openStore(path);
    if (store.notice !== null) {
      expect(store.notice).toContain('made again from the journal');
      expect(await readdir(join(path, '..'))).toContain('lineage.lmdb.damaged-1');
    }
    expect(all(store)).toEqual([]);
    store.apply(facts);
    expect(all(store)).toEqual(facts);
  });
  test('with any of forty bits flipped tells the truth or nothing', async () => {
    const path = await filled();
    const sound = await readFile(path);
    for (let i = 0; i < 40; i++) {
      const bytes = Buffer.from(sound);
      const at = Math.floor((((i + 1) * 2654435761) % 4294967296) / 4294967296 * bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (i % 8));
      await rm(`${path}-lock`, { force: true });
      await writeFile(path, bytes);
      await using store = await openStore(path);
      const told = all(store);
      expect(store.notice === null ? told : [...told, 'moved aside']).toEqual(store.notice === null ? facts : ['moved aside']);
      if (store.notice !== null) await rm(`${path}.damaged-1`, { force: true });
    }
  });
  test('is moved aside when it is a folder', async () => {
    const path = await folder();
    await mkdir(path);
    await using store = await openStore(path);
    store.apply(facts);
    expect(all(store)).toEqual(facts);
  });
  test('that lies where nothing can be written is replaced by memory, and says so', async () => {
    const path = await folder();
    await writeFile(path, 'a file where a folder should be');
    await using store = await openStore(join(path, 'lineage.lmdb'));
    expect(store.notice).toContain('in memory only');
    store.apply(facts);
    expect(all(store)).toEqual(facts);
  });
  test('loses nothing it had said was kept when its process is killed', async () => {
    const path = await folder();
    const program = join(path, '..', 'writer.cjs');
    await writeFile(program, `
const lmdb = require(${JSON.stringify(createRequire(import.meta.url).resolve('lmdb'))});
const root = lmdb.open({ path: ${JSON.stringify(path)}, noSubdir: true, maxDbs: 8, encoding: 'string' });
const facts = root.openDB({ name: 'facts', encoding: 'string', keyEncoding: 'uint32' });
for (let n = 1; ; n++) { root.transactionSync(() => { facts.putSync(n, 'x'.repeat(500)); }); process.stdout.write(n + '\\n'); }`);
    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    await new Promise<void>((resolve) => { child.once('exit', () => { resolve(); }); child.stdout.on('data', (bytes: Buffer) => { said += bytes.toString(); if (said.split('\n').length > 300) resolve(); }); });
    const closed = new Promise((resolve) => { child.once('close', resolve); });
    child.kill('SIGKILL');
    await closed;
    const acknowledged = Number(said.trim().split('\n').at(-1));
    const { open: openLmdb } = await import('lmdb');
    const root = openLmdb({ path, noSubdir: true, maxDbs: 8, encoding: 'string' });
    const stored = root.openDB<string, number>({ name: 'facts', encoding: 'string', keyEncoding: 'uint32' }).getKeysCount();
    await root.close();
    expect(acknowledged).toBeGreaterThan(200);
    expect(stored).toBeGreaterThanOrEqual(acknowledged);
  });
});

async function change(file: string, from: string, to: string): Promise<void> {
  const bytes = await readFile(file);
  const at = bytes.indexOf(from);
  if (at < 0) throw new Error(`${from} is not in the file`);
  bytes.write(to, at);
  await writeFile(file, bytes);
}
