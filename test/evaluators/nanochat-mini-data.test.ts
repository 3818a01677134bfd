import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const run = promisify(execFile);
const folder = join(import.meta.dirname, '..', '..', 'evaluators', 'nanochat-mini');
const prepare = (outdir: string) => run(process.execPath, [join(folder, 'prepare.mjs'), outdir]);
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const Row = z.tuple([z.string(), z.string()]);
const Made = z.strictObject({
  blocks: z.array(z.string().length(768)),
  tasks: z.array(z.strictObject({ name: z.string(), kind: z.enum(['choice', 'schema', 'completion']), guess: z.number(), items: z.array(z.array(Row).min(1)) })),
});
const Pinned = z.object({ checksums: z.record(z.string(), z.string()) });
const SETS = ['search', 'confirm', 'final'];

let out = '';
let said = '';
let train: Buffer;
let sets: z.infer<typeof Made>[];
let pinned: Readonly<Record<string, string>>;
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'brigade-data-'));
  said = (await prepare(out)).stdout;
  pinned = Pinned.parse(parse(await readFile(join(folder, 'evaluator.yaml'), 'utf8'))).checksums;
  train = await readFile(join(out, 'train.bin'));
  sets = await Promise.all(SETS.map(async (name) => Made.parse(JSON.parse(await readFile(join(out, `${name}.bin`), 'latin1')))));
}, 120_000);
afterAll(() => rm(out, { recursive: true, force: true }));

describe('the data', () => {
  test('are made from the package to the byte', async () => {
    expect(said).toContain('train 10150432 bytes');
    for (const [name, sum] of Object.entries(pinned)) expect([name, sha256(await readFile(join(out, `${name}.bin`)))]).toEqual([name, sum]);
  });

  test('are made again when damaged, and left alone when whole', async () => {
    await writeFile(join(out, 'confirm.bin'), '{"blocks": [');
    await prepare(out);
    expect(sha256(await readFile(join(out, 'confirm.bin')))).toBe(pinned['confirm']);
    expect((await prepare(out)).stdout).toContain('already');
    expect((await readdir(out)).filter((name) => name.includes('partial'))).toEqual([]);
  });

  test('share no text between training and the three sets', () => {
    const blocks = sets.flatMap((set) => set.blocks);
    expect(new Set(blocks).size).toBe(blocks.length);
    expect(blocks.filter((block, k) => k % 5 === 0 && train.includes(block.replaceAll(/\s+/g, ' ').slice(0, 200), 0, 'latin1'))).toEqual([]);
    const prefixesOf = (set: z.infer<typeof Made>): Set<string> => new Set(set.tasks.flatMap(({ items }) => items.map((item) => item[0]?.[0] ?? '')).filter((prefix) => prefix.length > 48));
    const [search, confirm, final] = sets.map(prefixesOf) as [Set<string>, Set<string>, Set<string>];
    const shared = (a: Set<string>, b: Set<string>): number => [...a].filter((prefix) => b.has(prefix)).length;
    expect(search.size).toBeGreaterThan(5000);
    expect([shared(search, confirm), shared(search, final), shared(confirm, final)].every((count) => count <= 5)).toBe(true); // stock phrases recur
  });
});

describe('the eight tasks', () => {
  test('are of three kinds, with as many items as the others and a guess by the number of their rows', () => {
    for (const { tasks } of sets) {
      expect(tasks.map(({ kind }) => kind).sort()).toEqual(['choice', 'choice', 'choice', 'choice', 'completion', 'completion', 'schema', 'schema']);
      for (const { name, kind, guess, items } of tasks) {
        expect(items.length, name).toBe(1200);
        for (const item of items) expect(kind === 'completion' ? 0 : 1 / item.length, name).toBe(guess);
      }
    }
  });

  test('vary the continuation in a choice, the prefix in a schema, and never ask two equal rows', () => {
    for (const { kind, items } of sets.flatMap(({ tasks }) => tasks)) {
      for (const item of items) {
        expect(new Set(item.map(([prefix, continuation]) => `${prefix}|${continuation}`)).size).toBe(item.length);
        if (kind === 'choice') expect(new Set(item.map(([prefix]) => prefix)).size).toBe(1);
        if (kind === 'schema') expect(new Set(item.map(([, continuation]) => continuation)).size).toBe(1);
      }
    }
  });

  test('fit a context of 128 bytes, with a prefix to read and a continuation that ends with its word', () => {
    const rows = sets.flatMap(({ tasks }) => tasks.flatMap(({ items }) => items.flat()));
    for (const [prefix, continuation] of rows) {
      expect(prefix.length).toBeGreaterThan(20);
      expect(prefix.length + continuation.length).toBeLessThanOrEqual(128);
      expect(continuation).toMatch(/^\S.* $/);
    }
  });

  test('give nothing away by the length of the right row', () => {
    for (const { name, kind, guess, items } of sets.flatMap(({ tasks }) => tasks)) {
      if (kind !== 'choice') continue;
      for (const direction of [1, -1]) {
        const earned = items.map((item) => {
          const lengths = item.map(([, continuation]) => direction * continuation.length);
          const best = Math.max(...lengths);
          return lengths[0] === best ? 1 / lengths.filter((length) => length === best).length : 0;
        });
        const centred = (earned.reduce((sum, one) => sum + one, 0) / items.length - guess) / (1 - guess);
        expect(centred, `${name}: choosing the ${direction > 0 ? 'longest' : 'shortest'}`).toBeLessThan(0.12);
      }
    }
  });
});
